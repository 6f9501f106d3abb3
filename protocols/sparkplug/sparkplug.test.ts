import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import { GATEWAY_ID } from '../uplink/identity.ts';
import {
  commandedNode,
  dataTypeName,
  decodeSparkplug,
  encodeSparkplug,
  metricValue,
  parseSparkplugTopic,
  sparkplugGatewayId,
} from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: { topic: string; timestamp: number; seq: number; metrics: [string, string, unknown, string?][] };
}

const vectors = ['sparkplug', 'sparkplug-payload'].flatMap((file): Vector[] =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), 'utf8')),
);

describe.each(vectors)('$name', ({ input, expected }) => {
  const bytes = Buffer.from(input, 'hex');

  it('decodes to what others decode', () => {
    const { timestamp, seq, metrics } = decodeSparkplug(bytes);
    expect({ timestamp, seq }).toEqual({ timestamp: expected.timestamp, seq: expected.seq });
    expect(
      metrics.map((metric) => [
        metric.name,
        `${dataTypeName(metric.datatype)}(${metric.datatype})`,
        metricValue(metric),
      ]),
    ).toEqual(expected.metrics.map(([name, type, value]) => [name, type, value]));
  });

  it('comes back from our encoder with the same meaning', () => {
    const payload = decodeSparkplug(bytes);
    expect(decodeSparkplug(encodeSparkplug(payload))).toEqual(payload);
  });

  it('cut off anywhere it is a message or a CodecError', () => {
    for (let end = 0; end < bytes.length; end++) {
      try {
        decodeSparkplug(bytes.subarray(0, end));
      } catch (error) {
        expect(isCodecError(error)).toBe(true);
      }
    }
  });
});

it('any bytes are a payload or a CodecError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        for (const metric of decodeSparkplug(Buffer.from(bytes)).metrics) metricValue(metric);
      } catch (error) {
        expect(isCodecError(error)).toBe(true);
      }
    }),
    { seed: 6, numRuns: 500 },
  );
});

it.each([
  // Sparkplug 3.0.0, 6.4.16: which field holds which type. Negative 8-bit numbers are seen with 8, 32 and 64 bits.
  [{ datatype: 1, intValue: 255n }, -1],
  [{ datatype: 1, intValue: 0xffffffffffffffffn }, -1],
  [{ datatype: 2, intValue: 0xff38n }, -200],
  [{ datatype: 5, intValue: 200n }, 200],
  [{ datatype: 7, longValue: 4_000_000_000n }, 4_000_000_000],
  [{ datatype: 8, longValue: 2n ** 63n }, 2n ** 63n],
  [{ datatype: 13, longValue: 1_700_000_000_000n }, 1_700_000_000_000],
  [{ datatype: 9, isNull: true }, null],
  [{ datatype: 3, stringValue: 'x' }, undefined],
  [{ intValue: 7n }, 7],
])('%o is %s', (metric, value) => {
  expect(metricValue(metric)).toEqual(value);
});

it('topics of nodes and devices, and nothing else', () => {
  expect(parseSparkplugTopic('spBv1.0/G/NBIRTH/N')).toEqual({ group: 'G', message: 'NBIRTH', node: 'N' });
  expect(parseSparkplugTopic('spBv1.0/G/DDATA/N/D')).toEqual({ group: 'G', message: 'DDATA', node: 'N', device: 'D' });
  for (const other of [
    'spBv1.0/G/NBIRTH/N/D',
    'spBv1.0/G/DDATA/N',
    'spBv1.0/G/NCMD/N',
    'spBv1.0/STATE/host',
    'spAv1.0/G/NDATA/N',
  ])
    expect(parseSparkplugTopic(other)).toBeUndefined();
  expect(commandedNode('spBv1.0/G/NCMD/N/#')).toEqual({ group: 'G', node: 'N' });
  expect(commandedNode('spBv1.0/G/+/N')).toBeUndefined();
});

it('a node has a gateway id of its own, whatever it is called', () => {
  expect(sparkplugGatewayId({ group: 'ParcelHub', node: 'gw-01' })).toBe('sparkplug:ParcelHub:gw-01');
  const odd = [
    { group: 'A:B', node: 'C' },
    { group: 'A', node: 'B:C' },
    { group: 'Halle 1', node: 'Tür' },
    { group: 'Halle_1', node: 'Tür' },
    { group: 'x'.repeat(100), node: 'y' },
    { group: 'x'.repeat(100), node: 'z' },
  ].map(sparkplugGatewayId);
  for (const id of odd) expect(id).toMatch(GATEWAY_ID);
  expect(new Set(odd).size).toBe(odd.length);
});
