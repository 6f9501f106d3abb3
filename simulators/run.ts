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
import { openPty } from './pty.ts';
import { seededRandom } from './random.ts';
import type { Scenario, ScriptSpec } from './scenario.ts';
import { type CommandArgs, type LedgerEntry, type RunningSimulator, SimulatorError } from './simulator.ts';

export interface RunOptions {
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
  /** @throws SimulatorError `sim-device-unknown`, `sim-command-unknown`, `sim-command-invalid`, `sim-not-heard` */
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
  const { scenario, clock, log, signal } = options;
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

  const flow =
    scenario.flow &&
    new Flow({ spec: scenario.flow, clock, log, random: random.fork('flow'), devices: running, vehicles });
  const script = scenario.script.map((line) => follow(line, running, { clock, log }));

  let finishing: Promise<void> | undefined;
  const finish = async (): Promise<Ledger> => {
    for (const cancel of script) cancel();
    finishing ??= flow?.finish() ?? Promise.resolve();
    await finishing;
    return ledger;
  };
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= finish().then(stopDevices);
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
      return { inFlight: flow?.inFlight ?? 0, completed: flow?.completed ?? 0 };
    },
    async command(deviceId, name, args = {}) {
      const device = running.get(deviceId);
      if (!device) {
        const known = [...running.keys()].join(', ');
        throw new SimulatorError({
          code: 'sim-device-unknown',
          message: `there is no device '${deviceId}': this scenario has ${known}`,
        });
      }
      await device.command(name, args);
    },
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

/** Gives the command at its times; returns what ends it. */
function follow(
  line: ScriptSpec,
  devices: ReadonlyMap<string, RunningSimulator>,
  { clock, log }: { clock: Clock; log: Log },
): () => void {
  let cancel: () => void = () => {};
  const at = (delayS: number): void => {
    cancel = clock.after(delayS * 1000, () => {
      if (line.everyS !== undefined) at(line.everyS);
      const given = devices.get(line.device)?.command(line.command, line.args);
      given?.catch((error: unknown) => log.error({ err: error, line }, 'a command of the script failed'));
    });
  };
  at(line.atS);
  return () => cancel();
}
