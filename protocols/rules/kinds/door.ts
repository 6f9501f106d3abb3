/**
 * A door that is open for longer than `openLongerThanMs`, or open while the vehicle moves faster than its limit, raises; closed, or (where
 * only the motion was wrong) standing, clears.
 *
 *  - A door that says again that it is open has been open since it first said so.
 *  - The speed is the vehicle's own where it tells one, else the receiver's. A speed holds for `SPEED_HOLDS_US`; one that is older raises nothing.
 *  - It stands when it is slower than half the limit, so that a speed which trembles at the limit is one excursion.
 */
import { type FoldState, type Kind, nameOf, round, showMs } from '../fold.ts';
import { quantityIn } from '../quantities.ts';
import type { DoorRule } from '../rule.ts';

interface State extends FoldState {
  /** Since when it has been open. */
  openedAtUs?: number | undefined;
  /** The vehicle's own speed, else the receiver's. */
  speed?: { metersPerSecond: number; atUs: number; own: boolean };
  /** `tooLong`: open for too long; else open while moving. */
  open?: { limit: number; tooLong: boolean } | undefined;
}

const SPEED_HOLDS_US = 10_000_000;
const STANDING = 0.5;
/** What a point tells. */
const DOOR = 0;
const OWN_SPEED = 1;
const FIX_SPEED = 2;

export const door: Kind<DoorRule, State> = {
  payloads: ({ whileMovingAboveMetersPerSecond }) =>
    whileMovingAboveMetersPerSecond === undefined ? ['contact'] : ['contact', 'vehicle', 'position'],
  quantity: () => 'openSeconds',
  points({ rule, deviceId }, { deviceId: from, atUs, payload }) {
    if (payload.kind === 'contact') {
      return from === deviceId ? [{ atUs, value: payload.open ? 1 : 0, aux: DOOR }] : [];
    }
    if (rule.whileMovingAboveMetersPerSecond === undefined) return [];
    const speed = quantityIn(payload, 'speedMetersPerSecond');
    if (speed === undefined) return [];
    return [{ atUs, value: speed, aux: payload.kind === 'vehicle' ? OWN_SPEED : FIX_SPEED }];
  },
  begin: () => ({}),
  sourceOf: ({ aux = DOOR }) => aux,
  pass({ rule, deviceId }, state, { untilUs, emit }) {
    const { openLongerThanMs } = rule;
    if (openLongerThanMs === undefined || state.openedAtUs === undefined || state.open?.tooLong) return;
    const dueUs = state.openedAtUs + openLongerThanMs * 1000;
    if (untilUs <= dueUs) return;
    const limit = openLongerThanMs / 1000;
    if (state.open) {
      // It is the same excursion, and standing does not end it any more.
      state.open.tooLong = true;
      return;
    }
    state.open = { limit, tooLong: true };
    const message = `${nameOf('The door', deviceId)} has been open for longer than ${showMs(openLongerThanMs)}`;
    emit({ phase: 'raised', atUs: dueUs, value: limit, limit, message });
  },
  take({ rule, deviceId }, state, { point, emit }) {
    const { atUs, value, aux } = point;
    const clear = (message: string) => {
      const { open, openedAtUs = atUs } = state;
      if (!open) return;
      state.open = undefined;
      // By what it was raised for; the longer of two reasons may have joined later.
      const isOfTime = open.limit !== rule.whileMovingAboveMetersPerSecond;
      const ended = isOfTime
        ? { quantity: 'openSeconds', value: (atUs - openedAtUs) / 1e6 }
        : { quantity: 'speedMetersPerSecond', value: state.speed?.metersPerSecond ?? 0 };
      emit({ phase: 'cleared', atUs, ...ended, limit: open.limit, message });
    };
    if (aux === DOOR) {
      if (value === 0) {
        clear(`${nameOf('The door', deviceId)} is closed`);
        state.openedAtUs = undefined;
        return;
      }
      state.openedAtUs ??= atUs;
    } else {
      const own = aux === OWN_SPEED;
      const known = state.speed;
      if (!own && known?.own && atUs - known.atUs <= SPEED_HOLDS_US) return;
      state.speed = { metersPerSecond: value, atUs, own };
    }
    const limit = rule.whileMovingAboveMetersPerSecond;
    const { speed } = state;
    if (limit === undefined || speed === undefined || state.openedAtUs === undefined) return;
    if (state.open) {
      if (!state.open.tooLong && aux !== DOOR && value <= limit * STANDING) {
        clear(`${nameOf('The door', deviceId)} is open, but the vehicle stands`);
      }
      return;
    }
    if (speed.metersPerSecond <= limit || atUs - speed.atUs > SPEED_HOLDS_US) return;
    state.open = { limit, tooLong: false };
    const kmh = round(speed.metersPerSecond * 3.6);
    const message = `${nameOf('The door', deviceId)} is open at ${kmh} km/h, the limit is ${round(limit * 3.6)} km/h`;
    const quantity = 'speedMetersPerSecond';
    emit({ phase: 'raised', atUs, quantity, value: speed.metersPerSecond, limit, message });
  },
  reopen({ rule }, state, { atUs, limit }) {
    const tooLong = limit !== rule.whileMovingAboveMetersPerSecond;
    state.openedAtUs ??= tooLong ? atUs - limit * 1e6 : atUs;
    state.open = { limit, tooLong };
  },
};
