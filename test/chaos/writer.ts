/**
 * The other end of the cables, a program of its own: writes numbered scans to ptys, answers as thermometers, and keeps the book of what
 * was handed over. Started by writer-process.ts; options as JSON in the first argument.
 *
 * Standard output, a JSON line each: `{"ready":true}`, an Emission for every scan that a port took as a whole, `{"quiet":true}`.
 * Standard input: `quiet` ends the scans and pulls the thermometers' cables; its end ends the program.
 *
 * Several scans of a package follow each other, so that order within a package can be seen; the label carries the number beside
 * the SSCC (GS1 AI 400). A frame is never given up because the host does not read: it waits, as the kernel's buffer would.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '../../cli/system-clock.ts';
import { sleep } from '../../protocols/base/clock.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { modbusThermometer, thermometerOptions } from '../../simulators/modbus-thermometer/thermometer.ts';
import { makeParcel } from '../../simulators/parcels.ts';
import { openPty } from '../../simulators/pty.ts';
import { type Random, seededRandom } from '../../simulators/random.ts';
import type { Emission } from './judge.ts';

export interface WriterOptions {
  seed: number | string;
  scanners: readonly { gatewayId: string; deviceId: string; path: string; perSecond: number }[];
  thermometers: readonly { id: string; path: string }[];
}

const PACKAGES_PER_SCANNER = 40;
const RETRY_MS = 20;

const clock = systemClock();
const options = JSON.parse(process.argv[2] ?? '{}') as WriterOptions;
const random = seededRandom(options.seed);
const quiet = new AbortController();
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const thermometers = await Promise.all(
  options.thermometers.map(({ id, path }) =>
    // Swings across the threshold of edge-config.ts every few seconds, so that there are always alerts.
    modbusThermometer(id, thermometerOptions.parse({ path, baseCelsius: 5, swingCelsius: 3, periodS: 6 })).start({
      clock,
      wireClock: clock,
      random: random.fork(id),
      log: silentLog,
      emit: () => {},
      runDir: '/',
      openLine: openPty,
    }),
  ),
);
const scanning = await Promise.all(
  options.scanners.map(async (scanner, index) => {
    const { path } = scanner;
    const line = await openPty({ path, clock, log: silentLog, onData: () => {}, stallMs: Number.POSITIVE_INFINITY });
    return () => scan({ ...scanner, line, index, random: random.fork(path) });
  }),
);
say({ ready: true });
const done = Promise.all(scanning.map((start) => start()));

const commands = createInterface({ input: process.stdin });
commands.on('line', async (command) => {
  if (command !== 'quiet') return;
  quiet.abort();
  await done;
  await Promise.all(thermometers.map((each) => each.command('unplug')));
  say({ quiet: true });
});
commands.on('close', () => process.exit(0));

async function scan(scanner: {
  gatewayId: string;
  deviceId: string;
  perSecond: number;
  index: number;
  line: { readonly listening: boolean; write(bytes: Uint8Array): Promise<boolean> };
  random: Random;
}): Promise<void> {
  const { gatewayId, deviceId, perSecond, index, line } = scanner;
  for (let number = 1; !quiet.signal.aborted; number++) {
    const serial = index * 1_000 + scanner.random.integer(0, PACKAGES_PER_SCANNER - 1);
    const { text: sscc } = makeParcel({ companyPrefix: '4012345', extensionDigit: 3, serial });
    const text = `${sscc}400${String(index).padStart(2, '0')}${String(number).padStart(8, '0')}`;
    while (!line.listening && !quiet.signal.aborted) await sleep(clock, RETRY_MS, quiet.signal);
    const atMs = clock.wall().wallMs;
    if (await line.write(Buffer.from(`]C1${text}\r`))) {
      const emission: Emission = { gatewayId, deviceId, text, atMs };
      say(emission);
    }
    await sleep(clock, scanner.random.between(0.2, 1.8) * (1_000 / perSecond), quiet.signal);
  }
}
