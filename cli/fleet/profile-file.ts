/**
 * A profile as people write it: YAML (or JSON) with `name`, `selector` and `settings`, values with their units.
 *
 * Checked here already, so that what is wrong is told with its line; the hub checks again.
 */
import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { Selector } from '../../hub/fleet/labels.ts';
import type { ProfileVersion } from '../../hub/fleet/model.ts';
import { checkYaml, formatProblem } from '../../protocols/config/checked-yaml.ts';
import { checkSettings, formatSettings } from '../../protocols/fleet/check-settings.ts';
import type { Problem } from '../../protocols/rules/rule.ts';
import { printError } from '../exit.ts';

export interface ProfileDraft {
  name: string;
  selector: Selector;
  /** As written, or as the hub has it: it takes both. */
  settings: unknown;
}

const schema = z.strictObject({
  name: z.string().min(1),
  selector: z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)])),
  settings: z.record(z.string(), z.unknown()),
});

export interface ReadProfile {
  draft: ProfileDraft;
  /** What the hub refuses stands in this file: its problems get their line. */
  inFile<T>(answer: Promise<T>): Promise<T>;
}

/** Undefined after what is wrong was printed, each problem with file, line and column. */
export async function readProfileFile(file: string): Promise<ReadProfile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    printError(`${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  const read = checkProfile(text, file);
  if (read.ok) return read;
  for (const line of read.problems) printError(line);
  return undefined;
}

export function checkProfile(
  text: string,
  file: string,
): ({ ok: true } & ReadProfile) | { ok: false; problems: string[] } {
  const result = checkYaml(text, { file, schema });
  if (!result.ok) return { ok: false, problems: result.problems.map(formatProblem) };
  const { checked } = result;
  const lineOf = ({ path, message, proposal }: Problem) =>
    formatProblem(checked.problem(path, proposal === undefined ? message : `${message} (${proposal})`));
  const { problems } = checkSettings(checked.value.settings);
  if (problems.length > 0)
    return { ok: false, problems: problems.map((each) => lineOf({ ...each, path: ['settings', ...each.path] })) };
  const inFile = async <T>(answer: Promise<T>) => {
    try {
      return await answer;
    } catch (error) {
      const { problems: refused } = error as { problems?: Problem[] };
      throw Object.assign(error as Error, refused && { lines: refused.map(lineOf) });
    }
  };
  return { ok: true, draft: checked.value, inFile };
}

/** What `readProfileFile` reads back. */
export function profileText({
  name,
  selector,
  settings,
}: Pick<ProfileVersion, 'name' | 'selector' | 'settings'>): string {
  const { rules, readPoints, rates } = formatSettings(settings);
  const filled = Object.entries({ rules, readPoints, rates }).filter(
    ([, part]) => Object.keys(part as object).length > 0,
  );
  return stringify({ name, selector, settings: Object.fromEntries(filled) }).trimEnd();
}
