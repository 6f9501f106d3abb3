/** No value for longer than `afterMs` raises, at the moment at which it has been so long; the next value clears. */
import { type FoldState, type Kind, nameOf, showMs } from '../fold.ts';
import { QUANTITIES, quantityIn } from '../quantities.ts';
import type { MissingRule } from '../rule.ts';
import { payloadsWith } from './payloads-with.ts';

interface State extends FoldState {
  /** The last value, or when somebody began to look. */
  lastAtUs?: number;
  open?: { limit: number } | undefined;
}

/** A point that is no value: nobody looked before it. */
const RESUMED = 1;

export const missing: Kind<MissingRule, State> = {
  payloads: ({ target }) => payloadsWith(target.quantity),
  quantity: () => 'silentSeconds',
  points({ rule, deviceId }, sample) {
    const value = sample.deviceId === deviceId ? quantityIn(sample.payload, rule.target.quantity) : undefined;
    return value === undefined ? [] : [{ atUs: sample.atUs, value }];
  },
  begin: () => ({}),
  sourceOf: ({ aux = 0 }) => aux,
  resume: (atUs) => ({ atUs, value: 0, aux: RESUMED }),
  isResumed: ({ aux }) => aux === RESUMED,
  pass({ rule, deviceId }, state, { untilUs, emit }) {
    if (state.open || state.lastAtUs === undefined) return;
    const dueUs = state.lastAtUs + rule.afterMs * 1000;
    if (untilUs <= dueUs) return;
    const limit = rule.afterMs / 1000;
    state.open = { limit };
    const what = nameOf(QUANTITIES[rule.target.quantity]?.label ?? rule.target.quantity, deviceId);
    const message = `${what}: no value for ${showMs(rule.afterMs)}`;
    emit({ phase: 'raised', atUs: dueUs, value: limit, limit, message });
  },
  take({ rule, deviceId }, state, { point, emit }) {
    const { atUs, aux } = point;
    if (aux === RESUMED && state.open) return;
    const silentSeconds = (atUs - (state.lastAtUs ?? atUs)) / 1e6;
    state.lastAtUs = atUs;
    if (!state.open || aux === RESUMED) return;
    const { limit } = state.open;
    state.open = undefined;
    const what = nameOf(QUANTITIES[rule.target.quantity]?.label ?? rule.target.quantity, deviceId);
    const message = `${what} is there again after ${showMs(silentSeconds * 1000)}`;
    emit({ phase: 'cleared', atUs, value: silentSeconds, limit, message });
  },
  reopen({ rule }, state, { atUs, limit }) {
    state.lastAtUs ??= atUs - rule.afterMs * 1000;
    state.open = { limit };
  },
};
