/**
 * A YAML 1.2 configuration file checked against a zod schema: a value, or every problem with file, line, column, what is wrong and,
 * for an unknown key, the nearest valid one. Pure: text in, value out.
 */
import { distance } from 'fastest-levenshtein';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';

export interface Problem {
  file: string;
  /** From 1. */
  line: number;
  column: number;
  /** Where in the value, for example `devices[2].options.baudRate`; empty for the whole file. */
  path: string;
  message: string;
}

export type PathStep = string | number;

export interface CheckedYaml<T> {
  value: T;
  /** Where the value at a path stands in the file; for checks that go beyond the schema. */
  problem(path: readonly PathStep[], message: string): Problem;
  /** Checks what stands at a path (nothing counts as an empty map) against a schema of its own. */
  part<P>(path: readonly PathStep[], schema: z.ZodType<P>): { ok: true; value: P } | { ok: false; problems: Problem[] };
}

export type CheckResult<T> = { ok: true; checked: CheckedYaml<T> } | { ok: false; problems: Problem[] };

export function checkYaml<T>(text: string, options: { file: string; schema: z.ZodType<T> }): CheckResult<T> {
  const { file, schema } = options;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return { file, line, column: col, path: '', message: `not valid YAML: ${error.message}` };
    });
    return { ok: false, problems };
  }
  const problem = (path: readonly PathStep[], message: string, atKey?: string): Problem => {
    const { line, col } = lines.linePos(offsetOf(document, path, atKey));
    return { file, line, column: col, path: formatPath(atKey === undefined ? path : [...path, atKey]), message };
  };
  const content: unknown = document.toJS() ?? {};
  const part = <P>(path: readonly PathStep[], partSchema: z.ZodType<P>) => {
    const parsed = partSchema.safeParse(valueAt(content, path) ?? {}, { reportInput: true });
    if (parsed.success) return { ok: true as const, value: parsed.data };
    const within: MakeProblem = (inner, message, atKey) => problem([...path, ...inner], message, atKey);
    return {
      ok: false as const,
      problems: parsed.error.issues.flatMap((issue) => describe(issue, { schema: partSchema, problem: within })),
    };
  };
  const whole = part([], schema);
  return whole.ok ? { ok: true, checked: { value: whole.value, problem, part } } : whole;
}

function valueAt(content: unknown, path: readonly PathStep[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (value as Record<PathStep, unknown> | undefined | null)?.[step],
    content,
  );
}

/** `file:line:column: path: message`, the form that editors make clickable. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}: ${path ? `${path}: ` : ''}${message}`;
}

export function formatPath(path: readonly PathStep[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

/** The candidate nearest to what was written; undefined when none is near. */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(written.length / 2)) + 1;
  for (const candidate of candidates) {
    const steps = distance(written.toLowerCase(), candidate.toLowerCase());
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
}

/** `did you mean 'x'?`, or the list of what is possible. */
export function suggest(written: string, candidates: readonly string[]): string {
  const near = nearest(written, candidates);
  if (near !== undefined) return `did you mean '${near}'?`;
  return candidates.length > 0 ? `possible here: ${candidates.join(', ')}` : 'nothing is possible here';
}

type Issue = z.core.$ZodIssue;
type MakeProblem = (path: readonly PathStep[], message: string, atKey?: string) => Problem;

function describe(issue: Issue, at: { schema: z.ZodType; problem: MakeProblem }): Problem[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    const valid = keysAt(at.schema, path);
    return issue.keys.map((key) => at.problem(path, `unknown key '${key}': ${suggest(key, valid)}`, key));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    const missing = path.at(-1);
    const parent = path.slice(0, -1);
    return [at.problem(parent, `'${missing}' is missing (${issue.expected} expected)`)];
  }
  if (issue.code === 'invalid_value' && typeof issue.input === 'string') {
    const values = issue.values.map(String);
    return [at.problem(path, `'${issue.input}' is not possible: ${suggest(issue.input, values)}`)];
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flat();
    const deepest = inner.reduce<Issue | undefined>((a, b) => (a && a.path.length >= b.path.length ? a : b), undefined);
    if (deepest) return describe({ ...deepest, path: [...issue.path, ...deepest.path] } as Issue, at);
  }
  return [at.problem(path, issue.message)];
}

/** The keys that the schema knows at a path. */
function keysAt(schema: z.ZodType, path: readonly PathStep[]): string[] {
  let current: z.ZodType | undefined = unwrap(schema);
  for (const step of path) {
    if (current instanceof z.ZodObject) current = (current.shape as Record<string, z.ZodType>)[step];
    else if (current instanceof z.ZodArray) current = current.element as z.ZodType;
    else if (current instanceof z.ZodRecord) current = current.valueType as z.ZodType;
    else return [];
    if (!current) return [];
    current = unwrap(current);
  }
  if (current instanceof z.ZodObject) return Object.keys(current.shape);
  if (current instanceof z.ZodUnion) {
    return current.options.flatMap((option) => {
      const inner = unwrap(option as z.ZodType);
      return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
    });
  }
  return [];
}

function unwrap(schema: z.ZodType): z.ZodType {
  let current = schema;
  for (;;) {
    if (current instanceof z.ZodPipe) current = current.in as z.ZodType;
    else if (
      current instanceof z.ZodOptional ||
      current instanceof z.ZodDefault ||
      current instanceof z.ZodPrefault ||
      current instanceof z.ZodNullable
    ) {
      current = current.unwrap() as z.ZodType;
    } else return current;
  }
}

/** Offset of the node at a path, or of one of its keys; of the nearest existing parent when it is not in the file. */
function offsetOf(document: Document, path: readonly PathStep[], atKey?: string): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (!isNode(node)) continue;
    if (length === path.length && atKey !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === atKey);
      if (pair && isNode(pair.key)) return startOf(pair.key);
    }
    return startOf(node);
  }
  return 0;
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
