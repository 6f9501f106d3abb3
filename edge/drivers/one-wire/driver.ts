/**
 * Thermometers on a 1-Wire bus, through the kernel's files.
 *
 * Rounds start every `intervalMs`; in each the bus is listed and each sensor read in turn, since a sensor comes and goes while its bus
 * stays. One sensor's trouble is said once and costs no other its turn.
 */
import { W1_ROM_ID, W1_THERMOMETERS } from '../../../protocols/onewire/index.ts';
import { ANY_CHANNEL, type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { FileLink, type FileOutcome } from './file-link.ts';
import { type OneWireOptions, optionsSchema } from './options.ts';
import { Sensor } from './sensor.ts';

/** Rounds without a single good sensor after which the bus counts as silent. */
const SILENT_ROUNDS = 3;

export const driver: Driver<OneWireOptions> = {
  kind: 'one-wire',
  summary: 'DS18B20 and other 1-Wire thermometers through the kernel',
  options: optionsSchema,
  sensors: ({ sensors }) =>
    (sensors ?? [{ channel: ANY_CHANNEL, rom: '' }]).map(({ channel, rom }) => ({
      channel: channel ?? rom,
      kinds: ['temperature'],
    })),
  transport: ({ folder }) => ({ kind: 'files', folder }),
  run,
};

async function* run(context: DriverContext, options: OneWireOptions): AsyncIterable<Reading> {
  const { clock } = context;
  const bus = new Bus(context, options);
  let silentRounds = 0;
  for (;;) {
    const startUs = clock.monotonicUs();
    const before = bus.goodReadings;
    yield* bus.round();
    if (bus.over) return;
    silentRounds = bus.goodReadings > before ? 0 : silentRounds + 1;
    if (silentRounds === SILENT_ROUNDS) throw bus.silentError();
    const restMs = options.intervalMs - (clock.monotonicUs() - startUs) / 1000;
    if (restMs > 0 && (await bus.rest(restMs)) === 'over') return;
  }
}

class Bus {
  goodReadings = 0;
  over = false;
  readonly #context: DriverContext;
  readonly #options: OneWireOptions;
  readonly #link: FileLink;
  readonly #sensors = new Map<string, Sensor>();
  #complaint = 'no thermometer is on the bus';

  constructor(context: DriverContext, options: OneWireOptions) {
    this.#context = context;
    this.#options = options;
    this.#link = new FileLink(context);
    for (const { rom, channel } of options.sensors ?? []) this.#sensors.set(rom, new Sensor(rom, channel));
  }

  async *round(): AsyncIterable<Reading> {
    const present = await this.#list();
    if (present === undefined) return;
    for (const rom of present) {
      if (this.#options.sensors === undefined && !this.#sensors.has(rom)) this.#sensors.set(rom, new Sensor(rom));
    }
    for (const sensor of this.#sensors.values()) {
      if (present.has(sensor.rom)) yield* this.#read(sensor);
      else yield* this.#absent(sensor);
      if (this.over) return;
    }
  }

  rest(ms: number): Promise<'rested' | 'over'> {
    return this.#link.rest(ms);
  }

  silentError(): DriverError {
    const { folder } = this.#options;
    const message = `${folder}: no sensor gave a temperature in ${SILENT_ROUNDS} rounds: ${this.#complaint}`;
    return new DriverError({ code: 'device-silent', message });
  }

  /** Thermometers on the bus; undefined when it cannot be listed now. */
  async #list(): Promise<ReadonlySet<string> | undefined> {
    const answer = await this.#ask({ list: true });
    if (answer === undefined || !('names' in answer)) return undefined;
    return new Set(answer.names.filter((name) => W1_ROM_ID.test(name) && name.slice(0, 2) in W1_THERMOMETERS));
  }

  async *#read(sensor: Sensor): AsyncIterable<Reading> {
    yield* this.#configure(sensor);
    const { file, timeoutMs } = this.#options;
    const answer = this.over ? undefined : await this.#ask({ read: `${sensor.rom}/${file}` });
    const monotonicUs = this.#context.clock.monotonicUs();
    if (this.over) return;
    if (answer === undefined) {
      return yield* this.#say(sensor, 'sensor-silent', `did not answer within ${timeoutMs} ms`);
    }
    if ('error' in answer) {
      if (answer.error === 'ENOENT' || answer.error === 'ENODEV') return yield* this.#absent(sensor);
      return yield* this.#say(sensor, 'sensor-silent', `cannot be read (${answer.error}): check wiring and pull-up`);
    }
    if (!('text' in answer)) return;
    const outcome = sensor.judge(answer.text, file);
    if (!outcome.ok) {
      if (outcome.code === 'w1-crc') this.#link.countChecksumError();
      return yield* this.#say(sensor, 'value-refused', `gave no temperature: ${outcome.reason}`);
    }
    this.goodReadings++;
    yield* sensor.trouble.over(monotonicUs, 'sensor-recovered', `${sensor.name} reads again`);
    const { temperatureCelsius, resolutionBits } = outcome.reading;
    // It lost its power meanwhile.
    const isOther = resolutionBits !== undefined && resolutionBits !== this.#options.resolutionBits;
    if (isOther && sensor.resolution === 'set') sensor.resolution = 'unset';
    yield { kind: 'temperature', monotonicUs, channel: sensor.channel, temperatureCelsius };
  }

  /** When the sensor came, and when it shows another resolution than it was given. */
  async *#configure(sensor: Sensor): AsyncIterable<Reading> {
    const { resolutionBits } = this.#options;
    if (resolutionBits === undefined || sensor.resolution !== 'unset') return;
    const answer = await this.#ask({ write: `${sensor.rom}/resolution`, text: `${resolutionBits}\n` });
    sensor.resolution = answer && 'wrote' in answer ? 'set' : 'refused';
    if (this.over || sensor.resolution === 'set') return;
    const reason = answer && 'error' in answer ? answer.error : 'no answer';
    const monotonicUs = this.#context.clock.monotonicUs();
    const message = `${sensor.name}: the resolution cannot be set (${reason}): only root may, on kernels from 5.8`;
    yield { kind: 'status', code: 'resolution-refused', message, monotonicUs };
  }

  *#absent(sensor: Sensor): Iterable<Reading> {
    sensor.resolution = 'unset';
    yield* this.#say(sensor, 'sensor-absent', 'is not on the bus: check its wiring');
  }

  *#say(sensor: Sensor, code: string, what: string): Iterable<Reading> {
    this.#complaint = `${sensor.name} ${what}`;
    yield* sensor.trouble.say(this.#context.clock.monotonicUs(), code, this.#complaint);
  }

  async #ask(request: Parameters<FileLink['ask']>[0]): Promise<Exclude<FileOutcome, string> | undefined> {
    const outcome = await this.#link.ask(request, this.#options.timeoutMs);
    if (outcome === 'over') this.over = true;
    return typeof outcome === 'string' ? undefined : outcome;
  }
}
