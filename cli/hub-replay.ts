/** `milepost hub replay`: a part of the uplink log once more, in a running hub, with progress. Ctrl-C ends the replay, too. */
import { aborted, sleep } from '../protocols/base/clock.ts';
import { BAD, DONE, print, printError, stopSignal } from './exit.ts';
import { call, refused } from './hub-call.ts';
import { systemClock } from './system-clock.ts';
import { get } from './track.ts';

interface Report {
  id: string;
  state: 'running' | 'done' | 'failed';
  total: number;
  done: number;
  reason?: string;
  counters: { packageEvents: number; alerts: number; points: number; duplicates: number; deadLetters: number };
}

const POLL_MS = 500;
const WIDTH = 30;

export async function hubReplay(options: {
  hub: string;
  from: string;
  to?: string;
  into: string[];
  json: boolean;
}): Promise<number> {
  const { hub, from, to, into, json } = options;
  const clock = systemClock();
  const signal = stopSignal();
  const shows = !json && process.stderr.isTTY;
  try {
    const asked = { from, into, ...(to === undefined ? {} : { to }) };
    let report = await call<Report>(`${hub}/v1/replays`, 'POST', asked);
    const url = `${hub}/v1/replays/${report.id}`;
    while (report.state === 'running') {
      if (shows) process.stderr.write(`\r${barOf(report)}`);
      await Promise.race([sleep(clock, POLL_MS, signal).catch(() => {}), aborted(signal)]);
      report = signal.aborted ? await call<Report>(url, 'DELETE') : await get<Report>(url);
    }
    if (shows) process.stderr.write(`\r${barOf(report)}\n`);
    if (json) print(JSON.stringify(report));
    else sayResult(report);
    return report.state === 'done' ? DONE : BAD;
  } catch (error) {
    return refused(error, json);
  }
}

function barOf({ total, done }: Report): string {
  const share = total === 0 ? 1 : done / total;
  const full = Math.round(share * WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${done} of ${total} records`;
}

function sayResult({ state, total, reason, counters }: Report): void {
  if (state === 'failed') {
    printError(`the replay ended early: ${reason}`);
    return;
  }
  if (total === 0) {
    print('the log has no records there: nothing was replayed');
    return;
  }
  const { packageEvents, alerts, points, duplicates, deadLetters } = counters;
  print(`${total} log records: ${packageEvents} events, ${alerts} alerts, ${points} points`);
  print(`${duplicates} repetitions, ${deadLetters} that still are dead letters`);
}
