/** Rules that could never alarm, or never be over: each contradiction with its reason and a proposal. Pure. */
import { formatDuration } from '../config/units.ts';
import { show } from './fold.ts';
import { QUANTITIES } from './quantities.ts';
import type { Report } from './report.ts';
import type { ExcursionTimeRule, LimitRule, Rule } from './rule.ts';

/** Values of which none is below zero. */
const NEVER_NEGATIVE = new Set(['%', 'g', 'm/s', 'rpm', 'ms']);

export function contradictionsOf(rule: Rule, report: Report): void {
  switch (rule.kind) {
    case 'limit':
      if (checkLimits(rule, report)) checkHysteresis(rule, report);
      return;
    case 'excursion-time':
      checkLimits(rule, report);
      if (rule.maxTotalMs >= rule.perMs) {
        const [total, per] = [formatDuration(rule.maxTotalMs), formatDuration(rule.perMs)];
        report(['maxTotal'], {
          code: 'rule-window',
          message: `never in ${per} can more than ${total} be beyond the limits: the rule could never alarm`,
          proposal: `a 'maxTotal' below ${per}, or a longer 'per'`,
        });
      }
      return;
    case 'rate':
      if (rule.hysteresis < rule.maxPerMinute) return;
      report(['hysteresis'], {
        code: 'rule-hysteresis',
        message: `the limit of ${rule.maxPerMinute} a minute is not above its hysteresis of ${rule.hysteresis}: an excursion could never end`,
        proposal: `a hysteresis below ${rule.maxPerMinute}, for example ${rule.maxPerMinute / 4}`,
      });
      return;
    case 'door':
      if (rule.openLongerThanMs !== undefined || rule.whileMovingAboveMetersPerSecond !== undefined) return;
      report([], {
        code: 'rule-no-limit',
        message: "a door rule needs 'openLongerThan' or 'whileMovingAbove'",
        proposal: 'openLongerThan: 10min',
      });
      return;
    case 'geofence': {
      const { shape, alertWhen, hysteresisMeters } = rule;
      if (shape.kind !== 'circle' || alertWhen !== 'outside' || hysteresisMeters < shape.radiusMeters) return;
      report(['hysteresis'], {
        code: 'rule-hysteresis',
        message: `nowhere is it ${hysteresisMeters} m inside of a circle of ${shape.radiusMeters} m: an excursion could never end`,
        proposal: `a hysteresis below ${shape.radiusMeters} m`,
      });
      return;
    }
    default:
  }
}

function checkLimits({ kind, low, high }: LimitRule | ExcursionTimeRule, report: Report): boolean {
  if (low === undefined && high === undefined) {
    const message = `a rule of kind '${kind}' needs 'low' or 'high'`;
    report([], { code: 'rule-no-limit', message, proposal: 'at least one of the two' });
    return false;
  }
  if (low === undefined || high === undefined || low < high) return true;
  report(['low'], {
    code: 'rule-limits',
    message: `the low limit ${low} is not below the high limit ${high}: every value would be beyond`,
    proposal: low === high ? 'limits that differ' : `low: ${high}, high: ${low}`,
  });
  return false;
}

function checkHysteresis({ target, low, high, hysteresis }: LimitRule, report: Report): void {
  const { unit = '' } = QUANTITIES[target.quantity] ?? {};
  const refuse = (message: string, largest: number) => {
    const proposal = `a hysteresis below ${show(largest, unit)}, for example ${show(largest / 4, unit)}`;
    report(['hysteresis'], { code: 'rule-hysteresis', message, proposal });
  };
  const size = show(hysteresis, unit);
  if (low !== undefined && high !== undefined && high - low <= hysteresis) {
    const message = `between ${show(low, unit)} and ${show(high, unit)} no value is inside by the hysteresis of ${size}: an excursion could never end`;
    refuse(message, high - low);
    return;
  }
  for (const limit of [low, high]) {
    if (limit === undefined || limit < 0 || limit >= hysteresis) continue;
    // Zero degrees is a limit as any other; zero per cent is not.
    if (limit === 0 && !(limit === high && NEVER_NEGATIVE.has(unit))) continue;
    refuse(`the limit of ${show(limit, unit)} is below its hysteresis of ${size}`, limit);
    return;
  }
  if (unit === '%' && low !== undefined && low + hysteresis > 100) {
    refuse(`a low limit of ${show(low, unit)} with a hysteresis of ${size} is over above 100% only: never`, 100 - low);
  }
}
