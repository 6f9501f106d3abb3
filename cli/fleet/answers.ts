/** How the fleet's commands begin and end: where the hub is, what it answered, how that is printed. */
import type { FleetGateway, HistoryEntry } from '../../hub/fleet/model.ts';
import { formatPath } from '../../protocols/config/checked-yaml.ts';
import type { KeyReason } from '../../protocols/fleet/reported-config.ts';
import type { Problem } from '../../protocols/rules/rule.ts';
import { BAD, print, printError } from '../exit.ts';
import { refused } from '../hub-call.ts';

export interface At {
  /** Where the hub's API answers, without a slash at the end. */
  hub: string;
  json: boolean;
}

/** For what changes something. */
export interface By extends At {
  /** Who asks for it. */
  by: string;
}

/** What the hub refused: every problem, and how it reads in the file that it came from. */
interface Refusal {
  code?: string;
  message: string;
  problems?: Problem[];
  lines?: string[];
}

/** Runs a command; what the hub refuses is printed with every problem, and gives the exit code for it. */
export async function answering({ json }: At, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const { code, message, problems, lines = problems?.map((each) => `  ${problemLine(each)}`) } = error as Refusal;
    if (code === undefined) throw error;
    if (lines === undefined) return refused(error, json);
    if (json) print(JSON.stringify({ error: { code, message, problems } }));
    else for (const line of [message, ...lines]) printError(line);
    return BAD;
  }
}

function problemLine({ path, message, proposal }: Problem): string {
  const where = path.length > 0 ? `${formatPath(path)}: ` : '';
  return `${where}${message}${proposal === undefined ? '' : ` (${proposal})`}`;
}

export function url(
  { hub }: At,
  path: string,
  query: Readonly<Record<string, string | readonly string[] | undefined>> = {},
) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const each of typeof value === 'string' ? [value] : value) parameters.append(name, each);
  }
  const asked = parameters.toString();
  return `${hub}/v1/fleet/${path}${asked === '' ? '' : `?${asked}`}`;
}

/** Columns as wide as what stands in them; the last one is as long as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export function labelsText(labels: FleetGateway['labels']): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

export function reasonsText(reasons: readonly KeyReason[]): string {
  return reasons.map(({ key, reason }) => (key === '' ? reason : `${key}: ${reason}`)).join('; ');
}

export function historyLine({ at, who, what, why, subject }: HistoryEntry): string {
  return `${at}  ${who.padEnd(12)}  ${what.padEnd(18)}  ${subject}${why === '' ? '' : `  “${why}”`}`;
}
