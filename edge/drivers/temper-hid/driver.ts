/**
 * A TEMPer thermometer (PCsensor) on USB: temperature, humidity where it has a sensor for it, one or two probes.
 *
 * A stick answers only a second after it was opened. It is asked for its firmware first, which tells how it counts and proves that it is one. Each
 * question is asked up to TRIES times: sticks drop some.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  decodeTemperFirmware,
  decodeTemperReport,
  TEMPER_INTERFACE,
  TEMPER_USB_IDS,
  type TemperReading,
  temperQuery,
  temperScale,
} from '../../../protocols/hid/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { hidIdentity } from '../../transport/options.ts';
import { hidReport } from '../../transport/transport.ts';
import { Trouble } from '../../transport/trouble.ts';
import { optionsSchema, type TemperHidOptions } from './options.ts';

const WARM_UP_MS = 1_000;
const ANSWER_MS = 500;
/** Sticks with two probes or humidity outside send a second report at once. */
const SECOND_REPORT_MS = 150;
const TRIES = 3;
const FIRMWARE_TRIES = 5;
/** PCsensor states −40 to 125 °C for its widest model. */
const LOWEST_CELSIUS = -40;
const HIGHEST_CELSIUS = 125;

export const driver: Driver<TemperHidOptions> = {
  kind: 'temper-hid',
  summary: 'TEMPer thermometer on USB: temperature, on some models humidity',
  options: optionsSchema,
  sensors: ({ outerChannel }) => [
    { kinds: ['temperature', 'humidity'] },
    { channel: outerChannel, kinds: ['temperature', 'humidity'] },
  ],
  transport: (options) => ({ usbIds: TEMPER_USB_IDS, ...hidIdentity(options), interfaceNumber: TEMPER_INTERFACE }),
  run,
};

async function* run(context: DriverContext, options: TemperHidOptions): AsyncIterable<Reading> {
  const { clock, log } = context;
  const stick = new Stick(context);
  const trouble = new Trouble();
  if ((await stick.rest(WARM_UP_MS)) === 'over') return;
  const firmware = await stick.ask(temperQuery.firmware(), FIRMWARE_TRIES, 2);
  if (firmware === 'over') return;
  const name = decodeTemperFirmware(firmware);
  const unitsPerDegree = options.unitsPerDegree ?? temperScale(name) ?? 100;
  log.info({ firmware: name, unitsPerDegree }, 'TEMPer answers');
  for (;;) {
    const startUs = clock.monotonicUs();
    const reports = await stick.ask(temperQuery.reading(), TRIES, 1);
    if (reports === 'over') return;
    const monotonicUs = clock.monotonicUs();
    const faults: string[] = [];
    for (const report of reports) {
      const reading = stick.decode(report, unitsPerDegree);
      if (reading === undefined) continue;
      const fault = faultOf(reading);
      if (fault !== undefined) faults.push(fault);
      else yield* readingsOf(reading, { monotonicUs, options });
    }
    if (faults.length > 0) {
      yield* trouble.say(monotonicUs, 'value-refused', `TEMPer (${name}): ${faults.join('; ')}`);
    } else yield* trouble.over(monotonicUs, 'sensor-recovered', `TEMPer (${name}) reads again`);
    const restMs = options.intervalMs - (clock.monotonicUs() - startUs) / 1000;
    if (restMs > 0 && (await stick.rest(restMs)) === 'over') return;
  }
}

class Stick {
  readonly #context: DriverContext;
  readonly #reader: ChunkReader;

  constructor(context: DriverContext) {
    this.#context = context;
    this.#reader = new ChunkReader(context);
  }

  /** Reports that come unasked are nobody's answer. */
  rest(ms: number): Promise<'rested' | 'over'> {
    return this.#reader.rest(ms, (report) => this.#discard(report));
  }

  /**
   * @param wanted so many reports are an answer; one more is waited for shortly.
   * @throws DriverError `device-silent`
   */
  async ask(query: Buffer, tries: number, wanted: number): Promise<Buffer[] | 'over'> {
    for (let attempt = 0; attempt < tries; attempt++) {
      // Report id 0: these sticks number no reports.
      await this.#context.transport.write(hidReport('output', Buffer.concat([Buffer.of(0), query])));
      const reports: Buffer[] = [];
      for (;;) {
        const report = await this.#reader.read(reports.length < wanted ? ANSWER_MS : SECOND_REPORT_MS);
        if (report === 'end' || report === 'stopped') return 'over';
        if (report === 'timeout') break;
        this.#context.stats.bytes += report.length;
        reports.push(Buffer.from(report));
        if (reports.length > wanted) break;
      }
      if (reports.length >= wanted) {
        this.#context.stats.frames += reports.length;
        return reports;
      }
      for (const { length } of reports) this.#context.stats.discardedBytes += length;
    }
    throw new DriverError({
      code: 'device-silent',
      message: `the TEMPer did not answer ${tries} questions: unplug it and plug it in again; is it a TEMPer at all?`,
    });
  }

  decode(report: Buffer, unitsPerDegree: 100 | 256): TemperReading | undefined {
    try {
      const decoded = decodeTemperReport(report, { unitsPerDegree });
      return decoded.kind === 'reading' ? decoded : undefined;
    } catch (error) {
      if (!isCodecError(error)) throw error;
      this.#context.stats.discardedBytes += report.length;
      return undefined;
    }
  }

  #discard(report: Uint8Array): void {
    this.#context.stats.bytes += report.length;
    this.#context.stats.discardedBytes += report.length;
  }
}

function faultOf({ temperatureCelsius, humidityPercent }: TemperReading): string | undefined {
  if (
    temperatureCelsius !== undefined &&
    (temperatureCelsius < LOWEST_CELSIUS || temperatureCelsius > HIGHEST_CELSIUS)
  ) {
    return `${temperatureCelsius} °C cannot be: check unitsPerDegree`;
  }
  return humidityPercent !== undefined && humidityPercent > 100 ? `${humidityPercent} % humidity cannot be` : undefined;
}

function* readingsOf(
  reading: TemperReading,
  { monotonicUs, options }: { monotonicUs: number; options: TemperHidOptions },
): Iterable<Reading> {
  const channel = reading.probe === 'outer' ? { channel: options.outerChannel } : {};
  if (reading.temperatureCelsius !== undefined) {
    const temperatureCelsius = Math.round((reading.temperatureCelsius + options.offsetCelsius) * 100) / 100;
    yield { kind: 'temperature', monotonicUs, ...channel, temperatureCelsius };
  }
  if (reading.humidityPercent !== undefined) {
    yield { kind: 'humidity', monotonicUs, ...channel, relativeHumidityPercent: reading.humidityPercent };
  }
}
