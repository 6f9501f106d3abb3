import { describe, expect, it } from 'vitest';
import { importsOf } from './imports.ts';
import { tokenize } from './tokens.ts';

function texts(source: string): string[] {
  return tokenize(source).map(({ kind, text }) => (kind === 'string' ? `"${text}"` : text || kind));
}

describe('tokenize', () => {
  it.each([
    ['a /* b */ c // d', ['a', 'c']],
    ["x = 'it\\'s' + \"// no\"", ['x', '=', '"it\\\'s"', '+', '"// no"']],
    ['a / b / c', ['a', '/', 'b', '/', 'c']],
    ['(a) / 2 / "x"', ['(', 'a', ')', '/', '2', '/', '"x"']],
    ['i++ / 2', ['i', '+', '+', '/', '2']],
    ['a = /[/"\']+\\//g', ['a', '=', 'regex']],
    ['return /`/', ['return', 'regex']],
    ['`plain`', ['"plain"']],
    [`\`a\${b}c\${\`d\${e}\`}\``, ['template', 'b', 'template', 'template', 'e', 'template', 'template']],
    [`\`\${{ a: { b: 1 } }}\` + c`, ['template', '{', 'a', ':', '{', 'b', ':', '1', '}', '}', 'template', '+', 'c']],
    ['#!/usr/bin/env node\na', ['a']],
    ['this.#größe', ['this', '.', '#', 'größe']],
  ])('splits %s', (source, expected) => {
    expect(texts(source)).toEqual(expected);
  });

  it('counts lines through comments, strings and templates', () => {
    const source = `/*\n*/ a\n\`x\n\${b}\n\` // c\nd`;
    const words = tokenize(source).filter(({ kind }) => kind === 'word');
    expect(words.map(({ text, line }) => [text, line])).toEqual([
      ['a', 2],
      ['b', 4],
      ['d', 6],
    ]);
  });

  it.each(["a = 'open", 'a = "open\n"', '`open', '`a${b', 'a = /open'])('refuses %j', (source) => {
    expect(() => tokenize(source)).toThrow(/without end/);
  });
});

describe('importsOf', () => {
  it.each([
    ["import './a.ts'", './a.ts', 'static'],
    ["import a from './a.ts'", './a.ts', 'static'],
    ["import a, { b } from './a.ts'", './a.ts', 'static'],
    ["import * as a from './a.ts'", './a.ts', 'static'],
    ["import {\n  a, // from 'b'\n  type C,\n} from './a.ts';", './a.ts', 'static'],
    ["import { type A } from './a.ts'", './a.ts', 'static'],
    ["import type { A } from './a.ts'", './a.ts', 'type'],
    ["import type A from './a.ts'", './a.ts', 'type'],
    ["import type from './a.ts'", './a.ts', 'static'],
    ["export { a } from './a.ts'", './a.ts', 'static'],
    ["export type { A } from './a.ts'", './a.ts', 'type'],
    ["export * from './a.ts'", './a.ts', 'static'],
    ["export * as a from './a.ts'", './a.ts', 'static'],
    ["await import('./a.ts')", './a.ts', 'dynamic'],
    ['await import(`./a.ts`)', './a.ts', 'dynamic'],
    ["import(/* why */ './a.ts', { with: { type: 'json' } })", './a.ts', 'dynamic'],
    ["type A = typeof import('a')", 'a', 'dynamic'],
    ['import(name)', undefined, 'dynamic'],
    ["import('./' + name)", undefined, 'dynamic'],
    [`import(\`./\${name}\`)`, undefined, 'dynamic'],
    ["require('a')", 'a', 'dynamic'],
    ["createRequire(import.meta.url)('a')", 'a', 'dynamic'],
  ])('finds %s', (source, specifier, kind) => {
    expect(importsOf(source)).toEqual([expect.objectContaining({ specifier, kind })]);
  });

  it.each([
    "// import './a.ts'",
    'const text = "import \'./a.ts\'"',
    `const text = \`import './a.ts' \${b}\``,
    'import.meta.dirname',
    "cargo.import('x')",
    'export const from = 1',
    "export { a }; const from = 'x'",
    "export type A = { from: 'x' }",
    "const pattern = /import '.\\/a.ts'/",
  ])('is not misled by %s', (source) => {
    expect(importsOf(source)).toEqual([]);
  });
});
