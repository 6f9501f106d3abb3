/**
 * The devices of a configuration. While the daemon runs it has their ports, and its word counts; otherwise each is opened as the daemon
 * would open it, and closed again.
 */
import { realpath } from 'node:fs/promises';
import type { EdgeConfig } from '../../edge/config.ts';
import type { EdgeReport } from '../../edge/ops/report.ts';
import { openTransport } from '../../edge/transport/open.ts';
import { describeTransport, isAbsence, type OpenTransport, TransportError } from '../../edge/transport/transport.ts';
import { type CheckResult, fail, messageOf, ok, warn } from './check.ts';
import { holdersOf, isRunning, releaseAdvice } from './holders.ts';

const OPEN_TIMEOUT_MS = 8_000;

type DeviceConfig = EdgeConfig['devices'][number];

export interface DeviceCheckOptions {
  config: EdgeConfig;
  /** Of the daemon, where one runs. */
  report?: EdgeReport;
  open?: OpenTransport;
  procFolder?: string;
}

export async function checkDevices(options: DeviceCheckOptions): Promise<CheckResult[]> {
  const { config, report } = options;
  if (config.devices.length === 0) {
    return [warn('devices', 'none are configured', "'milepost edge devices' proposes entries for what is attached")];
  }
  const results = report
    ? config.devices.map((device) => told(device, report))
    : await Promise.all(config.devices.map((device) => opened(device, options)));
  return [...results, ...(await checkModemManager(options))];
}

function told({ id }: DeviceConfig, report: EdgeReport): CheckResult {
  const check = `device ${id}`;
  const device = report.devices.find((each) => each.id === id);
  if (!device)
    return warn(check, 'the running daemon does not know it', 'restart the daemon: its configuration is older');
  const ago = device.lastReadingSecondsAgo;
  const last = ago === undefined ? 'no reading yet' : `last reading ${ago.toFixed(0)} s ago`;
  const message = device.code === '' ? `${device.state}, ${last}` : `${device.message} (${device.code})`;
  if (device.state === 'online') return ok(check, message);
  const advice = `docs/errors.md has '${device.code}'`;
  if (device.state === 'connecting') return warn(check, message, 'wait a moment and ask again');
  return device.state === 'offline' ? warn(check, message, advice) : fail(check, message, advice);
}

async function opened(device: DeviceConfig, options: DeviceCheckOptions): Promise<CheckResult> {
  const { open = openTransport, procFolder } = options;
  const check = `device ${device.id}`;
  const transportOptions = device.implementation.transport(device.options);
  const name = describeTransport(transportOptions);
  const late = AbortSignal.timeout(OPEN_TIMEOUT_MS);
  try {
    const transport = await open(transportOptions, late);
    await transport.close();
    return ok(check, `${name} opens`);
  } catch (error) {
    if (!(error instanceof TransportError)) {
      const message = late.aborted ? `${name} did not open within ${OPEN_TIMEOUT_MS} ms` : messageOf(error);
      return fail(check, message, 'unplug it and plug it in again; see the log of the kernel (dmesg)');
    }
    const message = `${error.message} (${error.code})`;
    if (error.code === 'port-busy') {
      const [holder] = await holdersOf(name, procFolder);
      if (holder)
        return fail(check, `${name} is held by ${holder.name} (process ${holder.pid})`, releaseAdvice(holder, name));
    }
    const advice = ADVICE[error.code] ?? `docs/errors.md has '${error.code}'`;
    return isAbsence(error) ? warn(check, message, advice) : fail(check, message, advice);
  }
}

/** Beyond what the messages say themselves. */
const ADVICE: Readonly<Record<string, string>> = {
  'port-missing': "plug it in; 'milepost edge devices' lists what is attached",
  'port-denied':
    "'usermod -aG dialout USER' for the user that runs the daemon, then start the daemon again; run this as that user",
  'port-busy': "as root this command names the program that holds it; 'fuser -v PATH' does too",
  'connect-refused': 'switch the device on, and its protocol; check host and port',
  'connect-timeout': 'check power, cable and address',
  'program-missing': 'install it with the command in the message',
  'native-module-missing': 'run the command in the message in Milepost’s folder',
};

/** It opens serial ports that appear and talks to them: the first seconds of a scanner are its. */
async function checkModemManager({ config, procFolder }: DeviceCheckOptions): Promise<CheckResult[]> {
  const hasSerial = config.devices.some(({ implementation, options }) => {
    return implementation.transport(options).kind === 'serial';
  });
  if (!hasSerial || !(await isRunning('ModemManager', procFolder))) return [];
  const advice = "'systemctl disable --now ModemManager', unless this box has a modem that needs it";
  return [warn('ModemManager', 'runs, and talks to serial ports when they appear', advice)];
}

/** Two entries that lead to the same device file fight for it. */
export async function checkSharedPorts(config: EdgeConfig): Promise<CheckResult[]> {
  const seen = new Map<string, string>();
  const results: CheckResult[] = [];
  for (const { id, implementation, options } of config.devices) {
    const transport = implementation.transport(options);
    if (transport.kind !== 'serial') continue;
    const target = await realpath(transport.path).catch(() => transport.path);
    const other = seen.get(target);
    if (other !== undefined) {
      results.push(fail(`device ${id}`, `has the same port as ${other} (${target})`, 'correct one of the two paths'));
    } else seen.set(target, id);
  }
  return results;
}
