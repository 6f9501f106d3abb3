/**
 * Time beyond the limits adds up over the sliding window `perMs`: above `maxTotalMs` raises, fallen to it or below clears, both at the exact moment.
 *
 * A reading holds until the next one, but no longer than `HOLD_US`: what nobody observed is not counted. So the sum is a function of time made
 * of straight pieces: it grows while the held reading is beyond, and falls while what was beyond leaves the window at its other end.
 *
 * Bounds: `MOST_SPANS` spans of being beyond are kept; when there are more, the two oldest become one that is beyond for a share of its time.
 */
import { type Emit, type FoldState, type Kind, nameOf, type Scope, show, showMs } from '../fold.ts';
import { QUANTITIES, quantityIn } from '../quantities.ts';
import type { ExcursionTimeRule } from '../rule.ts';
import { payloadsWith } from './payloads-with.ts';

interface Span {
  startAtUs: number;
  endAtUs: number;
  /** Of this time; 1 where it was beyond throughout. */
  share: number;
}

interface State extends FoldState {
  spans: Span[];
  held?: { atUs: number; value: number; beyond: boolean };
  /** `sumMicros` is of the window that ends here. */
  doneAtUs?: number;
  sumMicros: number;
  open?: { limit: number } | undefined;
}

export const HOLD_US = 3_600_000_000;
const MOST_SPANS = 250;

export const excursionTime: Kind<ExcursionTimeRule, State> = {
  payloads: ({ target }) => payloadsWith(target.quantity),
  quantity: ({ target }) => target.quantity,
  points({ rule, deviceId }, sample) {
    const value = sample.deviceId === deviceId ? quantityIn(sample.payload, rule.target.quantity) : undefined;
    return value === undefined ? [] : [{ atUs: sample.atUs, value }];
  },
  begin: () => ({ spans: [], sumMicros: 0 }),
  pass(scope, state, { untilUs, emit }) {
    const { held } = state;
    if (!held || state.doneAtUs === undefined) return;
    const { rule } = scope;
    const maxMicros = rule.maxTotalMs * 1000;
    const perMicros = rule.perMs * 1000;
    const heldUntilUs = held.atUs + HOLD_US;
    let atUs = state.doneAtUs;
    while (atUs < untilUs) {
      const { spans } = state;
      while (spans[0] && spans[0].endAtUs <= atUs - perMicros) spans.shift();
      const grows = held.beyond && atUs < heldUntilUs;
      if (grows) growFrom(state, atUs, perMicros);
      const [oldest] = spans;
      const leaves = oldest !== undefined && oldest.startAtUs <= atUs - perMicros;
      let nextUs = Math.min(untilUs, grows ? heldUntilUs : untilUs);
      if (oldest) nextUs = Math.min(nextUs, (leaves ? oldest.endAtUs : oldest.startAtUs) + perMicros);
      const slope = (grows ? 1 : 0) - (leaves ? oldest.share : 0);
      const crossesUs = slope === 0 ? Number.POSITIVE_INFINITY : atUs + (maxMicros - state.sumMicros) / slope;
      if (!state.open && slope > 0 && crossesUs < nextUs) {
        state.open = { limit: brokenBy(rule, held.value) };
        tell(scope, state, { phase: 'raised', atUs: Math.max(crossesUs, atUs), limit: state.open.limit, emit });
      } else if (state.open && slope < 0 && crossesUs <= nextUs) {
        const { limit } = state.open;
        state.open = undefined;
        tell(scope, state, { phase: 'cleared', atUs: Math.max(crossesUs, atUs), limit, emit });
      }
      state.sumMicros += slope * (nextUs - atUs);
      atUs = nextUs;
      const newest = spans.at(-1);
      if (grows && newest) newest.endAtUs = atUs;
    }
    state.doneAtUs = Math.max(state.doneAtUs, untilUs);
  },
  take({ rule: { low, high } }, state, { point: { atUs, value } }) {
    const beyond = (high !== undefined && value > high) || (low !== undefined && value < low);
    state.held = { atUs, value, beyond };
    state.doneAtUs ??= atUs;
  },
  reopen({ rule }, state, { atUs, limit }) {
    // What brought it about is not known any more: as much as just breaks the rule.
    const maxMicros = rule.maxTotalMs * 1000;
    if (state.sumMicros <= maxMicros) {
      state.spans = [{ startAtUs: atUs - maxMicros - 1, endAtUs: atUs, share: 1 }];
      state.sumMicros = maxMicros + 1;
      state.doneAtUs = atUs;
      state.held = { atUs, value: limit, beyond: false };
    }
    state.open = { limit };
  },
};

/** The newest span is one that ends here and grows. */
function growFrom(state: State, atUs: number, perMicros: number): void {
  const { spans } = state;
  const newest = spans.at(-1);
  if (newest?.endAtUs === atUs && newest.share === 1) return;
  spans.push({ startAtUs: atUs, endAtUs: atUs, share: 1 });
  const [first, second] = spans;
  if (spans.length <= MOST_SPANS || !first || !second) return;
  const micros = second.endAtUs - first.startAtUs;
  const beyond = spanMicros(first) + spanMicros(second);
  spans.splice(0, 2, { startAtUs: first.startAtUs, endAtUs: second.endAtUs, share: beyond / micros });
  const fromUs = atUs - perMicros;
  state.sumMicros = spans.reduce((sum, { startAtUs, endAtUs, share }) => {
    return sum + Math.max(0, endAtUs - Math.max(startAtUs, fromUs)) * share;
  }, 0);
}

function spanMicros({ startAtUs, endAtUs, share }: Span): number {
  return (endAtUs - startAtUs) * share;
}

function brokenBy({ low, high }: ExcursionTimeRule, value: number): number {
  return high !== undefined && value > high ? high : (low ?? value);
}

function tell(
  { rule, deviceId }: Scope<ExcursionTimeRule>,
  { held }: State,
  at: { phase: 'raised' | 'cleared'; atUs: number; limit: number; emit: Emit },
): void {
  const { unit = '', label = rule.target.quantity } = QUANTITIES[rule.target.quantity] ?? {};
  const within = `${showMs(rule.maxTotalMs)} within ${showMs(rule.perMs)}`;
  const limits = [rule.low, rule.high].filter((each) => each !== undefined).map((each) => show(each, unit));
  const what = `${nameOf(label, deviceId)} was beyond ${limits.join(' to ')}`;
  const message = at.phase === 'raised' ? `${what} for more than ${within}` : `${what} for no more than ${within} now`;
  at.emit({ phase: at.phase, atUs: at.atUs, value: held?.value ?? at.limit, limit: at.limit, message });
}
