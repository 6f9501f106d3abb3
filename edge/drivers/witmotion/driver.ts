/** A WitMotion accelerometer (WT901 and relatives, serial) as shock and vibration sensor. */
import { decodeWitmotion, type WitmotionAcceleration, WitmotionFramer } from '../../../protocols/shock/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { serialTransport } from '../../transport/options.ts';
import { optionsSchema, type WitmotionOptions } from './options.ts';
import { ShockSensor } from './shock-sensor.ts';

/** So many frames of other kinds without one of acceleration: its output is switched off in the device. */
const FRAMES_WITHOUT_ACCELERATION = 200;

export const driver: Driver<WitmotionOptions> = {
  kind: 'witmotion',
  summary: 'WitMotion accelerometer: shocks and vibration',
  options: optionsSchema,
  sensors: () => [{ kinds: ['shock', 'vibration'] }],
  transport: serialTransport,
  run,
};

async function* run(context: DriverContext, options: WitmotionOptions): AsyncIterable<Reading> {
  const reader = new ChunkReader(context);
  const framer = new WitmotionFramer();
  const sensor = new ShockSensor(options);
  let others: number | undefined = 0;
  for (;;) {
    const chunk = await reader.read(options.silenceMs);
    if (chunk === 'end' || chunk === 'stopped') return;
    if (chunk === 'timeout') throw silentError(options);
    const monotonicUs = context.clock.monotonicUs();
    const frames = framer.push(chunk);
    Object.assign(context.stats, framer.stats);
    const samples = frames.map((frame) => decodeWitmotion(frame, options)).filter(isAcceleration);
    if (samples.length > 0) {
      yield* sensor.push(samples, monotonicUs);
      others = undefined;
    } else if (others !== undefined) {
      others += frames.length;
      if (others < FRAMES_WITHOUT_ACCELERATION) continue;
      others = undefined;
      const message = 'sends frames, but none of acceleration (type 51): switch its output on in the device';
      yield { kind: 'status', code: 'acceleration-missing', message, monotonicUs };
    }
  }
}

function isAcceleration(message: { kind: string }): message is WitmotionAcceleration {
  return message.kind === 'acceleration';
}

function silentError(options: WitmotionOptions): DriverError {
  return new DriverError({
    code: 'device-silent',
    message: `${options.path}: not a byte for ${options.silenceMs} ms, though the sensor sends all the time: check power and wiring`,
  });
}
