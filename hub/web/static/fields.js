/**
 * Fields of forms: a label, the value with its unit, a hint, and a place for what is wrong with it. A field is `{ node, read, complain }`.
 */
import { element } from './dom.js';

let count = 0;

const TIMES = [
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
];

/** @param {{ label: string, value?: string, hint?: string, required?: boolean, list?: string, type?: string, pattern?: string }} options */
export function textField({ label, value = '', hint, required = false, type = 'text', ...more }) {
  const input = element('input', { type, required, spellcheck: false, autocomplete: 'off', ...more });
  input.value = value;
  return field({ label, controls: [input], hint, read: () => input.value.trim() });
}

export function areaField({ label, value = '', hint, required = false, rows = 3, read = (text) => text.trim() }) {
  const input = element('textarea', { required, rows, spellcheck: true });
  input.value = value;
  return field({ label, controls: [input], hint, read: () => read(input.value) });
}

/** Read gives a number; undefined when it is empty. */
export function numberField({ label, value, unit, hint, required = false, min, max, step = 'any' }) {
  const input = element('input', { type: 'number', step, min, max, required, inputmode: 'decimal' });
  input.value = value ?? '';
  const read = () => (input.value === '' ? undefined : input.valueAsNumber);
  return field({
    label,
    controls: [input, unit !== undefined && element('span', { class: 'unit' }, unit)],
    hint,
    read,
  });
}

/** Milliseconds, in the largest unit that leaves a whole number. */
export function durationField({ label, value, hint, required = false, smallest = 's' }) {
  const units = TIMES.slice(TIMES.findIndex(([unit]) => unit === smallest));
  const [unit, factor] = value > 0 ? (units.findLast(([, ms]) => value % ms === 0) ?? units[0]) : units[0];
  const input = element('input', { type: 'number', step: 'any', min: 0, required, inputmode: 'decimal' });
  input.value = value === undefined ? '' : value / factor;
  const select = element(
    'select',
    { 'aria-label': `Unit of ${label}` },
    units.map(([name]) => element('option', { value: name, selected: name === unit }, name)),
  );
  const read = () =>
    input.value === '' ? undefined : Math.round(input.valueAsNumber * units.find(([name]) => name === select.value)[1]);
  return field({ label, controls: [input, select], hint, read });
}

/** @param {{ label: string, value: string, options: (readonly [value: string, name: string])[], hint?: string }} options */
export function choiceField({ label, value, options, hint }) {
  const select = element(
    'select',
    {},
    options.map(([key, name]) => element('option', { value: key, selected: key === value }, name)),
  );
  return field({ label, controls: [select], hint, read: () => select.value });
}

export function checkField({ label, value = false, hint }) {
  const input = element('input', { type: 'checkbox' });
  input.checked = value;
  return field({ label, controls: [input], hint, read: () => input.checked, class: 'check' });
}

/** Duration in words, as exact as it was written: `90 s`, `2 h`. */
export function inTime(ms) {
  const [unit, factor] = TIMES.findLast(([, size]) => ms >= size && ms % size === 0) ?? TIMES[0];
  return `${ms / factor} ${unit}`;
}

function field({ label, controls, hint, read, class: name = '' }) {
  const id = `field-${++count}`;
  const [input] = controls;
  const problem = element('p', { class: 'problem', id: `${id}-problem` });
  const told = hint && element('p', { class: 'hint', id: `${id}-hint` }, hint);
  input.id = id;
  input.setAttribute('aria-describedby', [told && `${id}-hint`, `${id}-problem`].filter(Boolean).join(' '));
  const node = element(
    'div',
    { class: `field ${name}`.trim() },
    element('label', { for: id }, label),
    element('div', { class: 'value' }, controls),
    told,
    problem,
  );
  /** Says what is wrong with the value; nothing: it is right. */
  const complain = (text) => {
    problem.textContent = text ?? '';
    input.setAttribute('aria-invalid', String(Boolean(text)));
  };
  return { node, input, read, complain };
}
