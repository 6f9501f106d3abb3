/**
 * An ELM327 adapter (or one of its many copies) in a vehicle's diagnostic socket: speed, engine speed, odometer.
 *
 * The adapter is reset and told to speak plainly; copies that do not know one of those commands are taken as they are. A vehicle that does not answer
 * is parked: that is said once, and it is tried less often, until it answers. Trouble on the bus is said, and after TROUBLED_ROUNDS the adapter is
 * reset. Only an adapter that gives no prompt ends the run.
 */
import type { Clock } from '../../../protocols/base/clock.ts';
import type { Elm327Complaint } from '../../../protocols/elm327/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { serialTransport } from '../../transport/options.ts';
import { Adapter } from './adapter.ts';
import { type Elm327Options, optionsSchema } from './options.ts';
import { PID, readPid, supportedPids, type Trouble } from './vehicle.ts';

const TRIES = 3;
const TROUBLED_ROUNDS = 3;
/** A value that was announced but does not come so often in a row is not asked for any more. */
const MISSES = 5;
/** A question is not late by a few milliseconds. */
const INTERVAL_TOLERANCE = 0.9;
/** Echo, line feeds, spaces and headers off. Copies refuse one or the other: the parser takes what comes. */
const PLAIN = ['ATE0', 'ATL0', 'ATS0', 'ATH0'];

export const driver: Driver<Elm327Options> = {
  kind: 'elm327',
  summary: 'ELM327 adapter in a vehicle: speed, engine speed, odometer',
  options: optionsSchema,
  sensors: () => [{ kinds: ['vehicle'] }],
  transport: serialTransport,
  run,
};

async function* run(context: DriverContext, options: Elm327Options): AsyncIterable<Reading> {
  const adapter = new Adapter(context);
  const state = new VehicleState(context.clock);
  do {
    if ((await reset(adapter, options)) === 'over') return;
    const pids = yield* findVehicle(adapter, state, options);
    if (pids === 'over') return;
    if (pids !== 'reset' && (yield* poll(adapter, state, { options, pids, context })) === 'over') return;
    // An adapter that forgets its settings again and again must not keep this box busy.
  } while ((await adapter.rest(options.intervalMs)) === 'rested');
}

/** @throws DriverError `device-silent`; TransportError */
async function reset(adapter: Adapter, options: Elm327Options): Promise<'done' | 'over'> {
  for (let tries = 0; ; tries++) {
    if (tries === TRIES) throw silentError(options);
    const greeting = await adapter.ask('ATZ', options.answerTimeoutMs);
    if (greeting === 'over') return 'over';
    // A command that was under way makes the adapter answer STOPPED instead, and forget this one.
    if (greeting.kind === 'text') break;
  }
  const protocol = `ATSP${options.protocol.toString(16).toUpperCase()}`;
  for (const command of [...PLAIN, protocol]) {
    const answer = await adapter.ask(command, options.answerTimeoutMs);
    if (answer === 'over') return 'over';
  }
  return 'done';
}

/** Waits for a vehicle that answers, and for what it has to say. */
async function* findVehicle(
  adapter: Adapter,
  state: VehicleState,
  options: Elm327Options,
): AsyncGenerator<Reading, ReadonlySet<number> | 'reset' | 'over', undefined> {
  for (let silent = 0; ; ) {
    const found = await supportedPids(adapter, options.searchTimeoutMs);
    if (found === 'over') return 'over';
    if ('value' in found) return found.value;
    if (found.why === 'reset') return 'reset';
    if (found.why === 'silent' && ++silent === TRIES) throw silentError(options);
    yield* state.absent(found);
    if ((await adapter.rest(options.parkedIntervalMs)) === 'over') return 'over';
  }
}

interface PollOptions {
  options: Elm327Options;
  pids: ReadonlySet<number>;
  context: DriverContext;
}

/** Until the vehicle, or the adapter, has to be set up again. */
async function* poll(
  adapter: Adapter,
  state: VehicleState,
  { options, pids, context }: PollOptions,
): AsyncGenerator<Reading, 'over' | 'again', undefined> {
  const { clock } = context;
  const values = valuesOf(options, pids);
  let troubledRounds = 0;
  for (;;) {
    const startUs = clock.monotonicUs();
    const round = await readRound(
      adapter,
      values.filter((value) => value.isDue(startUs)),
      options,
    );
    if (round === 'over') return 'over';
    if (round.why === 'reset' || (round.why === 'silent' && round.came.size === 0)) return 'again';
    if (round.came.size > 0) {
      troubledRounds = 0;
      yield* state.present();
      yield vehicleReading(round.came, clock.monotonicUs());
    } else if (++troubledRounds === TROUBLED_ROUNDS) {
      yield* state.absent(round);
      return (await adapter.rest(options.parkedIntervalMs)) === 'over' ? 'over' : 'again';
    }
    const restMs = options.intervalMs - (clock.monotonicUs() - startUs) / 1000;
    if ((await adapter.rest(Math.max(0, restMs))) === 'over') return 'over';
  }
}

type Quantity = 'speed' | 'engine' | 'odometer';

interface Round {
  came: ReadonlyMap<Quantity, number>;
  /** What was wrong with those that did not come. */
  why: Trouble['why'];
  complaint?: Elm327Complaint;
}

async function readRound(adapter: Adapter, due: readonly Value[], options: Elm327Options): Promise<Round | 'over'> {
  const came = new Map<Quantity, number>();
  let worst: Trouble = { why: 'none' };
  for (const { quantity, pid } of due) {
    const outcome = await readPid(adapter, pid, options.answerTimeoutMs);
    if (outcome === 'over') return 'over';
    if ('value' in outcome) came.set(quantity, outcome.value);
    else if (outcome.why !== 'none') worst = outcome;
    // More questions to an adapter that is gone only cost time.
    if ('why' in outcome && outcome.why === 'silent') break;
  }
  if (came.size > 0) for (const value of due) value.asked(came.has(value.quantity));
  return { came, ...worst };
}

function vehicleReading(came: ReadonlyMap<Quantity, number>, monotonicUs: number): Reading {
  const speedKmh = came.get('speed');
  const engineRpm = came.get('engine');
  const odometerKm = came.get('odometer');
  return {
    kind: 'vehicle',
    monotonicUs,
    ...(speedKmh !== undefined && { speedMetersPerSecond: Math.round((speedKmh / 3.6) * 1000) / 1000 }),
    ...(engineRpm !== undefined && { engineRpm }),
    ...(odometerKm !== undefined && { odometerMeters: Math.round(odometerKm * 1000) }),
  };
}

function valuesOf(options: Elm327Options, pids: ReadonlySet<number>): Value[] {
  const { intervalMs, odometerIntervalMs } = options;
  const values = [
    new Value({ quantity: 'speed', pid: PID.speed, intervalMs, announced: pids.has(PID.speed) }),
    new Value({ quantity: 'engine', pid: PID.engineSpeed, intervalMs, announced: pids.has(PID.engineSpeed) }),
  ];
  const wanted: number[] = options.odometer === 'none' ? [] : [PID.odometer];
  if (options.odometer === 'since-cleared') wanted.push(PID.sinceCleared);
  const pid = wanted.find((candidate) => pids.has(candidate));
  if (pid !== undefined) {
    values.push(new Value({ quantity: 'odometer', pid, intervalMs: odometerIntervalMs, announced: true }));
  }
  return values;
}

interface ValueOptions {
  quantity: Quantity;
  pid: number;
  intervalMs: number;
  announced: boolean;
}

/** One PID: when it is to be asked for, and whether that is worth while. */
class Value {
  readonly quantity: Quantity;
  readonly pid: number;
  readonly #intervalUs: number;
  /** One that the vehicle did not announce gets one chance: some announce too little, and so do copies of the adapter. */
  #missesLeft: number;
  #dueUs = Number.NEGATIVE_INFINITY;

  constructor({ quantity, pid, intervalMs, announced }: ValueOptions) {
    this.quantity = quantity;
    this.pid = pid;
    this.#intervalUs = intervalMs * 1000;
    this.#missesLeft = announced ? MISSES : 1;
  }

  /** True once per interval. */
  isDue(nowUs: number): boolean {
    if (this.#missesLeft === 0 || nowUs < this.#dueUs) return false;
    this.#dueUs = nowUs + this.#intervalUs * INTERVAL_TOLERANCE;
    return true;
  }

  /** Others came in the same round. */
  asked(came: boolean): void {
    this.#missesLeft = came ? MISSES : this.#missesLeft - 1;
  }
}

/** What was last said about the vehicle, so that it is said once. */
class VehicleState {
  readonly #clock: Clock;
  #said = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  *absent({ why, complaint }: Trouble | Round): Iterable<Reading> {
    const [code, message] =
      why === 'bus'
        ? ([
            'vehicle-bus-error',
            `the adapter has trouble with the vehicle's bus (${complaint}): check its plug`,
          ] as const)
        : (['vehicle-not-answering', 'the vehicle does not answer: parked, or its ignition is off'] as const);
    if (this.#said === code) return;
    this.#said = code;
    yield { kind: 'status', code, message, monotonicUs: this.#clock.monotonicUs() };
  }

  *present(): Iterable<Reading> {
    if (this.#said === '') return;
    this.#said = '';
    const message = 'the vehicle answers again';
    yield { kind: 'status', code: 'vehicle-answers', message, monotonicUs: this.#clock.monotonicUs() };
  }
}

function silentError({ path, baudRate, answerTimeoutMs }: Elm327Options): DriverError {
  return new DriverError({
    code: 'device-silent',
    message: `${path}: the adapter gave no prompt in ${TRIES} tries of ${answerTimeoutMs} ms: check that it is plugged in, and the baud rate (${baudRate}; many copies have 9600 or 115200)`,
  });
}
