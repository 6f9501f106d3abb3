/** A parcel's label and its tag name one package, whatever the key and the scheme; held against every outside EPC. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GS } from '../barcode/gs1/elements.ts';
import { identify, packageIdOf } from '../barcode/identity.ts';
import { decodeEpc, type Epc, packageIdOfEpc, packageIdsOfEpc } from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: { valid?: boolean };
}

const EPCS = ['epc.json', 'tds-examples.json']
  .flatMap((file): Vector[] => JSON.parse(readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8')))
  .filter(({ expected }) => expected.valid !== false)
  .map(({ name, input }) => ({ name, input, epc: decodeEpc(input) }));

/** The element string on a label with these keys, as a reader gives it. */
const labelOf = ({ elements }: Epc) => `]C1${elements.map(({ ai, value }) => ai + value).join(GS)}`;
const schemeOf = (packageId: string) => packageId.slice(0, packageId.indexOf(':'));

/** A tag may say "piece 0 of 0"; a label may not. */
const isForLabels = ({ keys }: Epc) => keys.itip?.endsWith('0000') !== true;

describe.each(EPCS.filter(({ epc }) => epc.elements.length > 0 && isForLabels(epc)))('$name $input', ({ epc }) => {
  it('has the package ids of its label', () => {
    const label = identify({ text: labelOf(epc) });
    expect(label.fault).toBeUndefined();
    const named = label.candidates.filter(({ scheme }) => scheme !== 'plain').map(packageIdOf);
    expect(packageIdsOfEpc(epc)).toEqual(named);
    expect(named.length).toBeGreaterThan(0);
  });
});

it('covers every key that has an EPC', () => {
  const seen = new Set(EPCS.map(({ epc }) => schemeOf(packageIdOfEpc(epc))));
  expect([...seen].sort()).toEqual(
    ['cpi', 'epc', 'gcn', 'gdti', 'giai', 'gln', 'grai', 'gsrn', 'gsrnp', 'itip', 'sgtin', 'sscc'].sort(),
  );
});

it.each([
  ['GRAI-96', '3376451FD40C0E400000162E', 'grai:9521141123454.5678'],
  ['ITIP-110', '4076451FD40C0E40820000000F54', 'itip:095211411234540102.981'],
  ['SGTIN-96', '3074257BF7194E4000001A85', 'sgtin:80614141123458.6789'],
])('%s', (_, hex, packageId) => {
  expect(packageIdOfEpc(decodeEpc(hex))).toBe(packageId);
});

it('lets a read point choose, and keeps the others', () => {
  const epc = decodeEpc('3074257BF7194E4000001A85');
  expect(packageIdsOfEpc(epc)).toEqual(['sgtin:80614141123458.6789', 'gtin:80614141123458']);
  expect(packageIdsOfEpc(epc, ['gtin'])).toEqual(['gtin:80614141123458', 'sgtin:80614141123458.6789']);
});

it('gives what is not of GS1 its pure identity URI', () => {
  const gid = EPCS.find(({ epc }) => epc.scheme === 'gid-96')?.epc as Epc;
  expect(packageIdsOfEpc(gid)).toEqual([`epc:${gid.pureUri}`]);
});
