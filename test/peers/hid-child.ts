/**
 * One supervised device in a process of its own, for a test that runs it under umockdev-run: a line of JSON for each reading and each change
 * of health, until it is stopped.
 */
import { systemClock } from '../../cli/system-clock.ts';
import { DRIVERS } from '../../edge/drivers/index.ts';
import { openTransport } from '../../edge/transport/open.ts';
import { superviseDevice } from '../../edge/transport/supervisor.ts';
import { silentLog } from '../../protocols/base/log.ts';

const [kind = '', options = '{}'] = process.argv.slice(2);
const driver = await DRIVERS[kind]?.();
if (!driver) throw new Error(`no driver '${kind}'`);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const device = superviseDevice({
  deviceId: kind,
  driver,
  options: driver.options.parse(JSON.parse(options)),
  openTransport,
  clock: systemClock(),
  log: silentLog,
  random: Math.random,
  signal: stop.signal,
  onReading: async ({ monotonicUs: _, ...reading }) => say({ reading }),
  onHealthChange: ({ state, code, message }) => say({ health: { state, code, message } }),
});
await device.done;
// node-hid's reading thread may outlive its device file under umockdev.
process.exit(0);
