/** A whole hub inside the test's own process, and questions that are asked until there is an answer. */
import { systemClock } from '../../cli/system-clock.ts';
import { checkHubConfig } from '../../hub/config.ts';
import { type RunningHub, runHub } from '../../hub/main.ts';
import { silentLog } from '../../protocols/base/log.ts';

const PAUSE_MS = 50;

export interface WholeHub extends RunningHub {
  stop(): Promise<void>;
}

/** Resolves when all its ports are well. */
export async function startWholeHub(config: string): Promise<WholeHub> {
  const checked = checkHubConfig(config, 'hub.yaml');
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const ending = new AbortController();
  const hub = await runHub({ config: checked.config, clock: systemClock(), log: silentLog, signal: ending.signal });
  const stop = () => {
    ending.abort();
    return hub.done;
  };
  try {
    await eventually(async () => (await fetch(`${hub.httpUrl}/healthz`)).ok || undefined);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...hub, stop };
}

/** The first answer; what is undefined is none. */
export async function eventually<T>(ask: () => Promise<T | undefined>, withinMs = 60_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`no answer to ${ask}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
