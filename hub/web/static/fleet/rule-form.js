/** The form of one rule, made of the description of its kind. What is typed goes into the rule at once. */
import { element } from '../dom.js';
import { areaField, choiceField, durationField, numberField, textField } from '../fields.js';
import { QUANTITIES } from '../model.js';
import { RULE_KINDS, sayRule } from './rule-kinds.js';

const SEVERITIES = [
  ['info', 'Info'],
  ['warning', 'Warning'],
  ['critical', 'Critical'],
];
const COMMON = [
  { path: ['id'], label: 'Id', type: 'text', required: true, hint: 'Small letters, digits and hyphens.' },
  { path: ['severity'], label: 'Severity', type: 'choice', options: SEVERITIES },
];
const SHAPES = {
  circle: { kind: 'circle', latitude: 0, longitude: 0, radiusMeters: 500 },
  polygon: { kind: 'polygon', points: [] },
};

/** A new rule of a kind, with an id that no other has. */
export function newRule(kind, rules) {
  const taken = new Set(rules.map(({ id }) => id));
  let id = kind;
  for (let number = 2; taken.has(id); number++) id = `${kind}-${number}`;
  return { id, kind, severity: 'warning', ...structuredClone(RULE_KINDS[kind].start) };
}

export class RuleForm {
  #fields = [];
  #rule;
  #changed;
  #grid = element('div', { class: 'fields' });
  #name = element('b', {});
  #said = element('span', { class: 'note' });
  #severity = element('span', { class: 'chip' });
  #problem = element('p', { class: 'problem' });

  /** @param {{ rule: object, open?: boolean, changed: () => void, remove: () => void }} options */
  constructor({ rule, open = false, changed, remove }) {
    this.#rule = rule;
    this.#changed = changed;
    this.node = element(
      'details',
      { class: 'rule', open },
      element('summary', {}, this.#severity, element('span', { class: 'lines' }, this.#name, this.#said)),
      element(
        'div',
        { class: 'pad' },
        element('p', { class: 'hint' }, RULE_KINDS[rule.kind]?.text),
        this.#grid,
        this.#problem,
        element(
          'div',
          {},
          element('button', { type: 'button', class: 'button small danger', click: remove }, 'Remove rule'),
        ),
      ),
    );
    this.#draw();
  }

  focus() {
    this.node.open = true;
    this.#fields[0].input.focus();
  }

  /** @param {(string | number)[]} path Within the rule. @returns whether there is something to focus */
  complain(path, text) {
    this.node.open = true;
    const found = this.#fieldOf(path);
    if (found) found.complain(text);
    else this.#problem.textContent = [this.#problem.textContent, text].filter(Boolean).join(' · ');
    return found?.input ?? this.node.querySelector('summary');
  }

  clearProblems() {
    for (const field of this.#fields) field.complain();
    this.#problem.textContent = '';
  }

  /** A problem may call a field as people write it (`dwell`), or speak of the whole target. */
  #fieldOf(path) {
    const [first, last] = [String(path[0] ?? ''), String(path.at(-1) ?? '')];
    return (
      this.#fields.find(({ path: own }) => own.join() === path.join()) ??
      this.#fields.find(({ written }) => written === first) ??
      this.#fields.find(({ path: own }) => own.at(-1) === last) ??
      this.#fields.find(({ path: own }) => own[0] === first)
    );
  }

  #draw() {
    const kind = RULE_KINDS[this.#rule.kind] ?? { fields: [] };
    this.#fields = [...COMMON, ...kind.fields]
      .filter(({ when }) => when === undefined || when(this.#rule))
      .map((described) => this.#fieldFor(described));
    this.#grid.replaceChildren(...this.#fields.map(({ node }) => node));
    this.#tell();
  }

  #fieldFor(described) {
    const { path, reshapes, type } = described;
    const field = makeField(described, valueAt(this.#rule, path), this.#rule);
    field.node.addEventListener('input', () => {
      setAt(this.#rule, path, field.read());
      field.complain();
      if (reshapes) this.#rule.shape = structuredClone(SHAPES[this.#rule.shape.kind]);
      // Another quantity has other units, another area other fields.
      if (reshapes || type === 'quantity') this.#redraw(path);
      else this.#tell();
      this.#changed();
    });
    return { ...field, path, written: described.written };
  }

  #redraw(path) {
    this.#draw();
    this.#fields.find(({ path: own }) => own.join() === path.join())?.input.focus();
  }

  #tell() {
    const { id, kind, severity } = this.#rule;
    this.#name.textContent = `${id || 'no id yet'} · ${RULE_KINDS[kind]?.title ?? kind}`;
    this.#said.textContent = sayRule(this.#rule);
    this.#severity.textContent = severity;
    this.#severity.dataset.tone = { critical: 'bad', warning: 'warn' }[severity] ?? 'none';
  }
}

function makeField({ type, unit, ...options }, value, rule) {
  switch (type) {
    case 'duration':
      return durationField({ ...options, value });
    case 'number':
      return numberField({ ...options, value, unit: unit?.(rule) });
    case 'choice':
      return choiceField({ ...options, value });
    case 'quantity':
      return choiceField({
        ...options,
        value,
        options: Object.entries(QUANTITIES).map(([name, { label, unit: own }]) => [
          name,
          own ? `${label} (${own})` : label,
        ]),
      });
    case 'points':
      return areaField({ ...options, value: pointsText(value), rows: 4, read: pointsOf });
    default:
      return textField({ ...options, value });
  }
}

const pointsText = (points = []) => points.map((point) => point.join(', ')).join('\n');

/** Lines that hold two numbers; a line that is still being written is none yet. */
function pointsOf(text) {
  return text
    .split('\n')
    .map((line) =>
      line
        .split(/[,;\s]+/)
        .filter(Boolean)
        .map(Number),
    )
    .filter((point) => point.length === 2 && point.every(Number.isFinite));
}

function valueAt(rule, path) {
  return path.reduce((at, name) => at?.[name], rule);
}

/** An empty field is no value at all. */
function setAt(rule, path, value) {
  const holder = path.slice(0, -1).reduce((at, name) => {
    at[name] ??= {};
    return at[name];
  }, rule);
  if (value === undefined) delete holder[path.at(-1)];
  else holder[path.at(-1)] = value;
}
