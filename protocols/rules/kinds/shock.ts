/**
 * An impact of at least `peakG` that lasted at least `minDurationMs` raises; none such for `clearAfterMs` clears, at the moment at which it has been
 * so long. What falls and bounces is one excursion.
 */
import { type FoldState, type Kind, nameOf, round, showMs } from '../fold.ts';
import { quantityIn } from '../quantities.ts';
import type { ShockRule } from '../rule.ts';

interface State extends FoldState {
  open?: { limit: number; lastAtUs: number; worstG: number } | undefined;
}

export const shock: Kind<ShockRule, State> = {
  payloads: () => ['shock'],
  quantity: () => 'peakG',
  points({ deviceId }, sample) {
    if (sample.deviceId !== deviceId) return [];
    const value = quantityIn(sample.payload, 'peakG');
    return value === undefined
      ? []
      : [{ atUs: sample.atUs, value, aux: quantityIn(sample.payload, 'durationMs') ?? 0 }];
  },
  begin: () => ({}),
  pass({ rule, deviceId }, state, { untilUs, emit }) {
    const { open } = state;
    if (!open) return;
    const overUs = open.lastAtUs + rule.clearAfterMs * 1000;
    if (untilUs <= overUs) return;
    state.open = undefined;
    const message = `${nameOf('No impact', deviceId)} for ${showMs(rule.clearAfterMs)}; the worst was ${round(open.worstG)} g`;
    emit({ phase: 'cleared', atUs: overUs, value: open.worstG, limit: open.limit, message });
  },
  take({ rule, deviceId }, state, { point, emit }) {
    const { atUs, value, aux: durationMs = 0 } = point;
    if (value < rule.peakG || durationMs < rule.minDurationMs) return;
    if (state.open) {
      state.open.lastAtUs = atUs;
      state.open.worstG = Math.max(state.open.worstG, value);
      return;
    }
    state.open = { limit: rule.peakG, lastAtUs: atUs, worstG: value };
    const message = `${nameOf('Impact', deviceId)}: ${round(value)} g for ${round(durationMs)} ms, the limit is ${rule.peakG} g`;
    emit({ phase: 'raised', atUs, value, limit: rule.peakG, message });
  },
  reopen(_scope, state, { atUs, limit }) {
    state.open = { limit, lastAtUs: atUs, worstG: limit };
  },
};
