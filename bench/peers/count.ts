/** Which scans got through, per fault. Pure. */
import type { Emission } from '../../test/chaos/judge.ts';

export interface Phase {
  name: string;
  /** Wall time; a scan belongs to the phase in which it was written. */
  fromMs: number;
  toMs: number;
}

export interface PhaseCount {
  phase: string;
  written: number;
  lost: number;
  duplicates: number;
}

/**
 * Scans written this shortly before a kill may have been on the wire still: no program can be blamed for them. They are counted for nobody,
 * unless they arrived twice.
 */
const ON_THE_WIRE_MS = 500;

export function countPhases(options: {
  emissions: readonly Emission[];
  /** Messages as they stand in Kafka. */
  messages: readonly string[];
  phases: readonly Phase[];
  killsMs: readonly number[];
  /** From a kill until the program reads its port again, at most. */
  downMs: number;
}): PhaseCount[] {
  const { emissions, messages, phases, killsMs, downMs } = options;
  const arrived = new Map<string, number>();
  for (const message of messages) {
    const text = /00\d{18}400\d{10}/.exec(message)?.[0];
    if (text !== undefined) arrived.set(text, (arrived.get(text) ?? 0) + 1);
  }
  const isOnTheWire = ({ atMs }: Emission) =>
    killsMs.some((killMs) => atMs >= killMs - ON_THE_WIRE_MS && atMs <= killMs + downMs);
  return phases.map(({ name, fromMs, toMs }) => {
    const written = emissions.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    const counts = written.map((emission) => ({ emission, times: arrived.get(emission.text) ?? 0 }));
    return {
      phase: name,
      written: written.length,
      lost: counts.filter(({ emission, times }) => times === 0 && !isOnTheWire(emission)).length,
      duplicates: counts.reduce((sum, { times }) => sum + Math.max(0, times - 1), 0),
    };
  });
}
