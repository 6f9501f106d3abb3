/**
 * Runs a scenario: starts its devices, moves packages past them, follows the script.
 *
 * Everything but the cables and sockets is a function of scenario, seed and clock.
 */
import type { Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import { buildDevice, type DeviceKind, type DeviceSpec } from './devices.ts';
import { Flow } from './flow.ts';
import { type Drive, Journey } from './journey.ts';
import { Ledger } from './ledger.ts';
import type { OpenLine } from './line.ts';
import { Orders } from './orders.ts';
import { openPty } from './pty.ts';
import { seededRandom } from './random.ts';
import type { Scenario, ScriptSpec } from './scenario.ts';
import type { CommandArgs, LedgerEntry, RunningSimulator } from './simulator.ts';
import { type WorldTime, worldClock } from './world-clock.ts';

export interface RunOptions extends WorldTime {
  scenario: Scenario;
  seed: number | string;
  clock: Clock;
  log: Log;
  /** Serial devices appear here as links named after them. */
  runDir: string;
  /** Aborting it stops everything, as `stop()` does. */
  signal?: AbortSignal;
  onEntry?: (entry: LedgerEntry) => void;
  /** Real ptys unless told. */
  openLine?: OpenLine;
}

export interface RunningScenario {
  readonly devices: readonly RunningDevice[];
  readonly ledger: Ledger;
  /** How many packages are on their way, and how many passed the last reader. */
  readonly packages: { inFlight: number; completed: number };
  /**
   * What the device itself knows, and orders.ts. The device `all` is every one.
   * @throws SimulatorError `sim-device-unknown`, `sim-command-unknown`, `sim-command-invalid`, `sim-not-heard`
   */
  command(deviceId: string, name: string, args?: CommandArgs): Promise<void>;
  /**
   * Nothing is inducted, scanned or read any more and the script ends; sensors go on. When it resolves, the ledger is
   * final. The devices stay, so that a host can take what is on the cables.
   */
  finish(): Promise<Ledger>;
  /** Takes the devices away. Idempotent. */
  stop(): Promise<void>;
}

export interface RunningDevice {
  id: string;
  kind: DeviceKind;
  address: string;
  otherAddresses: readonly string[];
  gateway?: string;
  vehicle?: string;
}

export async function runScenario(options: RunOptions): Promise<RunningScenario> {
  const { scenario, log, signal } = options;
  const clock = worldClock(options.clock, options);
  const random = seededRandom(options.seed);
  const ledger = new Ledger(options.onEntry);
  const startUs = clock.monotonicUs();
  const vehicles = new Map(
    scenario.vehicles.map(({ id, route }) => [id, { journey: new Journey(route), startUs }] as const),
  );

  const running = new Map<string, RunningSimulator>();
  const stopDevices = async (): Promise<void> => {
    await Promise.all([...running.values()].map((device) => device.stop()));
  };
  try {
    for (const spec of scenario.devices) {
      signal?.throwIfAborted();
      const device = buildDevice(spec, driveOf(spec, vehicles, clock));
      const context = {
        clock,
        wireClock: options.clock,
        random: random.fork(spec.id),
        log: log.child({ simulator: spec.id }),
        emit: (entry: LedgerEntry) => ledger.add(entry),
        runDir: options.runDir,
        openLine: options.openLine ?? openPty,
      };
      running.set(spec.id, await device.start(context));
    }
  } catch (error) {
    await stopDevices();
    throw error;
  }

  const specs = [...(scenario.flow ? [scenario.flow] : []), ...scenario.flows];
  const flows = specs.map((spec, i) => {
    const flowRandom = random.fork(i === 0 ? 'flow' : `flow ${i}`);
    return new Flow({ spec, clock, log, random: flowRandom, devices: running, vehicles });
  });
  const orders = new Orders({ devices: running, clock, random: random.fork('orders'), log });
  const script = scenario.script.flatMap((line) =>
    timesOf(line, vehicles).map((times) => follow(line, times, { orders, clock, log })),
  );

  let finishing: Promise<void> | undefined;
  const finish = async (): Promise<Ledger> => {
    for (const cancel of script) cancel();
    finishing ??= (async () => {
      const ends = [...flows.map((flow) => flow.finish()), orders.finish()];
      await Promise.all([...running.values()].map((device) => device.withdraw?.()));
      await Promise.all(ends);
    })();
    await finishing;
    return ledger;
  };
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= finish().then(() => {
      orders.stop();
      return stopDevices();
    });
    return stopping;
  };
  const onAbort = (): void => {
    stop().catch((error: unknown) => log.error({ err: error }, 'a simulator could not be stopped'));
  };
  if (signal?.aborted) await stop();
  else signal?.addEventListener('abort', onAbort, { once: true });

  return {
    devices: scenario.devices.map((spec) => describe(spec, running.get(spec.id))),
    ledger,
    get packages() {
      const sum = (count: (flow: Flow) => number) => flows.reduce((total, flow) => total + count(flow), 0);
      return { inFlight: sum((flow) => flow.inFlight), completed: sum((flow) => flow.completed) };
    },
    command: (deviceId, name, args) => orders.give(deviceId, name, args),
    finish,
    async stop() {
      signal?.removeEventListener('abort', onAbort);
      await stop();
    },
  };
}

function describe(spec: DeviceSpec, device: RunningSimulator | undefined): RunningDevice {
  return {
    id: spec.id,
    kind: spec.kind,
    address: device?.address ?? '',
    otherAddresses: device?.otherAddresses ?? [],
    ...(spec.gateway !== undefined && { gateway: spec.gateway }),
    ...(spec.vehicle !== undefined && { vehicle: spec.vehicle }),
  };
}

/** A device without a vehicle stands still where nobody asks. */
function driveOf(
  spec: DeviceSpec,
  vehicles: ReadonlyMap<string, { journey: Journey; startUs: number }>,
  clock: Clock,
): Drive {
  const vehicle = spec.vehicle === undefined ? undefined : vehicles.get(spec.vehicle);
  const journey = vehicle?.journey ?? new Journey([{ latitude: 0, longitude: 0, stopS: 1 }]);
  return { now: () => journey.at((clock.monotonicUs() - (vehicle?.startUs ?? 0)) / 1e6) };
}

interface Times {
  atS: number;
  everyS?: number | undefined;
}

/** A stop is reached once in every round of its vehicle. */
function timesOf(line: ScriptSpec, vehicles: ReadonlyMap<string, { journey: Journey }>): Times[] {
  const journey = line.vehicle === undefined ? undefined : vehicles.get(line.vehicle)?.journey;
  if (journey === undefined) return [{ atS: line.atS ?? 0, everyS: line.everyS }];
  return journey.arrivals
    .filter(({ stop }) => line.at?.includes(stop))
    .map(({ atS }) => ({ atS: atS + (line.afterS ?? 0), everyS: journey.periodS }));
}

/** Gives the command at its times; returns what ends it. */
function follow(line: ScriptSpec, times: Times, context: { orders: Orders; clock: Clock; log: Log }): () => void {
  const { orders, clock, log } = context;
  const startUs = clock.monotonicUs();
  let cancel: () => void = () => {};
  const at = (atS: number): void => {
    // From the start and not from the time before: a late timer must not put off all that follow.
    const delayMs = Math.max(0, atS * 1000 - (clock.monotonicUs() - startUs) / 1000);
    cancel = clock.after(delayMs, () => {
      if (times.everyS !== undefined) at(atS + times.everyS);
      const given = orders.give(line.device, line.command, line.args);
      given.catch((error: unknown) => log.error({ err: error, line }, 'a command of the script failed'));
    });
  };
  at(times.atS);
  return () => cancel();
}
