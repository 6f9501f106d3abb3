/** Hands on messages that nobody else will send again, until they are taken. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../protocols/base/log.ts';
import type { Handler } from './broker.ts';

const RETRY_MS = 1_000;

/** What it gives says whether the message was taken; false only after `signal`: the broker keeps what was not acknowledged, or its sender does. */
export function untilTaken({
  log,
  signal,
}: {
  log: Log;
  signal: AbortSignal;
}): (take: Handler, topic: string, payload: Buffer) => Promise<boolean> {
  let isRefusing = false;
  return async (take, topic, payload) => {
    while (!signal.aborted) {
      try {
        await take(topic, payload);
        isRefusing = false;
        return true;
      } catch (error) {
        // Once for all that are in hands.
        if (!isRefusing) log.warn({ err: error, topic }, 'message not taken; trying again');
        isRefusing = true;
        await delay(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
    return false;
  };
}
