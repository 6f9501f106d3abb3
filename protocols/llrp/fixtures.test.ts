/** Every outside vector: header, content, encode∘decode, and the framer at every split. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import {
  decodeHeader,
  decodeMessage,
  decodeTagReads,
  encodeMessage,
  findParameter,
  LlrpFramer,
  statusOf,
} from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    version: number;
    type: number;
    length: number;
    id: number;
    sllurp_decode?: Record<string, Record<string, unknown>>;
  };
}

const VECTORS: Vector[] = JSON.parse(readFileSync(new URL('fixtures/llrp.json', import.meta.url), 'utf8'));

describe.each(VECTORS)('$name', ({ input, expected }) => {
  const frame = fromHex(input);

  it('has the expected header', () => {
    const { version, type, length, id } = expected;
    expect(decodeHeader(frame)).toEqual({ version, type, length, id });
    const message = decodeMessage(frame);
    expect(message).toMatchObject({ version, id });
    expect(message.name).not.toBe('UNKNOWN');
  });

  it('is encoded to the same bytes', () => {
    expect(toHex(encodeMessage(decodeMessage(frame)))).toBe(input);
  });

  it('comes out of the framer whole, wherever the stream is cut', () => {
    for (let cut = 0; cut <= frame.length; cut++) {
      const framer = new LlrpFramer();
      const frames = [...framer.push(frame.subarray(0, cut)), ...framer.push(frame.subarray(cut))];
      expect(frames.map(toHex)).toEqual([input]);
      expect(framer.stats).toEqual({ bytes: frame.length, frames: 1, discardedBytes: 0, checksumErrors: 0 });
    }
  });

  it('is refused at every shorter length', () => {
    for (let length = 0; length < frame.length; length++) {
      expect(() => decodeMessage(frame.subarray(0, length))).toThrow(
        expect.objectContaining({ name: 'CodecError', code: length < 10 ? 'llrp-truncated' : 'llrp-length' }),
      );
    }
  });

  const name = Object.keys(expected.sllurp_decode ?? {})[0];
  const foreign = name === undefined ? undefined : expected.sllurp_decode?.[name];
  if (foreign === undefined) return;

  it('says what an independent decoder says', () => {
    const message = decodeMessage(frame);
    expect(message.name).toBe(name);
    const status = statusOf(message);
    const foreignStatus = foreign.LLRPStatus as { StatusCode: string; ErrorDescription: string } | undefined;
    if (foreignStatus !== undefined) {
      expect(foreignStatus.StatusCode).toBe('Success');
      expect(status).toMatchObject({ statusCode: 0, errorDescription: foreignStatus.ErrorDescription });
    }
    const foreignTags = foreign.TagReportData as Record<string, unknown>[] | undefined;
    if (foreignTags === undefined) return;
    expect(decodeTagReads(frame)).toEqual(
      foreignTags.map((tag) =>
        expect.objectContaining({
          epc: tag.EPC,
          antennaId: tag.AntennaID,
          peakRssiDbm: tag.PeakRSSI,
          firstSeenUtcUs: tag.FirstSeenTimestampUTC,
          tagSeenCount: tag.TagSeenCount,
          lastSeenUtcUs: undefined,
        }),
      ),
    );
  });
});

describe('client requests captured from an independent client', () => {
  const messageNamed = (part: string) => {
    const vector = VECTORS.find(({ name }) => name.includes(part));
    if (vector === undefined) throw new Error(`no vector named ${part}`);
    return decodeMessage(fromHex(vector.input));
  };

  it('reads the keepalive period', () => {
    const message = messageNamed('KeepaliveSpec periodic 10000ms');
    if (message.name !== 'SET_READER_CONFIG') throw new Error(message.name);
    expect(message.resetToFactoryDefault).toBe(false);
    expect(findParameter(message.parameters, 'KeepaliveSpec')).toMatchObject({ triggerType: 1, periodMs: 10_000 });
  });

  it('reads nine event notification states, all off', () => {
    const message = messageNamed('events + keepalive 60000ms');
    if (message.name !== 'SET_READER_CONFIG') throw new Error(message.name);
    const spec = findParameter(message.parameters, 'ReaderEventNotificationSpec');
    expect(spec?.parameters).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((eventType) => ({ name: 'EventNotificationState', eventType, enabled: false })),
    );
    expect(findParameter(message.parameters, 'KeepaliveSpec')?.periodMs).toBe(60_000);
  });

  it('reads requests without parameters', () => {
    expect(messageNamed('client GET_READER_CAPABILITIES')).toMatchObject({ requestedData: 0, parameters: [] });
    expect(messageNamed('client DELETE_ROSPEC')).toMatchObject({ name: 'DELETE_ROSPEC', roSpecId: 0 });
    expect(messageNamed('client GET_READER_CONFIG')).toMatchObject({ antennaId: 0, gpiPort: 0, gpoPort: 0 });
  });
});
