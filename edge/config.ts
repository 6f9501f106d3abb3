/**
 * The daemon's configuration (YAML, checked): what stands where, and how it is reached. Unknown keys are errors with file, line and the
 * nearest valid key; devices' options are checked against their driver's schema; references are checked as well.
 */
import { z } from 'zod';
import { IDENTITY_SCHEMES } from '../protocols/barcode/package-id.ts';
import {
  type CheckedYaml,
  checkYaml,
  formatPath,
  type PathStep,
  type Problem,
  suggest,
} from '../protocols/config/checked-yaml.ts';
import { durationMs, sizeBytes } from '../protocols/config/units.ts';
import { BUILT_IN_LABELS, LABEL_NAME, LABEL_VALUE, MAX_LABELS } from '../protocols/fleet/labels.ts';
import type { Rule } from '../protocols/rules/rule.ts';
import { BUSINESS_STEPS, type BusinessStep } from '../protocols/uplink/business-steps.ts';
import { GATEWAY_ID } from '../protocols/uplink/identity.ts';
import { ALERT_SEVERITIES, SCAN_TYPES } from '../protocols/uplink/model.ts';
import type { Driver } from './driver.ts';
import { DRIVERS } from './drivers/index.ts';
import { geofenceSchema, motionSchema } from './motion-config.ts';
import { rulesOfFile } from './rules/file-rules.ts';

const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$/, {
  error: 'an id has 1 to 63 letters, digits, dots, colons, dashes or underscores, and begins with a letter or digit',
});
const businessSteps = Object.keys(BUSINESS_STEPS) as [BusinessStep, ...BusinessStep[]];

const labelName = z.string().regex(LABEL_NAME, {
  error: 'a label has a name of 1 to 63 letters, digits, dots, dashes, slashes or underscores',
});
const labelValue = z.string().regex(LABEL_VALUE, { error: 'a label has a value of 1 to 128 characters' });

const gateway = z.strictObject({
  id: z.string().regex(GATEWAY_ID, {
    error:
      'a gateway id has 1 to 63 letters, digits, dots, colons, dashes or underscores, and begins with a letter or digit',
  }),
  /** Exactly one of the two. */
  facility: id.optional(),
  vehicle: id.optional(),
  latitude: z.number().min(-90).max(90).optional(),
  longitude: z.number().min(-180).max(180).optional(),
  stateDir: z.string().default('/var/lib/milepost'),
  /** For the fleet to select gateways by, besides `gateway`, `facility` and `vehicle`. */
  labels: z.record(labelName, labelValue).default({}),
});

const hub = z.strictObject({
  url: z
    .string()
    .regex(/^(mqtts?|wss?):\/\/[^/]/, { error: "a URL such as 'mqtt://hub.example:1883' or 'mqtts://…' is expected" }),
  username: z.string().optional(),
  password: z.string().optional(),
  /** A file whose first line is the password: keeps it out of this file. */
  passwordFile: z.string().optional(),
  caFile: z.string().optional(),
  certFile: z.string().optional(),
  keyFile: z.string().optional(),
  keepalive: durationMs.prefault('30s'),
});

const outbox = z.strictObject({
  maxSize: sizeBytes.prefault('1GiB'),
  segmentSize: sizeBytes.prefault('4MiB'),
  commitDelay: durationMs
    .refine((ms) => ms <= 20, { error: 'at most 20ms: what is accepted must be on disk soon' })
    .prefault('10ms'),
});

const uplink = z.strictObject({
  batchRecords: z.number().int().min(1).max(5000).default(2000),
  batchSize: sizeBytes.prefault('256KiB'),
  deflate: z.boolean().default(true),
  acknowledgeTimeout: durationMs.prefault('5s'),
});

const tagDepartedAfter = z
  .string({ error: "a duration such as '5s' or 'adaptive' is expected" })
  .transform((text, context) => {
    if (text === 'adaptive') return text;
    const duration = durationMs.safeParse(text);
    if (duration.success) return duration.data;
    context.addIssue({ code: 'custom', message: `'${text}' is neither a duration (5s, 1min) nor 'adaptive'` });
    return z.NEVER;
  });

const readPoint = z.strictObject({
  id,
  businessStep: z.enum(businessSteps),
  scanType: z.enum(SCAN_TYPES).optional(),
  identities: z.array(z.enum(IDENTITY_SCHEMES)).optional(),
  scanWindow: durationMs.prefault('3s'),
  tagDepartedAfter: tagDepartedAfter.prefault('5s'),
  tagDepartures: z.boolean().default(true),
  zone: id.optional(),
});

const change = z.strictObject({
  quantity: z.string(),
  deadband: z.number().min(0).default(0),
  maxInterval: durationMs.prefault('60s'),
});

const device = z.strictObject({
  id,
  driver: z.string(),
  readPoint: id.optional(),
  /** RFID: read points by antenna number. */
  antennas: z.record(z.string().regex(/^\d+$/, { error: 'an antenna number is expected' }), id).optional(),
  changes: z.array(change).default([]),
  options: z.record(z.string(), z.unknown()).default({}),
});

const threshold = z
  .strictObject({
    id,
    device: z.string(),
    quantity: z.string(),
    low: z.number().optional(),
    high: z.number().optional(),
    hysteresis: z.number().min(0).default(0),
    dwell: durationMs.prefault('0s'),
    severity: z.enum(ALERT_SEVERITIES).default('warning'),
  })
  .refine(({ low, high }) => low !== undefined || high !== undefined, { error: "a threshold needs 'low' or 'high'" })
  .refine(({ low, high, hysteresis }) => low === undefined || high === undefined || high - low > hysteresis, {
    error: "'high' must be above 'low' by more than the hysteresis, or an excursion could never end",
  });

const fleet = z.strictObject({
  /** How long a configuration from the hub may take to prove itself: then the last good one is back. */
  trialTime: durationMs.prefault('120s'),
});

const ops = z.strictObject({
  /** Where /metrics, /healthz and /status answer besides the socket in stateDir; `host:port`. */
  listen: z
    .string()
    .regex(/^[^:]+:\d+$/, { error: "'host:port' is expected, for example 127.0.0.1:9464" })
    .optional(),
});

const edgeConfigSchema = z.strictObject({
  gateway,
  hub,
  outbox: outbox.prefault({}),
  uplink: uplink.prefault({}),
  readPoints: z.array(readPoint).default([]),
  devices: z.array(device).default([]),
  thresholds: z.array(threshold).default([]),
  /** Checked by protocols/rules/check.ts, which says more than a schema can. */
  rules: z.array(z.unknown(), { error: 'rules are a list' }).default([]),
  geofences: z.array(geofenceSchema).default([]),
  motion: motionSchema.prefault({}),
  fleet: fleet.prefault({}),
  ops: ops.prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});

type Parsed = z.output<typeof edgeConfigSchema>;
export type DeviceConfig = Omit<Parsed['devices'][number], 'options'> & {
  driver: string;
  /** Checked against the driver's schema. */
  options: unknown;
  /** As they stand in the file. */
  writtenOptions: Readonly<Record<string, unknown>>;
  implementation: Driver<unknown>;
};
export type EdgeConfig = Omit<Parsed, 'devices' | 'thresholds' | 'rules'> & {
  devices: DeviceConfig[];
  /** Thresholds as well. */
  rules: Rule[];
};

export type EdgeConfigResult = { ok: true; config: EdgeConfig } | { ok: false; problems: Problem[] };

/** Checks a configuration completely. Loads the drivers that it names, but touches no device. */
export async function checkEdgeConfig(text: string, file: string): Promise<EdgeConfigResult> {
  const result = checkYaml(text, { file, schema: edgeConfigSchema });
  if (!result.ok) return result;
  const { checked } = result;
  const problems = referenceProblems(checked);
  const { thresholds, ...value } = checked.value;
  const rules = rulesOfFile({ ...value, thresholds }, (path, message) => problems.push(checked.problem(path, message)));
  const devices: DeviceConfig[] = [];
  for (const [index, entry] of checked.value.devices.entries()) {
    const found = await checkDevice(entry, index, checked);
    if (Array.isArray(found)) problems.push(...found);
    else devices.push(found);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: { ...value, devices, rules } };
}

async function checkDevice(
  entry: Parsed['devices'][number],
  index: number,
  checked: CheckedYaml<Parsed>,
): Promise<DeviceConfig | Problem[]> {
  const load = Object.hasOwn(DRIVERS, entry.driver) ? DRIVERS[entry.driver] : undefined;
  if (!load) {
    const message = `there is no driver '${entry.driver}': ${suggest(entry.driver, Object.keys(DRIVERS))}`;
    return [checked.problem(['devices', index, 'driver'], message)];
  }
  const implementation = await load();
  const options = checked.part(['devices', index, 'options'], implementation.options);
  return options.ok
    ? { ...entry, options: options.value, writtenOptions: entry.options, implementation }
    : options.problems;
}

function referenceProblems(checked: CheckedYaml<Parsed>): Problem[] {
  const { value } = checked;
  const problems: Problem[] = [];
  const report = (path: PathStep[], message: string) => problems.push(checked.problem(path, message));
  const { facility, vehicle, latitude, longitude } = value.gateway;
  if ((facility === undefined) === (vehicle === undefined)) {
    report(
      ['gateway'],
      "a gateway stands in a facility or in a vehicle: exactly one of 'facility' and 'vehicle' is needed",
    );
  }
  if ((latitude === undefined) !== (longitude === undefined)) {
    report(['gateway'], "'latitude' and 'longitude' belong together");
  }
  if (value.hub.password !== undefined && value.hub.passwordFile !== undefined) {
    report(['hub', 'passwordFile'], "'password' and 'passwordFile' exclude each other");
  }
  for (const name of BUILT_IN_LABELS) {
    if (!Object.hasOwn(value.gateway.labels, name)) continue;
    report(['gateway', 'labels', name], `the label '${name}' is set by what the gateway is: choose another name`);
  }
  const labels = Object.keys(value.gateway.labels).length;
  if (labels > MAX_LABELS) report(['gateway', 'labels'], `${labels} labels; at most ${MAX_LABELS}`);
  reportDuplicates(value.readPoints, 'readPoints', report);
  reportDuplicates(value.devices, 'devices', report);
  reportDuplicates(value.thresholds, 'thresholds', report);
  reportDuplicates(value.geofences, 'geofences', report);
  if (vehicle === undefined && (value.geofences.length > 0 || value.motion.stops)) {
    report(
      [value.geofences.length > 0 ? 'geofences' : 'motion'],
      'departures and arrivals are those of a vehicle: gateway.vehicle is needed',
    );
  }
  const readPoints = value.readPoints.map((point) => point.id);
  const wantReadPoint = (name: string, path: PathStep[]) => {
    if (!readPoints.includes(name)) report(path, `there is no read point '${name}': ${suggest(name, readPoints)}`);
  };
  for (const [index, { readPoint, antennas, driver }] of value.devices.entries()) {
    if (readPoint !== undefined) wantReadPoint(readPoint, ['devices', index, 'readPoint']);
    for (const [antenna, name] of Object.entries(antennas ?? {}))
      wantReadPoint(name, ['devices', index, 'antennas', antenna]);
    if (readPoint === undefined && antennas === undefined && /barcode|llrp/.test(driver)) {
      report(['devices', index], `a device that reads packages needs a 'readPoint': it says what a scan there means`);
    }
  }
  return problems;
}

function reportDuplicates(
  items: readonly { id: string }[],
  list: string,
  report: (path: PathStep[], message: string) => void,
) {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const earlier = seen.get(item.id);
    if (earlier === undefined) seen.set(item.id, index);
    else report([list, index, 'id'], `'${item.id}' is already the id of ${formatPath([list, earlier])}`);
  }
}
