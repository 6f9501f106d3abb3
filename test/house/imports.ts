/** What a source file imports: static, type-only and dynamic imports, re-exports, and `require`. */
import { type Token, tokenize } from './tokens.ts';

export interface Import {
  /** As written; undefined where a dynamic import computes it. */
  specifier: string | undefined;
  /** `type` is erased when compiled; `dynamic` loads when it is reached (`import()`, `require`). */
  kind: 'static' | 'type' | 'dynamic';
  line: number;
}

export function importsOf(source: string): Import[] {
  const tokens = tokenize(source);
  return tokens.flatMap((token, index): Import[] => {
    if (token.kind !== 'word' || isSign(tokens[index - 1], '.')) return [];
    if (token.text === 'import') return importAt(tokens, index);
    if (token.text === 'export') return reExportAt(tokens, index);
    if (token.text === 'require' && isSign(tokens[index + 1], '(')) return [dynamic(tokens, index + 1)];
    if (token.text === 'createRequire' && isSign(tokens[index + 1], '(')) return calledAtOnce(tokens, index + 1);
    return [];
  });
}

function importAt(tokens: readonly Token[], index: number): Import[] {
  const next = tokens[index + 1];
  if (next === undefined) return [];
  if (isSign(next, '(')) return [dynamic(tokens, index + 1)];
  if (next.kind === 'string') return [{ specifier: next.text, kind: 'static', line: next.line }];
  if (next.kind !== 'word' && !isSign(next, '{') && !isSign(next, '*')) return [];
  // `import type X from`, `import type { X } from`; but `import type from` imports a value that is called type.
  const isType = next.text === 'type' && !isFrom(tokens, index + 2);
  return untilFrom(tokens, index + 1, isType);
}

function reExportAt(tokens: readonly Token[], index: number): Import[] {
  const isType = tokens[index + 1]?.text === 'type';
  const start = index + (isType ? 2 : 1);
  if (isSign(tokens[start], '*')) return untilFrom(tokens, start, isType);
  if (!isSign(tokens[start], '{')) return [];
  const end = tokens.findIndex((token, at) => at > start && isSign(token, '}'));
  return isFrom(tokens, end + 1) ? untilFrom(tokens, end + 1, isType) : [];
}

function untilFrom(tokens: readonly Token[], start: number, isType: boolean): Import[] {
  for (let index = start; index < tokens.length && !isSign(tokens[index], ';'); index++) {
    const specifier = tokens[index + 1];
    if (specifier === undefined || !isFrom(tokens, index)) continue;
    return [{ specifier: specifier.text, kind: isType ? 'type' : 'static', line: specifier.line }];
  }
  return [];
}

function dynamic(tokens: readonly Token[], parenthesis: number): Import {
  const argument = tokens[parenthesis + 1];
  const after = tokens[parenthesis + 2];
  const literal = argument?.kind === 'string' && (isSign(after, ')') || isSign(after, ','));
  return { specifier: literal ? argument.text : undefined, kind: 'dynamic', line: tokens[parenthesis]?.line ?? 0 };
}

/** `createRequire(import.meta.url)('x')`. */
function calledAtOnce(tokens: readonly Token[], parenthesis: number): Import[] {
  const end = tokens.findIndex((token, index) => index > parenthesis && isSign(token, ')'));
  return isSign(tokens[end + 1], '(') ? [dynamic(tokens, end + 1)] : [];
}

function isFrom(tokens: readonly Token[], index: number): boolean {
  return tokens[index]?.kind === 'word' && tokens[index]?.text === 'from' && tokens[index + 1]?.kind === 'string';
}

function isSign(token: Token | undefined, sign: string): boolean {
  return token?.kind === 'punctuation' && token.text === sign;
}
