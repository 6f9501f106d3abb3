/**
 * Splits TypeScript source into tokens: enough to find imports and calls without being misled by comments, strings,
 * templates and regular expressions. No types, no tree.
 *
 * Sure of itself or loud: what cannot be split (a string without end, a regular expression without end) throws, so that
 * a wrong guess at a `/` fails a test instead of hiding an import.
 */
export interface Token {
  kind: 'word' | 'string' | 'template' | 'regex' | 'punctuation';
  /** A string's content between the quotes, as written; the text of a word or sign. Empty for templates and regexes. */
  text: string;
  line: number;
  /** Index of its first character. */
  at: number;
}

const WORD = /[\p{ID_Start}$_\d][\p{ID_Continue}$\u200c\u200d]*/uy;
const BLANK = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE_PART = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;

/** After these words a `/` begins a regular expression; after any other word, a number or a bracket it divides. */
const BEFORE_REGEX = new Set(
  'return typeof case in of delete void throw new else do await yield instanceof default'.split(' '),
);

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each open `${`, how many `{` are open inside it. */
  const openTemplates: number[] = [];
  let at = source.startsWith('#!') ? source.indexOf('\n') : 0;
  let line = 1;

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text === undefined) return undefined;
    at += text.length;
    return text;
  }
  function push(kind: Token['kind'], text: string, from: number): void {
    tokens.push({ kind, text, line, at: from });
    for (let index = from; index < at; index++) if (source.charCodeAt(index) === 10) line++;
  }
  function templatePart(from: number): void {
    const text = take(TEMPLATE_PART) ?? '';
    const whole = source[from] === '`' && source[at] === '`';
    if (source[at] === '`') at += 1;
    else if (source.startsWith('${', at)) {
      at += 2;
      openTemplates.push(0);
    } else throw new SyntaxError(`line ${line}: a template without end`);
    // A template without substitutions is a string.
    push(whole ? 'string' : 'template', whole ? text : '', from);
  }

  while (at < source.length) {
    const from = at;
    const blank = take(BLANK);
    if (blank !== undefined) {
      line += blank.split('\n').length - 1;
      continue;
    }
    const word = take(WORD);
    const string = word === undefined ? take(STRING) : undefined;
    if (word !== undefined) push('word', word, from);
    else if (string !== undefined) push('string', string.slice(1, -1), from);
    else if (source[at] === '`') {
      at += 1;
      templatePart(from);
    } else if (source[at] === '/' && regexMayStart(tokens)) {
      if (take(REGEX) === undefined) throw new SyntaxError(`line ${line}: a regular expression without end`);
      push('regex', '', from);
    } else {
      const sign = source[at] ?? '';
      if (sign === "'" || sign === '"') throw new SyntaxError(`line ${line}: a string without end`);
      const depth = openTemplates.length - 1;
      at += 1;
      if (sign === '}' && openTemplates[depth] === 0) {
        openTemplates.pop();
        templatePart(from);
        continue;
      }
      if (depth >= 0 && sign === '{') openTemplates[depth] = (openTemplates[depth] ?? 0) + 1;
      if (depth >= 0 && sign === '}') openTemplates[depth] = (openTemplates[depth] ?? 0) - 1;
      push('punctuation', sign, from);
    }
  }
  if (openTemplates.length > 0) throw new SyntaxError(`line ${line}: a template without end`);
  return tokens;
}

function regexMayStart(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  if (last === undefined) return true;
  if (last.kind === 'word') return BEFORE_REGEX.has(last.text);
  if (last.kind !== 'punctuation') return false;
  const before = tokens.at(-2);
  const doubled = before?.text === last.text && before.at === last.at - 1;
  if (doubled && (last.text === '+' || last.text === '-')) return false;
  return !')]}'.includes(last.text);
}
