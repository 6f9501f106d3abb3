/** docs/errors.md and the sources have the same error codes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codesIn, documentedCodes } from './error-codes.ts';
import { isTestCode, ROOT, readTree } from './source-tree.ts';

const PRODUCT = /^(protocols|edge|hub|simulators|cli)\/.*\.ts$/;

function codesOf(source: string, ...others: string[]): string[] {
  const files = [source, ...others].map((text, index) => ({ path: `edge/${index}.ts`, source: text }));
  return codesIn(files).map(({ code }) => code);
}

describe('docs/errors.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8');
  const documented = documentedCodes(page);
  const found = codesIn(readTree().filter(({ path }) => PRODUCT.test(path) && !isTestCode(path)));
  const existing = new Set(found.map(({ code }) => code));

  it('is compared with sources that have codes of every kind', () => {
    // One of each place where a code can stand; were one of the places no longer read, its code would be missing here.
    expect([...existing]).toEqual(
      expect.arrayContaining(['nonsense', 'port-busy', 'disk-full', 'epc-header', 'store-conflict', 'driver-failed']),
    );
  });

  it('has every code of the sources', () => {
    const missing = found.filter(({ code }) => !documented.includes(code));
    expect(missing.map(({ code, path, line }) => `${code} (${path}:${line})`)).toEqual([]);
  });

  it('has no code that the sources no longer have', () => {
    expect(documented.filter((code) => !existing.has(code))).toEqual([]);
  });

  it('has each code once, with what it means and what to do', () => {
    expect(documented.filter((code, index) => documented.indexOf(code) !== index)).toEqual([]);
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const incomplete = rows.filter((row) => !/^\| `[a-z0-9-]+` \| [^|]{8,} \| [^|]{4,} \|$/.test(row));
    expect(incomplete).toEqual([]);
  });
});

describe('a code is found', () => {
  it.each([
    ['as a property', "throw new E({ code: 'a-b', message: 'c-d' });", ['a-b']],
    ['on either side of a condition', "const e = { code: x ? 'a-b' : 'c-d', other: 'e-f' };", ['a-b', 'c-d']],
    ['of one word', "return { code: 'nonsense' };", ['nonsense']],
    ['in the type of a property', "class E { readonly code: 'a-b' | 'c-d'; other: 'e-f' }", ['a-b', 'c-d']],
    ['in a union type', "type PortErrorCode =\n | 'a-b'\n | 'c-d';", ['a-b', 'c-d']],
    ['in a constant', "const UNKNOWN_CODE = 'a-b'; const code = y ? 'c-d' : 'e-f';", ['a-b', 'c-d', 'e-f']],
    [
      'in a type that a code names',
      "type Mode = 'ok' | 'a-b'; class E { readonly code: Exclude<Mode, 'ok'> | 'c-d'; }",
      ['a-b', 'c-d'],
    ],
    ['in a list that is taken apart', "const [code, what] = on ? ['a-b', 'x'] : ['c-d', 'y'];", ['a-b', 'c-d']],
    ['in JSON', 'send(404, \'{"error":{"code":"a-b","message":"c-d"}}\');', ['a-b']],
    ['as a trouble', "return { trouble: 'a-b', message: 'c-d' };", ['a-b']],
    ['behind the name of a constant', "const BAD = 'a-b'; throw new E({ code: BAD });", ['a-b']],
    ['as an argument', "function fail(at: number, code: string) {} fail(1, 'a-b');", ['a-b']],
    [
      'as an argument of a method',
      "class A { #say(code: string, m: string) {} x() { this.#say('a-b', 'c-d'); } }",
      ['a-b'],
    ],
    ['as an argument of a local constant', "const fail = (code: string) => 0; fail('a-b');", ['a-b']],
  ])('%s', (_, source, expected) => {
    expect(codesOf(source)).toEqual(expected);
  });

  it('as an argument of another file’s function, if that is exported', () => {
    expect(codesOf('export function fail(code: string) {}', "fail('a-b');")).toEqual(['a-b']);
    expect(codesOf('function fail(code: string) {}', "fail('a-b');")).toEqual([]);
  });
});

describe('no code is', () => {
  it.each([
    ["if (error.code === 'a-b') return;"],
    ["if (error.code !== 'a-b') return;"],
    ["if (error.code === 'ENOSPC') return { kind: 'a-b' };"],
    ["context.addIssue({ code: 'custom', message: 'a-b' });"],
    ["// code: 'a-b'\nconst text = \"code: 'a-b'\";"],
    ["const names = { decode: 'a-b', codeType: 'c-d' };"],
  ])('in %s', (source) => {
    expect(codesOf(source)).toEqual([]);
  });
});

it('a documented code stands in the first column', () => {
  expect(documentedCodes('| `a-b` | what `c-d` is | do |\n`e-f`\n| code | what | do |\n| `g-h` | x | y |')).toEqual([
    'a-b',
    'g-h',
  ]);
});
