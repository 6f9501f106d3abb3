/**
 * What the modules of a vehicle say behind an adapter: which values there are, and the values.
 *
 * Several modules may answer one question. Which values exist is the union of what they say; of several values the highest counts: a module that does not
 * know says 0.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import { decodeObd, type Elm327Complaint, type ObdValue, obdRequest } from '../../../protocols/elm327/index.ts';
import type { Adapter } from './adapter.ts';

export const PID = { speed: 0x0d, engineSpeed: 0x0c, sinceCleared: 0x31, odometer: 0xa6 } as const;

/** `none`: the vehicle does not answer (parked, or it has no such value). `reset`: the adapter has forgotten its settings. */
export interface Trouble {
  why: 'none' | 'reset' | 'silent' | 'bus';
  /** What the adapter says of the bus. */
  complaint?: Elm327Complaint;
}

export type Outcome<T> = { value: T } | Trouble | 'over';

const PARKED: ReadonlySet<Elm327Complaint> = new Set(['no-data', 'unable-to-connect', 'stopped']);
const RESET: ReadonlySet<Elm327Complaint> = new Set(['low-voltage-reset', 'low-power', 'internal-error']);
/** PID 00, 20, 40, … each tell of the next 32. */
const PIDS_PER_ANSWER = 0x20;
const LAST_BITMAP = 0xa0;

/** The values that the vehicle has. @throws TransportError */
export async function supportedPids(adapter: Adapter, timeoutMs: number): Promise<Outcome<ReadonlySet<number>>> {
  const pids = new Set<number>();
  for (let base = 0; base <= LAST_BITMAP; base += PIDS_PER_ANSWER) {
    const answer = await request(adapter, base, timeoutMs);
    if (answer === 'over') return answer;
    if (!('value' in answer)) {
      // Later bitmaps are a bonus; the first decides whether anybody is there.
      if (base === 0 || answer.why === 'reset' || answer.why === 'silent') return answer;
      break;
    }
    for (const value of answer.value) {
      if (value.kind === 'supported') for (const pid of value.pids) pids.add(Number.parseInt(pid, 16));
    }
    if (!pids.has(base + PIDS_PER_ANSWER)) break;
  }
  return { value: pids };
}

/** @throws TransportError */
export async function readPid(adapter: Adapter, pid: number, timeoutMs: number): Promise<Outcome<number>> {
  const answer = await request(adapter, pid, timeoutMs);
  if (answer === 'over' || !('value' in answer)) return answer;
  const values = answer.value.flatMap((value) => (value.kind === 'value' ? [value.value] : []));
  return values.length === 0 ? { why: 'none' } : { value: Math.max(...values) };
}

async function request(adapter: Adapter, pid: number, timeoutMs: number): Promise<Outcome<ObdValue[]>> {
  const answer = await adapter.ask(obdRequest(pid).trimEnd(), timeoutMs);
  if (answer === 'over') return 'over';
  switch (answer.kind) {
    case 'data': {
      // What belongs to another question came late, or from a module that speaks unasked.
      const value = answer.messages.filter((message) => message[1] === pid).flatMap(decoded);
      return value.length === 0 ? { why: 'none' } : { value };
    }
    case 'complaint':
      if (PARKED.has(answer.complaint)) return { why: 'none' };
      if (RESET.has(answer.complaint)) return { why: 'reset' };
      return { why: 'bus', complaint: answer.complaint };
    case 'text':
      // A greeting in place of data: the adapter was without power for a moment.
      return { why: 'reset' };
    case 'unreadable':
      return { why: 'none' };
    case 'silent':
      return { why: 'silent' };
  }
}

function decoded(message: Buffer): ObdValue[] {
  try {
    return [decodeObd(message)];
  } catch (error) {
    if (isCodecError(error)) return [];
    throw error;
  }
}
