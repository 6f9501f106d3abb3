/**
 * The gateway's own file with the fleet's settings laid over it: the configuration that is in force, or why it cannot be. Pure.
 *
 * Read points take windows and identities, devices take dead bands (per quantity) and driver options (per option). What the file says
 * besides stays. The fleet's rules stand beside the file's (`rules`).
 */
import { misfits } from '../../protocols/fleet/misfits.ts';
import type { KeyReason } from '../../protocols/fleet/reported-config.ts';
import type { RateSettings, ReadPointSettings, Settings } from '../../protocols/fleet/settings.ts';
import type { DeviceConfig, EdgeConfig } from '../config.ts';
import { inventoryOf } from './sensors.ts';

export interface Overlaid {
  config: EdgeConfig;
  /** What cannot be had here, by key; `config` is in force only where there is none. */
  reasons: KeyReason[];
}

export function overlay(config: EdgeConfig, settings: Settings): Overlaid {
  const reasons: KeyReason[] = [];
  const readPoints = config.readPoints.map((point) => windows(point, settings.readPoints[point.id]));
  const devices = config.devices.map((device) => rated(device, settings.rates[device.id], reasons));
  const overlaid = { ...config, readPoints, devices, rules: [...config.rules, ...settings.rules] };
  const taken = new Set(config.rules.map(({ id }) => id));
  for (const { id } of settings.rules.filter((rule) => taken.has(rule.id))) {
    const reason = `the gateway's own file has a rule '${id}': give this one another id`;
    reasons.push({ key: `rules/${id}`, code: 'config-rule-id-taken', reason });
  }
  return { config: overlaid, reasons: [...reasons, ...misfits(settings, inventoryOf(overlaid))] };
}

function windows(point: EdgeConfig['readPoints'][number], settings: ReadPointSettings = {}): typeof point {
  const { scanWindowMs, tagDepartedAfterMs, identities } = settings;
  return {
    ...point,
    ...(scanWindowMs === undefined ? {} : { scanWindow: scanWindowMs }),
    ...(tagDepartedAfterMs === undefined ? {} : { tagDepartedAfter: tagDepartedAfterMs }),
    ...(identities && { identities: identities as NonNullable<typeof point.identities> }),
  };
}

function rated(device: DeviceConfig, settings: RateSettings | undefined, reasons: KeyReason[]): DeviceConfig {
  if (!settings) return device;
  const set =
    settings.changes?.map(({ maxIntervalMs, ...change }) => ({ ...change, maxInterval: maxIntervalMs })) ?? [];
  const names = set.map(({ quantity }) => quantity);
  const changes = [...device.changes.filter(({ quantity }) => !names.includes(quantity)), ...set];
  if (!settings.options) return { ...device, changes };
  const writtenOptions = { ...device.writtenOptions, ...settings.options };
  const parsed = device.implementation.options.safeParse(writtenOptions);
  if (parsed.success) return { ...device, changes, writtenOptions, options: parsed.data };
  for (const { path, message } of parsed.error.issues) {
    const where = path.length > 0 ? `${path.join('.')}: ` : '';
    const reason = `the driver ${device.driver} refuses its options: ${where}${message}`;
    reasons.push({ key: `rates/${device.id}`, code: 'config-option-refused', reason });
  }
  return device;
}
