/**
 * The gateway's position inside (or outside) a shape for `dwellMs` raises; across the border back by `hysteresisMeters` clears.
 *
 * A point's value is the distance to the border in metres, negative inside. A fix that is not exact enough (HDOP above `MOST_HDOP`) is none. The
 * scope is the gateway: whichever receiver tells; one that has a device looks at that device alone.
 */
import { metersOutside } from '../../base/geofence.ts';
import { type FoldState, type Kind, round } from '../fold.ts';
import type { GeofenceRule, GeofenceShape } from '../rule.ts';

interface State extends FoldState {
  sinceAtUs?: number | undefined;
  open?: { limit: number } | undefined;
}

const MOST_HDOP = 5;

export const geofence: Kind<GeofenceRule, State> = {
  payloads: () => ['position'],
  quantity: () => 'metersOutside',
  points({ rule, deviceId }, { deviceId: from, atUs, payload }) {
    if (payload.kind !== 'position' || (deviceId !== '' && deviceId !== from)) return [];
    if (payload.hdop !== undefined && payload.hdop > MOST_HDOP) return [];
    const value = metersOutside(fenceOf(rule.shape), payload);
    return Number.isFinite(value) ? [{ atUs, value }] : [];
  },
  begin: () => ({}),
  take({ rule }, state, { point, emit }) {
    const { alertWhen, dwellMs, hysteresisMeters } = rule;
    const { atUs, value } = point;
    // How far on the wrong side.
    const wrong = alertWhen === 'inside' ? -value : value;
    if (state.open) {
      if (wrong > -hysteresisMeters || wrong > 0) return;
      state.open = undefined;
      const message = `the gateway is ${alertWhen === 'inside' ? 'outside' : 'inside'} of the area again`;
      emit({ phase: 'cleared', atUs, value, limit: 0, message });
      return;
    }
    if (wrong <= 0) {
      state.sinceAtUs = undefined;
      return;
    }
    state.sinceAtUs ??= atUs;
    if (atUs - state.sinceAtUs < dwellMs * 1000) return;
    state.sinceAtUs = undefined;
    state.open = { limit: 0 };
    const dwell = dwellMs > 0 ? ` for at least ${dwellMs / 1000} s` : '';
    const message = `the gateway is ${alertWhen} of the area${dwell}, ${round(Math.abs(value))} m from its border`;
    emit({ phase: 'raised', atUs, value, limit: 0, message });
  },
  reopen(_scope, state) {
    state.sinceAtUs = undefined;
    state.open = { limit: 0 };
  },
};

const fences = new WeakMap<GeofenceShape, Parameters<typeof metersOutside>[0]>();

/** Made once per shape: a position comes every second. */
function fenceOf(shape: GeofenceShape): Parameters<typeof metersOutside>[0] {
  let fence = fences.get(shape);
  if (!fence) {
    fence =
      shape.kind === 'circle'
        ? shape
        : { polygon: shape.points.map(([latitude, longitude]) => ({ latitude, longitude })) };
    fences.set(shape, fence);
  }
  return fence;
}
