import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../base/bytes.ts';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import { describeRfidFrames, type RfidModule } from './describe.ts';
import streaming from './fixtures/mercury-streaming.json' with { type: 'json' };
import manual from './fixtures/r200-manual.json' with { type: 'json' };
import captures from './fixtures/rfid-serial.json' with { type: 'json' };
import reader from './fixtures/uhf-reader18-manual.json' with { type: 'json' };

const all = [...captures, ...manual, ...reader, ...streaming].filter(
  ({ expected }) => !('checksumOk' in expected) || expected.checksumOk !== false,
);

function moduleOf(name: string): RfidModule {
  if (name.startsWith('R200')) return 'r200';
  return name.startsWith('Mercury') ? 'thingmagic' : 'uhfreader18';
}

function refusalOf(input: string, module?: RfidModule): string {
  return faultOf(() => describeRfidFrames(fromHex(input), module));
}

it.each(all)('finds out what $name is', ({ name, input, expected }) => {
  const [frame, ...more] = describeRfidFrames(fromHex(input));
  expect(more).toEqual([]);
  expect(frame?.module).toBe(moduleOf(name));
  if ('dir' in expected) expect(frame?.direction).toBe(expected.dir === 'reader->host' ? 'reply' : 'command');
});

it('tells tags, whatever module they are from', () => {
  const told = (name: string) => {
    const [frame] = describeRfidFrames(fromHex(all.find((one) => one.name === name)?.input ?? ''));
    return JSON.stringify(frame, (_key, value) =>
      value?.type === 'Buffer' ? Buffer.from(value.data).toString('hex') : value,
    );
  };
  expect(told('R200/YRM100 tag notification (real capture)')).toContain('"epc":"e200001d7315016521408fc6"');
  expect(told('UHFReader18 single inventory reply 1 tag (real capture)')).toContain('["e284361100001000094944aa"]');
  expect(told('Mercury read tag single reply EPC')).toContain('"epc":"e200322fe20df9311328b7e3"');
  expect(told('Mercury tag buffer, 2 tags')).toMatch(/"epc":"0{20}1545".*"epc":"596f596f"/);
});

it('takes several frames, and says where the bad one is', () => {
  const two = all.slice(0, 2).map(({ input }) => input);
  expect(describeRfidFrames(fromHex(two.join('')))).toHaveLength(2);
  expect(refusalOf(`${two[0]}bb00220000237e`)).toBe('rfid-checksum@12');
});

describe('what is none', () => {
  it.each([
    ['', undefined, 'rfid-length@0'],
    ['bb0022', undefined, 'rfid-length@3'],
    ['bb00220000237e', undefined, 'rfid-checksum@5'],
    ['ff00041d0c', undefined, 'rfid-checksum@3'],
    ['ff00220400b484', undefined, 'rfid-checksum@5'],
    ['050001fbf23e', undefined, 'rfid-checksum@4'],
    ['bb00220000227e', 'thingmagic', 'rfid-header@0'],
    ['13000f01010ce284361100001000094944aadaff', 'r200', 'rfid-header@0'],
  ] as const)('%s as %s: %s', (input, module, fault) => {
    expect(refusalOf(input, module)).toBe(fault);
  });

  it('gives a CodecError for any bytes', () => {
    const any = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...all.map(({ input }) => fromHex(input))));
    fc.assert(
      fc.property(any, fc.nat(60), fc.nat(255), (bytes, at, value) => {
        const changed = Buffer.from(bytes);
        if (changed.length > 0) changed[at % changed.length] = value;
        refusalOf(changed.toString('hex'));
      }),
      { seed: 20261123, numRuns: 1500 },
    );
  });
});
