/**
 * The parts of the house style that a machine can see, as a pure function from source files to faults: names, sizes,
 * parked work, tests that do not run, hidden clocks and hidden chance, drivers with a part missing.
 */
import { importsOf } from './imports.ts';
import { type Fault, isTestCode, type SourceFile } from './source-tree.ts';
import { type Token, tokenize } from './tokens.ts';

const MOST_LINES = 600;
const MOST_TEST_LINES = 900;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const OTHER_NAMES = /^(README\.md|LICENSE.*|__init__\.py)$/;
const CODE = /\.(ts|mjs|js|sh|py|css|html|sql)$/;
// Written so that this file passes its own rule.
const PARKED = /\b(?:TO(?:)DO|FIX(?:)ME)\b/;

/** Time and chance are passed in here; a simulation and a replay must be able to decide them. */
const PURE = /^(protocols|edge\/(pipeline|rules|outbox|uplink)|hub\/(tracking|process))\//;
/** Nothing here waits. */
const TIMELESS = /^protocols\//;
const TIMERS = new Set(['setTimeout', 'setInterval', 'setImmediate']);
const HIDDEN: readonly (readonly string[])[] = [
  ['Date', '.', 'now'],
  ['new', 'Date', '(', ')'],
  ['Math', '.', 'random'],
  ['performance', '.', 'now'],
  ['process', '.', 'hrtime'],
];

const DRIVER_LIST = 'edge/drivers/index.ts';
const DRIVER_PARTS = ['driver.ts', 'options.ts', 'sample.yaml', 'README.md', 'driver.test.ts'];

export function styleFaults(files: readonly SourceFile[]): Fault[] {
  return files.flatMap((file) => [...nameFaults(file), ...textFaults(file), ...tokenFaults(file)]);
}

function nameFaults({ path }: SourceFile): Fault[] {
  const wrong = path.split('/').filter((part) => !KEBAB.test(part) && !OTHER_NAMES.test(part));
  return wrong.map((part) => ({ path, message: `${part} is not kebab-case` }));
}

function textFaults({ path, source }: SourceFile): Fault[] {
  if (!CODE.test(path)) return [];
  const faults: Fault[] = [];
  const lines = source.trimEnd().split('\n');
  const most = isTestCode(path) ? MOST_TEST_LINES : MOST_LINES;
  if (lines.length > most) faults.push({ path, message: `${lines.length} lines; ${most} at most` });
  lines.forEach((text, index) => {
    const parked = PARKED.exec(text);
    if (parked) faults.push({ path, line: index + 1, message: `${parked[0]}: decide it, do it or file it` });
  });
  return faults;
}

function tokenFaults({ path, source }: SourceFile): Fault[] {
  if (!path.endsWith('.ts')) return [];
  const tokens = tokenize(source);
  const isPure = PURE.test(path) && !isTestCode(path);
  return tokens.flatMap((token, index) => {
    const message =
      testFault(path, tokens, index) ?? (isPure ? (hiddenFault(tokens, index) ?? timerFault(path, token)) : undefined);
    return message === undefined ? [] : [{ path, line: token.line, message }];
  });
}

/** `it.only`, `describe.concurrent.skip`, …: tests that silently do not run, or keep others from running. */
function testFault(path: string, tokens: readonly Token[], index: number): string | undefined {
  const modifier = tokens[index]?.text ?? '';
  if (!/^(only|skip|todo|skipIf|runIf)$/.test(modifier) || tokens[index]?.kind !== 'word') return undefined;
  // describeWith itself, and contract suites that an implementation passes in part, say why.
  if (modifier.endsWith('If') && /^test\/servers\/|\.contract\.ts$/.test(path)) return undefined;
  let root = index;
  while (tokens[root - 1]?.text === '.' && tokens[root - 2]?.kind === 'word') root -= 2;
  if (root === index || !/^(it|test|describe|suite|bench)$/.test(tokens[root]?.text ?? '')) return undefined;
  return `${tokens[root]?.text}.${modifier}: every test runs, or says what it lacks with describeWith`;
}

function hiddenFault(tokens: readonly Token[], index: number): string | undefined {
  const found = HIDDEN.find((words) =>
    words.every((word, offset) => {
      const token = tokens[index + offset];
      return token?.text === word && token.kind !== 'string';
    }),
  );
  return found && `${found.join('')} hides a clock or chance: take it as an argument`.replace('newDate', 'new Date');
}

function timerFault(path: string, token: Token): string | undefined {
  if (!TIMELESS.test(path) || token.kind !== 'word' || !TIMERS.has(token.text)) return undefined;
  return `${token.text}: protocols hold no timers`;
}

/** Each folder under edge/drivers has all its parts and stands in the list, and the list names nothing else. */
export function driverFaults(files: readonly SourceFile[], folders: ReadonlyMap<string, readonly string[]>): Fault[] {
  const list = files.find(({ path }) => path === DRIVER_LIST);
  if (list === undefined) return [{ path: DRIVER_LIST, message: 'is missing' }];
  const listed = importsOf(list.source).flatMap(
    ({ specifier }) => /^\.\/([^/]+)\/driver\.ts$/.exec(specifier ?? '')?.[1] ?? [],
  );
  const unlisted = [...folders.keys()].filter((name) => !listed.includes(name));
  const lost = listed.filter((name) => !folders.has(name));
  const incomplete = [...folders].flatMap(([name, entries]) => missingParts(name, entries));
  return [
    ...unlisted.map((name) => ({ path: DRIVER_LIST, message: `${name} is not in the list` })),
    ...lost.map((name) => ({ path: DRIVER_LIST, message: `${name} has no folder` })),
    ...incomplete,
  ];
}

function missingParts(name: string, entries: readonly string[]): Fault[] {
  const path = `edge/drivers/${name}`;
  const parts = DRIVER_PARTS.filter((part) => !entries.includes(part));
  if (!entries.includes('fixtures')) parts.push('fixtures/');
  return parts.map((part) => ({ path, message: `${part} is missing` }));
}
