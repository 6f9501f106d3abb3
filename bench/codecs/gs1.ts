/**
 * GS1 element strings: a scan with its symbology identifier to application identifiers and data, beside gs1-barcode-parser-mod. Vectors: the
 * GS1 Syntax Engine's; right is the list of application identifiers where it is known, and that what is not valid is refused.
 */

import { parseGs1Scan } from '../../protocols/barcode/gs1/scan.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import { attempt, type Contest, fixture, load, versionOf } from './contest.ts';

interface Vector {
  name: string;
  input: string;
  expected: { valid: boolean; ai?: string | null };
}

const { parseBarcode } = load<{ parseBarcode(text: string): { parsedCodeItems: { ai: string }[] } }>(
  'gs1-barcode-parser-mod',
);

const scans = fixture<Vector>('barcode/fixtures/gs1-scandata.json')
  // What carries an element string; the other library knows nothing else.
  .filter(({ input }) => /^\](C1|d2|Q3|e0)/.test(input))
  .map((vector) => ({ ...vector, associations: true }));
// The Syntax Engine's own tests write FNC1 as ^, and look at each element by itself.
const strings = fixture<Vector>('barcode/fixtures/gs1-element-strings.json').map((vector) => {
  return { ...vector, input: `]C1${vector.input.slice(1).replaceAll('^', '\x1d')}`, associations: false };
});

export const gs1: Contest = {
  name: 'gs1',
  peer: versionOf('gs1-barcode-parser-mod'),
  vectors: [...scans, ...strings].map(({ name, input, expected, associations }) => {
    const list = expected.ai?.match(/\(\d+\)/g)?.join('');
    const right = (found: string[] | undefined): boolean =>
      expected.valid ? found !== undefined && (list ?? found.join('')) === found.join('') : found === undefined;
    return {
      name,
      ours: () => parseGs1Scan(input),
      peer: () => parseBarcode(input),
      oursRight: () => right(ourAis(input, associations)),
      peerRight: () => right(attempt(() => parseBarcode(input).parsedCodeItems.map(({ ai }) => `(${ai})`))),
      timed: expected.valid,
    };
  }),
};

function ourAis(input: string, associations: boolean): string[] | undefined {
  try {
    const { message } = parseGs1Scan(input);
    if (associations && message.faults.length > 0) return undefined;
    return message.elements.map(({ ai }) => `(${ai})`);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return undefined;
  }
}
