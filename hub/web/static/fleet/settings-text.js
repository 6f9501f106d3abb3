/** Settings as people read them: one line for each key that a gateway answers for. */
import { inTime } from '../fields.js';
import { quantityName, RULE_KINDS, sayRule, unitOf } from './rule-kinds.js';

/** @returns {{ key: string, text: string }[]} */
export function settingsKeys({ rules = [], readPoints = {}, rates = {} } = {}) {
  return [
    ...rules.map((rule) => ({
      key: `rules/${rule.id}`,
      text: `${RULE_KINDS[rule.kind]?.title ?? rule.kind}, ${rule.severity}: ${sayRule(rule)}`,
    })),
    ...Object.entries(readPoints).map(([id, settings]) => ({ key: `readPoints/${id}`, text: sayReadPoint(settings) })),
    ...Object.entries(rates).map(([id, settings]) => ({ key: `rates/${id}`, text: sayRate(settings) })),
  ];
}

function sayReadPoint({ scanWindowMs, tagDepartedAfterMs, identities }) {
  return (
    [
      scanWindowMs !== undefined && `scan window ${inTime(scanWindowMs)}`,
      tagDepartedAfterMs !== undefined &&
        `a tag is gone after ${tagDepartedAfterMs === 'adaptive' ? 'a time that adapts' : inTime(tagDepartedAfterMs)}`,
      identities && `identities ${identities.join(', ')}`,
    ]
      .filter(Boolean)
      .join('; ') || 'as in its file'
  );
}

function sayRate({ changes = [], options = {} }) {
  return (
    [
      ...changes.map(
        ({ quantity, deadband, maxIntervalMs }) =>
          `${quantityName(quantity)} when it changes by ${deadband} ${unitOf(quantity)}, at least every ${inTime(maxIntervalMs)}`,
      ),
      ...Object.entries(options).map(
        ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
      ),
    ].join('; ') || 'as in its file'
  );
}
