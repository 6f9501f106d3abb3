/**
 * A scenario: which devices there are, which packages flow past them, which vehicles drive, and what happens when.
 *
 * Scenario files are YAML; unknown keys are errors, and an error names file, line, column, key, and the nearest key that would be
 * right. Beyond the shape, everything a scenario refers to must exist: devices, vehicles, stops, gateways.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { checkYaml, formatPath, formatProblem, type PathStep, suggest } from '../protocols/config/checked-yaml.ts';
import { DEVICE_KINDS, type DeviceSpec, deviceSchema, isReader } from './devices.ts';
import { SimulatorError } from './simulator.ts';

const range = z
  .tuple([z.number().min(0), z.number().min(0)])
  .refine(([from, to]) => from <= to, 'the first number must not be above the second');

const waypointSchema = z.strictObject({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  altitudeMeters: z.number().optional(),
  /** On the way from here on. */
  speedKmh: z.number().positive().max(200).optional(),
  /** At the waypoint itself: a corner, a roundabout. */
  passKmh: z.number().positive().max(200).optional(),
  stopS: z.number().positive().optional(),
  stop: z.string().min(1).optional(),
});

const vehicleSchema = z.strictObject({ id: z.string().min(1), route: z.array(waypointSchema).min(1) });

/** A box that devices hang on; only what its configuration file is written from (edge-config.ts). */
const gatewaySchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens'),
  facility: z.string().min(1).optional(),
  vehicle: z.string().min(1).optional(),
  latitude: z.number().min(-90).max(90).optional(),
  longitude: z.number().min(-180).max(180).optional(),
  /** Sections that the configuration gets as they are, for example `thresholds`. */
  config: z.record(z.string(), z.unknown()).default({}),
});

const readPointSchema = z.strictObject({ id: z.string().min(1), businessStep: z.string().min(1) });

const stepSchema = z.strictObject({
  device: z.string().min(1),
  /** Since the step before. */
  afterMs: range.default([1000, 3000]),
  /** Pause of the device between two packages. */
  gapMs: range.default([400, 900]),
  /** RFID: the antennas that see the tag, all unless told; how long it stays. */
  antennas: z.array(z.int().min(1)).min(1).optional(),
  dwellMs: range.default([2000, 4000]),
  /** Only while this vehicle stands at one of these stops; packages are shared out among several. */
  vehicle: z.string().min(1).optional(),
  at: z.array(z.string().min(1)).min(1).optional(),
});

const flowSchema = z.strictObject({
  companyPrefix: z.string().regex(/^\d{6,12}$/, 'six to twelve digits'),
  extensionDigit: z.int().min(0).max(9).default(3),
  inductEveryMs: range.default([1500, 3000]),
  /** Induction only in these times since the start (trailers at a dock, shifts); always unless told. */
  windowsS: z.array(range).min(1).optional(),
  /** Induction waits while so many packages are on their way. */
  maxInFlight: z.int().min(1).max(100_000).default(60),
  steps: z.array(stepSchema).min(1),
});

const scriptSchema = z.strictObject({
  /** Since the start; or whenever `vehicle` has come to one of the stops `at`, `afterS` later. */
  atS: z.number().min(0).optional(),
  /** And again, so often. */
  everyS: z.number().min(1).optional(),
  vehicle: z.string().min(1).optional(),
  at: z.array(z.string().min(1)).min(1).optional(),
  afterS: z.number().min(0).optional(),
  /** `all` is every device. */
  device: z.string().min(1),
  command: z.string().min(1),
  args: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});

const shape = {
  name: z.string().min(1),
  description: z.string().default(''),
  /** It ends by itself after this time of the simulated world. */
  durationS: z.number().positive().optional(),
  gateways: z.array(gatewaySchema).default([]),
  readPoints: z.array(readPointSchema).default([]),
  vehicles: z.array(vehicleSchema).default([]),
  devices: z.array(deviceSchema).min(1),
  flow: flowSchema.optional(),
  /** Further flows beside it, each with its own packages. */
  flows: z.array(flowSchema).default([]),
  script: z.array(scriptSchema).default([]),
};
const scenarioSchema = z.strictObject(shape);
/** Devices are checked one by one against the schema of their kind, so that a mistake is told in its words. */
const outlineSchema = z.strictObject({
  ...shape,
  devices: z.array(z.looseObject({ kind: z.string() })).min(1),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type FlowSpec = z.infer<typeof flowSchema>;
export type StepSpec = z.infer<typeof stepSchema>;
export type ScriptSpec = z.infer<typeof scriptSchema>;

interface Dangling {
  path: PathStep[];
  message: string;
}

/** @throws SimulatorError `sim-scenario-invalid` */
export function parseScenario(value: unknown): Scenario {
  const result = scenarioSchema.safeParse(value);
  if (!result.success) {
    throw invalid(result.error.issues.map(({ path, message }) => `${formatPath(path.map(stepOf))}: ${message}`));
  }
  const dangling = danglingReferences(result.data);
  if (dangling.length > 0) throw invalid(dangling.map(({ path, message }) => `${formatPath(path)}: ${message}`));
  return result.data;
}

/** @throws SimulatorError `sim-scenario-unknown` when the file cannot be read, `sim-scenario-invalid` */
export async function loadScenario(file: string): Promise<Scenario> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SimulatorError({ code: 'sim-scenario-unknown', message: `${file} cannot be read`, cause });
  });
  const outline = checkYaml(text, { file, schema: outlineSchema });
  if (!outline.ok) throw invalid(outline.problems.map(formatProblem));
  const { checked } = outline;
  const devices: DeviceSpec[] = [];
  const problems = checked.value.devices.flatMap(({ kind }, i) => {
    const schema = schemaOf(kind);
    if (schema === undefined) {
      const known = Object.keys(DEVICE_KINDS);
      return [checked.problem(['devices', i, 'kind'], `there is no device kind '${kind}': ${suggest(kind, known)}`)];
    }
    const device = checked.part(['devices', i], schema);
    if (device.ok) devices.push(device.value);
    return device.ok ? [] : device.problems;
  });
  if (problems.length > 0) throw invalid(problems.map(formatProblem));
  const scenario = { ...checked.value, devices };
  const dangling = danglingReferences(scenario);
  if (dangling.length > 0)
    throw invalid(dangling.map(({ path, message }) => formatProblem(checked.problem(path, message))));
  return scenario;
}

function schemaOf(kind: string): z.ZodType<DeviceSpec> | undefined {
  return deviceSchema.options.find((option) => option.shape.kind.value === kind);
}

function danglingReferences(scenario: Scenario): Dangling[] {
  const flows: [PathStep[], FlowSpec][] = scenario.flows.map((flow, i) => [['flows', i], flow]);
  if (scenario.flow) flows.unshift([['flow'], scenario.flow]);
  return [
    ...danglingDevices(scenario),
    ...flows.flatMap(([path, flow]) =>
      flow.steps.flatMap((step, i) => danglingStep(scenario, step, [...path, 'steps', i])),
    ),
    ...scenario.script.flatMap((line, i) => danglingScript(scenario, line, ['script', i])),
  ];
}

function danglingDevices({ devices, vehicles, gateways }: Scenario): Dangling[] {
  const problems: Dangling[] = [];
  vehicles.forEach((vehicle, i) => {
    if (vehicle.route[0]?.stopS !== undefined) return;
    problems.push({ path: ['vehicles', i, 'route', 0], message: 'the first waypoint must be a stop (stopS)' });
  });
  devices.forEach((device, i) => {
    const { id, vehicle, gateway } = device;
    if (devices.find((other) => other.id === id) !== device) {
      problems.push({ path: ['devices', i, 'id'], message: `'${id}' twice` });
    }
    if (vehicle !== undefined && !vehicles.some((known) => known.id === vehicle)) {
      problems.push({ path: ['devices', i, 'vehicle'], message: `there is no vehicle '${vehicle}'` });
    }
    if (gateway !== undefined && gateways.length > 0 && !gateways.some((known) => known.id === gateway)) {
      problems.push({ path: ['devices', i, 'gateway'], message: `there is no gateway '${gateway}'` });
    }
  });
  return problems;
}

function danglingStep(scenario: Scenario, step: StepSpec, path: PathStep[]): Dangling[] {
  const problems: Dangling[] = [];
  const device = scenario.devices.find(({ id }) => id === step.device);
  if (!device) problems.push({ path: [...path, 'device'], message: `there is no device '${step.device}'` });
  else if (!isReader(device.kind)) {
    problems.push({ path: [...path, 'device'], message: `'${step.device}' (${device.kind}) reads no packages` });
  }
  return [...problems, ...danglingStops(scenario, step, path)];
}

function danglingScript(scenario: Scenario, line: ScriptSpec, path: PathStep[]): Dangling[] {
  const problems: Dangling[] = [];
  if (line.device !== 'all' && !scenario.devices.some(({ id }) => id === line.device)) {
    problems.push({ path: [...path, 'device'], message: `there is no device '${line.device}'` });
  }
  const onArrival = line.vehicle !== undefined || line.at !== undefined || line.afterS !== undefined;
  if (onArrival === (line.atS !== undefined || line.everyS !== undefined) || (!onArrival && line.atS === undefined)) {
    problems.push({ path, message: 'either atS (and everyS), or vehicle and at (and afterS)' });
  }
  return [...problems, ...danglingStops(scenario, line, path)];
}

function danglingStops(scenario: Scenario, from: Pick<StepSpec, 'vehicle' | 'at'>, path: PathStep[]): Dangling[] {
  const { vehicle: id, at } = from;
  if ((id === undefined) !== (at === undefined)) return [{ path, message: 'vehicle and at belong together' }];
  if (id === undefined || at === undefined) return [];
  const vehicle = scenario.vehicles.find((known) => known.id === id);
  if (!vehicle) return [{ path: [...path, 'vehicle'], message: `there is no vehicle '${id}'` }];
  const stops = new Set(vehicle.route.flatMap(({ stop, stopS }) => (stopS === undefined ? [] : [stop])));
  return at
    .filter((stop) => !stops.has(stop))
    .map((stop) => ({ path: [...path, 'at'], message: `vehicle '${id}' has no stop '${stop}'` }));
}

function stepOf(step: PropertyKey): PathStep {
  return typeof step === 'symbol' ? String(step) : step;
}

function invalid(problems: string[]): SimulatorError {
  return new SimulatorError({ code: 'sim-scenario-invalid', message: problems.join('\n') });
}
