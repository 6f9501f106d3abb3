/**
 * Beyond a limit for `dwellMs` without interruption raises, at the reading at which it has been so long; back inside by `hysteresis` clears.
 *
 * A value at the limit itself is inside. A pause in the readings is no interruption. From beyond one limit straight to beyond the other is the end
 * of one excursion and the beginning of another. Values of impacts are events: each beyond the limit is an excursion of its own, over at once.
 */
import { type FoldState, type Kind, nameOf, type Scope, show } from '../fold.ts';
import { isEvent, QUANTITIES, quantityIn } from '../quantities.ts';
import type { LimitRule } from '../rule.ts';
import { payloadsWith } from './payloads-with.ts';

interface State extends FoldState {
  /** Since when the value has been beyond without interruption, while no excursion is open. */
  beyond?: { sinceAtUs: number; above: boolean } | undefined;
  open?: { limit: number; above: boolean } | undefined;
}

export const limit: Kind<LimitRule, State> = {
  payloads: ({ target }) => payloadsWith(target.quantity),
  quantity: ({ target }) => target.quantity,
  points({ rule, deviceId }, sample) {
    const value = sample.deviceId === deviceId ? quantityIn(sample.payload, rule.target.quantity) : undefined;
    return value === undefined ? [] : [{ atUs: sample.atUs, value }];
  },
  begin: () => ({}),
  take(scope, state, { point, emit }) {
    const { low, high, hysteresis, dwellMs, target } = scope.rule;
    const { value, atUs } = point;
    if (state.open) {
      const { limit: broken, above } = state.open;
      const isBack = above ? value <= broken - hysteresis : value >= broken + hysteresis;
      if (!isBack) return;
      state.open = undefined;
      emit({ phase: 'cleared', atUs, value, limit: broken, message: messageOf(scope, { value, limit: broken }) });
    }
    const above = high !== undefined && value > high;
    const below = low !== undefined && value < low;
    const broken = above ? high : below ? low : undefined;
    if (broken === undefined) {
      state.beyond = undefined;
      return;
    }
    if (state.beyond?.above !== above) state.beyond = { sinceAtUs: atUs, above };
    if (atUs - state.beyond.sinceAtUs < dwellMs * 1000) return;
    state.beyond = undefined;
    state.open = { limit: broken, above };
    emit({ phase: 'raised', atUs, value, limit: broken, message: messageOf(scope, { value, limit: broken, above }) });
    if (!isEvent(target.quantity)) return;
    state.open = undefined;
    emit({ phase: 'cleared', atUs, value, limit: broken, message: messageOf(scope, { value, limit: broken }) });
  },
  reopen({ rule }, state, { limit: broken }) {
    state.beyond = undefined;
    state.open = { limit: broken, above: broken === rule.high };
  },
};

function messageOf(
  { rule, deviceId }: Scope<LimitRule>,
  at: { value: number; limit: number; above?: boolean },
): string {
  const { unit, label } = QUANTITIES[rule.target.quantity] ?? { unit: '', label: rule.target.quantity };
  const is = `${nameOf(label, deviceId)} is ${show(at.value, unit)}`;
  if (at.above === undefined) {
    if (isEvent(rule.target.quantity)) return `the impact on ${deviceId} is over`;
    return `${is}, within the limit of ${show(at.limit, unit)} again`;
  }
  const dwell = rule.dwellMs > 0 ? ` for at least ${rule.dwellMs / 1000} s` : '';
  return `${is}, ${at.above ? 'above' : 'below'} the limit of ${show(at.limit, unit)}${dwell}`;
}
