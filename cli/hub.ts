/** `milepost hub …`. */
import { readFile } from 'node:fs/promises';
import { checkHubConfig } from '../hub/config.ts';
import { runHub } from '../hub/main.ts';
import { formatProblem } from '../protocols/config/checked-yaml.ts';
import { BAD, DONE, explain, printError, stopSignal } from './exit.ts';
import { createLog } from './log.ts';
import { systemClock } from './system-clock.ts';

export async function hubRun(file: string | undefined): Promise<number> {
  let text = '';
  try {
    if (file !== undefined) text = await readFile(file, 'utf8');
  } catch (error) {
    printError(`${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return BAD;
  }
  const result = checkHubConfig(text, file ?? 'defaults');
  if (!result.ok) {
    for (const problem of result.problems) printError(formatProblem(problem));
    return BAD;
  }
  const log = createLog({ level: result.config.log.level });
  try {
    const hub = await runHub({ config: result.config, clock: systemClock(), log, signal: stopSignal() });
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
