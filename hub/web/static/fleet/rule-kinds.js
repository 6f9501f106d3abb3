/**
 * The kinds of rules for people: the editor makes its forms of this, tables and diffs their sentences. Which numbers a kind has, in which
 * unit, is what gateway and hub check by (protocols/rules/rule-fields.ts); here stand only their names.
 *
 * A field's `path` is where its value stands in the rule. Its unit is fixed, or that of the rule's quantity.
 */
import { inTime } from '../fields.js';
import { KIND_FIELDS, QUANTITIES } from '../model.js';

export const unitOf = (quantity) => QUANTITIES[quantity]?.unit ?? '';
export const quantityName = (quantity) => QUANTITIES[quantity]?.label ?? quantity;

const DEVICE = { label: 'Device', type: 'text', required: true, hint: 'A device, or a pattern: cooler-*' };
const isCircle = (rule) => rule.shape?.kind !== 'polygon';
const place = (name, label, unit) => ({
  path: ['shape', name],
  label,
  type: 'number',
  unit: () => unit,
  required: true,
  when: isCircle,
});

/** What a rule watches, by the kinds' `of`. */
const WATCHED = {
  target: [
    { ...DEVICE, path: ['target', 'device'] },
    { path: ['target', 'quantity'], label: 'Quantity', type: 'quantity', required: true },
  ],
  device: [{ ...DEVICE, path: ['device'] }],
  shape: [
    {
      path: ['shape', 'kind'],
      label: 'Area',
      type: 'choice',
      options: [
        ['circle', 'Circle'],
        ['polygon', 'Polygon'],
      ],
      reshapes: true,
    },
    {
      path: ['alertWhen'],
      label: 'Alert when',
      type: 'choice',
      options: [
        ['outside', 'outside'],
        ['inside', 'inside'],
      ],
    },
    place('latitude', 'Latitude', '°'),
    place('longitude', 'Longitude', '°'),
    place('radiusMeters', 'Radius', 'm'),
    {
      path: ['shape', 'points'],
      label: 'Corners',
      type: 'points',
      hint: 'One a line: latitude, longitude. At least three.',
      required: true,
      when: (rule) => !isCircle(rule),
    },
  ],
};

const temperature = { target: { device: '*', quantity: 'temperatureCelsius' } };

/** Names of the numbers for people, what a new rule begins with, and its sentence; the numbers themselves are KIND_FIELDS. */
const KINDS = {
  limit: {
    title: 'Limit',
    text: 'A value is beyond a limit for some time.',
    labels: { low: 'Not below', high: 'Not above', hysteresis: 'Clears when back inside by', dwellMs: 'After' },
    start: { ...temperature, hysteresis: 0.5, dwellMs: 60_000 },
    say: ({ target: { device, quantity }, dwellMs, hysteresis, ...limits }) =>
      `${device}: ${bounds(limits, quantity)} for ${inTime(dwellMs)}, hysteresis ${amount(hysteresis, unitOf(quantity))}`,
  },
  rate: {
    title: 'Rate of change',
    text: 'A value changes too fast, in either direction.',
    labels: { maxPerMinute: 'At most', windowMs: 'Over', hysteresis: 'Clears when slower by' },
    start: { ...temperature, maxPerMinute: 1, windowMs: 300_000, hysteresis: 0.2 },
    say: ({ target: { device, quantity }, maxPerMinute, windowMs }) =>
      `${device}: ${quantityName(quantity)} changes faster than ${amount(maxPerMinute, perMinute(unitOf(quantity)))} over ${inTime(windowMs)}`,
  },
  missing: {
    title: 'Missing data',
    text: 'A device says nothing for too long.',
    labels: { afterMs: 'Nothing for' },
    start: { ...temperature, afterMs: 600_000 },
    say: ({ target: { device, quantity }, afterMs }) =>
      `${device}: no ${quantityName(quantity).toLowerCase()} for ${inTime(afterMs)}`,
  },
  shock: {
    title: 'Shock',
    text: 'An impact is too hard.',
    labels: {
      peakG: 'Peak of at least',
      minDurationMs: 'That lasts at least',
      clearAfterMs: 'Clears when none followed for',
    },
    start: { device: '*', peakG: 2, minDurationMs: 5, clearAfterMs: 60_000 },
    say: ({ device, peakG, minDurationMs }) =>
      `${device}: an impact of ${amount(peakG, 'g')} or more for at least ${inTime(minDurationMs)}`,
  },
  door: {
    title: 'Door',
    text: 'A door is open for too long, or while the vehicle moves.',
    labels: { openLongerThanMs: 'Open for longer than', whileMovingAboveMetersPerSecond: 'Open while faster than' },
    start: { device: '*', openLongerThanMs: 300_000 },
    say: ({ device, openLongerThanMs: open, whileMovingAboveMetersPerSecond: speed }) =>
      `${device}: open ${[open !== undefined && `for longer than ${inTime(open)}`, speed !== undefined && `while faster than ${amount(speed, 'm/s')}`].filter(Boolean).join(', or ')}`,
  },
  geofence: {
    title: 'Geofence',
    text: 'The gateway is inside, or outside, an area.',
    labels: { dwellMs: 'After', hysteresisMeters: 'Clears when back across by' },
    start: {
      shape: { kind: 'circle', latitude: 0, longitude: 0, radiusMeters: 500 },
      alertWhen: 'outside',
      dwellMs: 60_000,
      hysteresisMeters: 50,
    },
    say: ({ shape, alertWhen, dwellMs }) =>
      `${alertWhen} ${shape.kind === 'circle' ? `${amount(shape.radiusMeters, 'm')} around ${shape.latitude}, ${shape.longitude}` : `an area of ${shape.points.length} corners`} for ${inTime(dwellMs)}`,
  },
  'excursion-time': {
    title: 'Total time beyond limits',
    text: 'Times beyond the limits add up to too much.',
    labels: { low: 'Not below', high: 'Not above', maxTotalMs: 'At most', perMs: 'Within any' },
    start: { ...temperature, maxTotalMs: 1_800_000, perMs: 86_400_000 },
    say: ({ target: { device, quantity }, maxTotalMs, perMs, ...limits }) =>
      `${device}: ${bounds(limits, quantity)} for more than ${inTime(maxTotalMs)} within ${inTime(perMs)}`,
  },
  'mean-kinetic-temperature': {
    title: 'Mean kinetic temperature',
    text: 'The mean kinetic temperature (USP <1079>) is too high.',
    labels: {
      maxCelsius: 'Not above',
      windowMs: 'Over',
      activationEnergyKilojoulesPerMole: 'Activation energy',
    },
    hints: { activationEnergyKilojoulesPerMole: '83.144 where nothing else is known of the goods.' },
    start: { ...temperature, maxCelsius: 8, windowMs: 86_400_000, activationEnergyKilojoulesPerMole: 83.144 },
    say: ({ target: { device }, maxCelsius, windowMs }) =>
      `${device}: mean kinetic temperature above ${amount(maxCelsius, '°C')} over ${inTime(windowMs)}`,
  },
};

export const RULE_KINDS = Object.fromEntries(
  Object.entries(KIND_FIELDS).map(([kind, { of, fields }]) => {
    const words = KINDS[kind] ?? { title: kind, text: '', start: {}, labels: {}, say: () => kind };
    return [kind, { ...words, fields: [...WATCHED[of], ...fields.map((field) => numberOf(field, words))] }];
  }),
);

/** A field of the form of a number that the kinds' own description has. `written`: what a problem may call it. */
function numberOf({ name, written, is, unit, fallback, optional, range }, { labels, hints = {} }) {
  const fixed = unit === undefined ? undefined : () => unit;
  const own = ({ target }) => (is === 'perMinute' ? perMinute(unitOf(target?.quantity)) : unitOf(target?.quantity));
  return {
    path: [name],
    written,
    label: labels[name] ?? name,
    hint: hints[name],
    type: is === 'duration' ? 'duration' : 'number',
    smallest: fallback === 0 || name === 'minDurationMs' ? 'ms' : 's',
    unit: is === 'duration' ? undefined : (fixed ?? own),
    required: !optional && fallback === undefined,
    min: range === 'any' || is === 'duration' ? undefined : 0,
  };
}

/** A rule as a sentence; as far as it can be said while somebody writes it. */
export function sayRule(rule) {
  try {
    return RULE_KINDS[rule.kind].say(rule);
  } catch {
    return 'not complete yet';
  }
}

const perMinute = (unit) => (unit ? `${unit}/min` : 'per min');

function bounds({ low: least, high: most }, quantity) {
  const unit = unitOf(quantity);
  const said = [
    least !== undefined && `below ${amount(least, unit)}`,
    most !== undefined && `above ${amount(most, unit)}`,
  ].filter(Boolean);
  return `${quantityName(quantity)} ${said.join(' or ') || 'beyond no limit yet'}`;
}

function amount(value, unit) {
  const number = Number(value).toLocaleString(undefined, { maximumFractionDigits: 3 });
  return unit ? `${number} ${unit}` : number;
}
