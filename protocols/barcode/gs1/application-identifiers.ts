/**
 * The dictionary compiled for use: every AI with its components, checks and rules, found by the digits in front of its
 * value in constant time. Built once when the module is loaded.
 *
 * Invariant (GenSpecs 7.8.5): AIs that share their first two digits have the same length, so two digits decide how long
 * the AI is.
 */
import { CHECKS, type Check } from './checks.ts';
import { dictionaryRows } from './dictionary.ts';

/** Bits of CHARACTER_SETS: which sets a character belongs to. */
export const SETS = { N: 1, X: 2, Y: 4, Z: 8 } as const;
export type SetName = keyof typeof SETS;

/** For each ASCII code the GS1 character sets it is in (GenSpecs 7.11). */
export const CHARACTER_SETS = new Uint8Array(128);
{
  const members: Record<SetName, string> = {
    N: '0123456789',
    X: '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz',
    Y: '#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    Z: '-0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz',
  };
  for (const name of Object.keys(members) as SetName[]) {
    for (const character of members[name]) {
      const code = character.charCodeAt(0);
      CHARACTER_SETS[code] = (CHARACTER_SETS[code] ?? 0) | SETS[name];
    }
  }
}

export interface Component {
  set: SetName;
  min: number;
  max: number;
  optional: boolean;
  checks: readonly Check[];
}

/** An AI or a run of them written with `n` for any digit, as in `310n`. */
export interface AiPattern {
  text: string;
  /** No `n` in it. */
  exact: boolean;
  prefix: string;
  length: number;
}

export interface ApplicationIdentifier {
  ai: string;
  title: string;
  /** Of predefined length: no separator is needed after its value. */
  predefined: boolean;
  /** May stand in the query of a Digital Link URI. */
  linkAttribute: boolean;
  components: readonly Component[];
  minLength: number;
  maxLength: number;
  /** Every clause must hold; a clause holds when all members of one of its groups are present. */
  needs: readonly { text: string; groups: readonly (readonly AiPattern[])[] }[];
  excludes: readonly AiPattern[];
  /** Digital Link: undefined when no primary key, else the alternative orders of its qualifiers. */
  qualifiers: readonly (readonly string[])[] | undefined;
}

const BY_NUMBER: (ApplicationIdentifier | undefined)[][] = [[], [], [], [], []];
const BY_TEXT = new Map<string, ApplicationIdentifier>();
/** By the first two digits: how many digits the AI has; 0 when there is none. */
const LENGTH_BY_PREFIX = new Uint8Array(100);

for (const row of dictionaryRows()) {
  const length = row.first.length;
  const compiled = compile(row.flags, row.components, row.rules);
  for (let number = Number(row.first); number <= Number(row.last); number++) {
    const ai = String(number).padStart(length, '0');
    const entry = { ...compiled, ai, title: titleOf(row.title, number - Number(row.first)) };
    (BY_NUMBER[length] as (ApplicationIdentifier | undefined)[])[number] = entry;
    BY_TEXT.set(ai, entry);
    LENGTH_BY_PREFIX[Number(ai.slice(0, 2))] = length;
  }
}

/** The AI that `text` has at `at`, by the digits there; undefined when there is none. */
export function aiAt(text: string, at: number): ApplicationIdentifier | undefined {
  const first = text.charCodeAt(at) - 48;
  const second = text.charCodeAt(at + 1) - 48;
  if (!(first >= 0 && first <= 9 && second >= 0 && second <= 9)) return undefined;
  let number = first * 10 + second;
  const length = LENGTH_BY_PREFIX[number] as number;
  for (let next = 2; next < length; next++) {
    const digit = text.charCodeAt(at + next) - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    number = number * 10 + digit;
  }
  return BY_NUMBER[length]?.[number];
}

/** The AI written exactly so. */
export function aiOf(ai: string): ApplicationIdentifier | undefined {
  return BY_TEXT.get(ai);
}

/** Every AI, ascending by its text. */
export function allAis(): ApplicationIdentifier[] {
  return [...BY_TEXT.values()].sort((a, b) => (a.ai < b.ai ? -1 : 1));
}

export function matchesPattern(pattern: AiPattern, ai: string): boolean {
  return pattern.exact ? ai === pattern.text : ai.length === pattern.length && ai.startsWith(pattern.prefix);
}

type Compiled = Omit<ApplicationIdentifier, 'ai' | 'title'>;

function compile(flags: string, components: string, rules: string): Compiled {
  const parts = components.split(' ').map(compileComponent);
  const needs: { text: string; groups: AiPattern[][] }[] = [];
  let excludes: AiPattern[] = [];
  let qualifiers: string[][] | undefined;
  for (const rule of rules === '' ? [] : rules.split('; ')) {
    const [verb, argument = ''] = rule.split(' ');
    if (verb === 'need') {
      needs.push({ text: argument, groups: argument.split('/').map((group) => group.split('+').map(compilePattern)) });
    } else if (verb === 'not') {
      excludes = argument.split('/').map(compilePattern);
    } else {
      qualifiers = argument === '' ? [[]] : argument.split('/').map((order) => order.split(','));
    }
  }
  return {
    predefined: flags.includes('*'),
    linkAttribute: flags.includes('?'),
    components: parts,
    minLength: parts.reduce((sum, part) => sum + (part.optional ? 0 : part.min), 0),
    maxLength: parts.reduce((sum, part) => sum + part.max, 0),
    needs,
    excludes,
    qualifiers,
  };
}

function compileComponent(text: string): Component {
  const optional = text.startsWith('[');
  const [shape = '', ...names] = (optional ? text.slice(1, -1) : text).split(':');
  const [min = '', max = min] = shape.slice(1).split('-');
  // A component of digits that is long enough always starts with what could be a company prefix.
  const telling = shape.startsWith('N') ? names.filter((name) => !name.startsWith('prefix')) : names;
  const checks = telling.map((name) => {
    const found = CHECKS[name];
    if (!found) throw new TypeError(`the AI dictionary names an unknown check '${name}'`);
    return found;
  });
  return { set: shape.charAt(0) as SetName, min: Number(min), max: Number(max), optional, checks };
}

function compilePattern(text: string): AiPattern {
  const prefix = text.replace(/n+$/, '');
  return { text, exact: prefix === text, prefix, length: text.length };
}

/** Runs count in their title where it ends in a number: `PROCESSOR # 0` … `PROCESSOR # 9`. */
function titleOf(title: string, index: number): string {
  return title.replace(/(?<=# )\d+$/, (first) => String(Number(first) + index));
}
