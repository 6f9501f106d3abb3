/**
 * A scenario: which devices there are, which packages flow past them, which vehicles drive, and what happens when.
 *
 * Scenario files are YAML; unknown keys are errors, and an error names file, line, place and what was expected. Beyond the
 * shape, everything a scenario refers to must exist: devices, vehicles, stops.
 */
import { readFile } from 'node:fs/promises';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type DeviceSpec, deviceSchema, isReader } from './devices.ts';
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
  stopS: z.number().positive().optional(),
  stop: z.string().min(1).optional(),
});

const vehicleSchema = z.strictObject({ id: z.string().min(1), route: z.array(waypointSchema).min(1) });

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
  /** Induction waits while so many packages are on their way. */
  maxInFlight: z.int().min(1).max(100_000).default(60),
  steps: z.array(stepSchema).min(1),
});

const scriptSchema = z.strictObject({
  /** Since the start. */
  atS: z.number().min(0),
  /** And again, so often. */
  everyS: z.number().min(1).optional(),
  device: z.string().min(1),
  command: z.string().min(1),
  args: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});

const scenarioSchema = z
  .strictObject({
    name: z.string().min(1),
    description: z.string().default(''),
    vehicles: z.array(vehicleSchema).default([]),
    devices: z.array(deviceSchema).min(1),
    flow: flowSchema.optional(),
    script: z.array(scriptSchema).default([]),
  })
  .superRefine((scenario, context) => {
    for (const { path, message } of danglingReferences(scenario)) context.addIssue({ code: 'custom', path, message });
  });

export type Scenario = z.infer<typeof scenarioSchema>;
export type FlowSpec = z.infer<typeof flowSchema>;
export type StepSpec = z.infer<typeof stepSchema>;
export type ScriptSpec = z.infer<typeof scriptSchema>;

/** @throws SimulatorError `sim-scenario-invalid` */
export function parseScenario(value: unknown): Scenario {
  const result = scenarioSchema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.map((issue) => `${placeOf(issue.path)}: ${issue.message}`));
}

/** @throws SimulatorError `sim-scenario-unknown` when the file cannot be read, `sim-scenario-invalid` */
export async function loadScenario(file: string): Promise<Scenario> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SimulatorError({ code: 'sim-scenario-unknown', message: `${file} cannot be read`, cause });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) throw invalid(document.errors.map((error) => `${file}: ${error.message}`));
  const result = scenarioSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map(({ path, message }) => {
      return `${file}:${lineOf(document, lines, path)}: ${placeOf(path)}: ${message}`;
    }),
  );
}

function danglingReferences(scenario: Omit<Scenario, 'flow'> & { flow?: FlowSpec | undefined }) {
  const problems: { path: (string | number)[]; message: string }[] = [];
  const devices = new Map<string, DeviceSpec>();
  for (const device of scenario.devices) if (!devices.has(device.id)) devices.set(device.id, device);
  const vehicles = new Map(scenario.vehicles.map((vehicle) => [vehicle.id, vehicle]));
  scenario.vehicles.forEach((vehicle, i) => {
    if (vehicle.route[0]?.stopS === undefined) {
      problems.push({ path: ['vehicles', i, 'route', 0], message: 'the first waypoint must be a stop (stopS)' });
    }
  });
  scenario.devices.forEach((device, i) => {
    if (devices.get(device.id) !== device)
      problems.push({ path: ['devices', i, 'id'], message: `'${device.id}' twice` });
    if (device.vehicle !== undefined && !vehicles.has(device.vehicle)) {
      problems.push({ path: ['devices', i, 'vehicle'], message: `there is no vehicle '${device.vehicle}'` });
    }
  });
  scenario.flow?.steps.forEach((step, i) => {
    const path = ['flow', 'steps', i];
    const device = devices.get(step.device);
    if (!device) problems.push({ path: [...path, 'device'], message: `there is no device '${step.device}'` });
    else if (!isReader(device.kind)) {
      problems.push({ path: [...path, 'device'], message: `'${step.device}' (${device.kind}) reads no packages` });
    }
    if ((step.vehicle === undefined) !== (step.at === undefined)) {
      problems.push({ path, message: 'vehicle and at belong together' });
    }
    const vehicle = step.vehicle === undefined ? undefined : vehicles.get(step.vehicle);
    if (step.vehicle !== undefined && !vehicle) {
      problems.push({ path: [...path, 'vehicle'], message: `there is no vehicle '${step.vehicle}'` });
    }
    for (const stop of vehicle ? (step.at ?? []) : []) {
      if (vehicle?.route.some((waypoint) => waypoint.stop === stop && waypoint.stopS !== undefined)) continue;
      problems.push({ path: [...path, 'at'], message: `vehicle '${step.vehicle}' has no stop '${stop}'` });
    }
  });
  scenario.script.forEach((line, i) => {
    if (!devices.has(line.device)) {
      problems.push({ path: ['script', i, 'device'], message: `there is no device '${line.device}'` });
    }
  });
  return problems;
}

/** Line of the innermost node on the path that the file has. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function placeOf(path: readonly PropertyKey[]): string {
  let place = '';
  for (const key of path) place += typeof key === 'number' ? `[${key}]` : `${place === '' ? '' : '.'}${String(key)}`;
  return place === '' ? 'scenario' : place;
}

function invalid(problems: string[]): SimulatorError {
  return new SimulatorError({ code: 'sim-scenario-invalid', message: problems.join('\n') });
}
