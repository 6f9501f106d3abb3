/**
 * Seeded randomness for simulators: the same seed gives the same shift, on every machine.
 *
 * Each device and each flow draws from its own stream (`fork(name)`), so that adding a device to a scenario, or polling
 * one more often, changes nothing about the others. Generator: Mulberry32 (32-bit state, period 2³²), seeded from text
 * through FNV-1a; good enough for traffic, not for secrets.
 */
import { seededRandom as mulberry32 } from '../protocols/base/seeded-random.ts';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [min, max). */
  between(min: number, max: number): number;
  /** A whole number, uniform in [min, max], both included. */
  integer(min: number, max: number): number;
  /** Standard normal. */
  gaussian(): number;
  bytes(length: number): Buffer;
  /** An independent stream that depends on this one's seed and the name alone, not on what was drawn before. */
  fork(name: string): Random;
}

export function seededRandom(seed: number | string): Random {
  const state0 = fnv1a(String(seed));
  const next = mulberry32(state0);
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    integer,
    // Box–Muller; 1 − u keeps the logarithm finite.
    gaussian: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    bytes: (length) => Buffer.from(Array.from({ length }, () => integer(0, 255))),
    fork: (name) => seededRandom(`${state0}/${name}`),
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
