/**
 * Which error codes the product has, read out of its sources; and which of them docs/errors.md has. Pure.
 *
 * A code is a string in lower case with dashes that stands in one of these places:
 *  - the value of a property `code` (or `trouble`, which becomes one), or the union that is its type;
 *  - what a constant named `code`, or with a name that ends in `_CODE`, is set to, also by `const [code, …] = […]`;
 *  - a union of strings with a name that ends in `Code`, or that the type of a `code` names (`RecordFault` besides);
 *  - the argument of a function whose parameter is named `code` (`epcFault('epc-header', …)`), directly or by the name of a constant;
 *  - `"code":"…"` inside a string that is JSON.
 */
import type { SourceFile } from './source-tree.ts';
import { type Token, tokenize } from './tokens.ts';

export interface FoundCode {
  code: string;
  path: string;
  line: number;
}

const CODE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** Strings in such places that are none of ours: zod's own issue code, and the mode in which nothing is wrong. */
const OTHERS = new Set(['custom', 'ok']);
const OPENING = '([{';
const CLOSING = ')]}';

export function codesIn(files: readonly SourceFile[]): FoundCode[] {
  const sources = files.map(({ path, source }) => ({ path, tokens: tokenize(source) }));
  const callees = sources.flatMap(({ path, tokens }) => calleesIn(path, tokens));
  const namedTypes = new Set(sources.flatMap(({ tokens }) => typesOfCode(tokens)));
  const found = sources.flatMap(({ path, tokens }) => {
    const here = callees.filter((callee) => callee.everywhere || callee.path === path);
    const constants = stringConstants(tokens);
    const direct = [...values(tokens), ...destructured(tokens), ...aliases(tokens, namedTypes)];
    return [...direct, ...passed(tokens, here), ...inJson(tokens)]
      .map((token) => (token.kind === 'word' ? (constants.get(token.text) ?? token) : token))
      .filter(({ kind, text }) => kind === 'string' && CODE.test(text) && !OTHERS.has(text))
      .filter((token) => !isCompared(tokens, token))
      .map(({ text, line }) => ({ code: text, path, line }));
  });
  return found.sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
}

/** The codes of a page: what stands in backticks in the first column of its tables. */
export function documentedCodes(markdown: string): string[] {
  return [...markdown.matchAll(/^\| `([^`]+)` \|/gm)].map(([, code = '']) => code);
}

/** `kind === 'serial' ? …` and `StoreError['code']` have strings that are no codes. */
function isCompared(tokens: readonly Token[], token: Token): boolean {
  const index = tokens.indexOf(token);
  const [before, after] = [tokens[index - 1]?.text, tokens[index + 1]?.text];
  return (before === '=' && tokens[index - 2]?.text === '=') || (before === '[' && after === ']');
}

/** `code: …`, `code = …`, `SOME_CODE = …` */
function values(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'word' || !/^(code|trouble)$|_CODE$/.test(token.text)) return [];
    const sign = tokens[index + 1]?.text;
    const isAssigned = sign === '=' && tokens[index + 2]?.text !== '=' && tokens[index + 2]?.text !== '>';
    return sign === ':' || isAssigned ? expression(tokens, index + 2) : [];
  });
}

/** `const [code, what] = on ? ['a-b', …] : ['c-d', …]` */
function destructured(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token, index) => {
    if (token.text !== 'code' || tokens[index - 1]?.text !== '[' || tokens[index - 2]?.text !== 'const') return [];
    const sign = tokens.findIndex(({ text }, at) => at > index && text === '=');
    const value = sign < 0 ? [] : expression(tokens, sign + 1);
    return value.filter((_, at) => value[at - 1]?.text === '[');
  });
}

function inJson(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token) => {
    const found = token.kind === 'string' ? [...token.text.matchAll(/"code":"([^"]+)"/g)] : [];
    return found.map(([, text = '']) => ({ ...token, text }));
  });
}

/** `const CONTENT = 'a-b';` */
function stringConstants(tokens: readonly Token[]): ReadonlyMap<string, Token> {
  return new Map(
    tokens.flatMap((token, index): [string, Token][] => {
      const [name, sign, value] = tokens.slice(index + 1, index + 4);
      const isConstant = token.text === 'const' && token.kind === 'word' && name && sign?.text === '=';
      return isConstant && value?.kind === 'string' ? [[name.text, value]] : [];
    }),
  );
}

/** The tokens up to the end of an expression or type: a comma, semicolon or closing bracket that is not its own. */
function expression(tokens: readonly Token[], from: number): Token[] {
  let depth = 0;
  let angles = 0;
  for (let at = from; at < tokens.length; at++) {
    const text = tokens[at]?.kind === 'punctuation' ? tokens[at]?.text : undefined;
    if (text === undefined) continue;
    if (OPENING.includes(text)) depth++;
    else if (CLOSING.includes(text) && depth-- === 0) return tokens.slice(from, at);
    // Only a type's `<` follows a name that begins with a capital letter.
    else if (text === '<' && /^[A-Z]/.test(tokens[at - 1]?.text ?? '')) angles++;
    else if (text === '>' && angles > 0) angles--;
    else if (depth === 0 && angles === 0 && (text === ';' || text === ',')) return tokens.slice(from, at);
  }
  return tokens.slice(from);
}

function aliases(tokens: readonly Token[], namedTypes: ReadonlySet<string>): Token[] {
  return tokens.flatMap((token, index) => {
    const name = tokens[index + 1]?.text ?? '';
    if (token.text !== 'type' || token.kind !== 'word' || tokens[index + 2]?.text !== '=') return [];
    if (!/Code$|^RecordFault$/.test(name) && !namedTypes.has(name)) return [];
    const union = expression(tokens, index + 3);
    return union.every(({ kind, text }) => kind === 'string' || text === '|') ? union : [];
  });
}

/** Names of types in `readonly code: …` */
function typesOfCode(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token, index) => {
    if (token.text !== 'readonly' || tokens[index + 1]?.text !== 'code' || tokens[index + 2]?.text !== ':') return [];
    return expression(tokens, index + 3)
      .filter(({ kind, text }) => kind === 'word' && /^[A-Z]/.test(text))
      .map(({ text }) => text);
  });
}

interface Callee {
  name: string;
  /** Position of its parameter `code`. */
  argument: number;
  path: string;
  /** Exported, or a method: may be called from any file. */
  everywhere: boolean;
}

function calleesIn(path: string, tokens: readonly Token[]): Callee[] {
  return tokens.flatMap((token, index): Callee[] => {
    const isParameter = '(,'.includes(tokens[index - 1]?.text ?? ' ') && tokens[index + 1]?.text === ':';
    if (token.text !== 'code' || token.kind !== 'word' || !isParameter) return [];
    const open = openingBracket(tokens, index);
    if (open === undefined || tokens[open]?.text !== '(') return [];
    const argument = argumentsOf(tokens, open).findIndex(([first]) => first === token);
    // `function name(`, `name(` of a method, or `const name = (`.
    const nameAt = tokens[open - 1]?.text === '=' ? open - 2 : open - 1;
    const name = tokens[nameAt];
    if (argument < 0 || name?.kind !== 'word' || name.text === 'constructor') return [];
    const before = tokens.slice(Math.max(0, nameAt - 3), nameAt).map(({ text }) => text);
    const isLocal = before.includes('function') || before.includes('const') || before.includes('#');
    return [{ name: name.text, argument, path, everywhere: !isLocal || before.includes('export') }];
  });
}

/** The strings in the place of `code` wherever one of the functions is called. */
function passed(tokens: readonly Token[], callees: readonly Callee[]): Token[] {
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'word' || tokens[index + 1]?.text !== '(') return [];
    return callees
      .filter(({ name }) => name === token.text)
      .flatMap(({ argument }) => argumentsOf(tokens, index + 1)[argument] ?? []);
  });
}

function openingBracket(tokens: readonly Token[], inside: number): number | undefined {
  let depth = 0;
  for (let at = inside - 1; at >= 0; at--) {
    const { kind, text = '' } = tokens[at] ?? {};
    if (kind !== 'punctuation') continue;
    if (CLOSING.includes(text)) depth++;
    else if (OPENING.includes(text) && depth-- === 0) return at;
  }
  return undefined;
}

/** The arguments between the bracket at `open` and its end. */
function argumentsOf(tokens: readonly Token[], open: number): Token[][] {
  const found: Token[][] = [];
  for (let at = open + 1; at < tokens.length; ) {
    const argument = expression(tokens, at);
    found.push(argument);
    at += argument.length + 1;
    if (tokens[at - 1]?.text !== ',') break;
  }
  return found;
}
