/** `milepost hub …`. */
import { readFile } from 'node:fs/promises';
import { checkHubConfig, type HubConfig } from '../hub/config.ts';
import { leaveDoor } from '../hub/leave.ts';
import { runHub } from '../hub/main.ts';
import { type HubSetupStep, setupHub } from '../hub/setup.ts';
import { formatProblem, type Problem } from '../protocols/config/checked-yaml.ts';
import { BAD, DONE, explain, print, printError, stopSignal } from './exit.ts';
import { createLog } from './log.ts';
import { systemClock } from './system-clock.ts';

/** What the command line says in place of the configuration; roles comma separated. */
export interface HubRunOptions {
  config?: string;
  roles?: string;
  instance?: string;
}

export async function hubRun({ config: file, ...told }: HubRunOptions): Promise<number> {
  const config = await readConfig(file, told);
  if (!config) return BAD;
  const log = createLog({ level: config.log.level });
  try {
    const hub = await runHub({ config, clock: systemClock(), log, signal: stopSignal() });
    printError(
      `Milepost hub: pages and API at ${hub.httpUrl}${hub.mqttUrl ? `, gateways connect to ${hub.mqttUrl}` : ''}`,
    );
    await hub.done;
    return DONE;
  } catch (error) {
    log.error({ err: error }, 'the hub cannot run');
    printError(`milepost hub: ${explain(error)}`);
    return BAD;
  }
}

/** Says what it took. */
export async function hubLeave({ config: file, ...told }: { config: string; instance: string }): Promise<number> {
  const config = await readConfig(file, told);
  if (!config) return BAD;
  try {
    const { messages } = await leaveDoor({ config, clock: systemClock(), log: createLog({ level: 'warn' }) });
    print(`${told.instance} has left: ${messages} messages that the broker kept for it are in the event log`);
    return DONE;
  } catch (error) {
    printError(`milepost hub leave: ${explain(error)}`);
    return BAD;
  }
}

/** Topics, schema, retention and down-sampling as configured; says what it did. */
export async function hubSetup(file: string | undefined, json: boolean): Promise<number> {
  const config = await readConfig(file, {}, json);
  if (!config) return BAD;
  const log = createLog({ level: 'warn' });
  try {
    const steps = await setupHub({ config, log });
    if (json) print(JSON.stringify({ steps }));
    else
      for (const step of steps)
        print(`${step.part}: ${step.what}: ${OUTCOMES[step.did]}${step.detail ? `: ${step.detail}` : ''}`);
    return steps.some(({ did }) => did === 'failed') ? BAD : DONE;
  } catch (error) {
    if (json) print(JSON.stringify({ error: { code: codeOf(error), message: explain(error) } }));
    else printError(`milepost hub setup: ${explain(error)}`);
    return BAD;
  }
}

const OUTCOMES: Record<HubSetupStep['did'], string> = {
  created: 'created',
  changed: 'changed',
  nothing: 'nothing to do',
  refused: 'not possible with this server',
  failed: 'failed',
};

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'internal-error';
}

/** Undefined after what is wrong was printed. */
async function readConfig(
  file: string | undefined,
  told: Omit<HubRunOptions, 'config'> = {},
  json = false,
): Promise<HubConfig | undefined> {
  let problems: Problem[];
  try {
    const text = file === undefined ? '' : await readFile(file, 'utf8');
    const result = checkHubConfig(text, file ?? 'defaults', told);
    if (result.ok) return result.config;
    problems = result.problems;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems = [{ file: file ?? 'defaults', line: 1, column: 1, path: '', message: `cannot be read: ${reason}` }];
  }
  if (json) print(JSON.stringify({ ok: false, problems }));
  else for (const problem of problems) printError(formatProblem(problem));
  return undefined;
}
