import { expect, it } from 'vitest';
import { checkEdgeConfig, type DeviceConfig } from '../config.ts';
import type { SupervisedDevice } from '../transport/supervisor.ts';
import { RunningDevices } from './running-devices.ts';

async function devices(): Promise<DeviceConfig[]> {
  const checked = await checkEdgeConfig(
    `
gateway: { id: g, facility: f }
hub: { url: mqtt://h }
readPoints: [{ id: dock, businessStep: receiving }]
devices:
  - { id: a, driver: serial-barcode, readPoint: dock, options: { path: /dev/a } }
  - { id: b, driver: serial-barcode, readPoint: dock, options: { path: /dev/b } }
`,
    'edge.yaml',
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.config.devices;
}

function park() {
  const told: string[] = [];
  const stop = new AbortController();
  /** Closed when the test says so: a driver takes its time for a goodbye. */
  const closing = new Map<string, () => void>();
  const running = new RunningDevices({
    signal: stop.signal,
    onStop: (id) => void told.push(`stop ${id}`),
    start: ({ id, options }, signal): SupervisedDevice => {
      told.push(`start ${id} ${JSON.stringify(options).includes('115200') ? 'fast' : 'slow'}`);
      const done = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => closing.set(id, resolve));
      });
      return { deviceId: id, health: {} as SupervisedDevice['health'], done };
    },
  });
  return { running, told, stop, closing };
}

const fast = (device: DeviceConfig): DeviceConfig => {
  const writtenOptions = { ...device.writtenOptions, baudRate: 115_200 };
  return { ...device, writtenOptions, options: device.implementation.options.parse(writtenOptions) };
};

it('restarts what has changed and nothing else, after it was closed', async () => {
  const [a, b] = (await devices()) as [DeviceConfig, DeviceConfig];
  const { running, told, closing } = park();
  expect(await running.configure([a, b])).toEqual([]);
  expect(told.splice(0)).toEqual(['start a slow', 'start b slow']);
  const changes = [{ quantity: 'peakG', deadband: 1, maxInterval: 5 }];
  const configured = running.configure([{ ...a, changes }, fast(b)]);
  expect(told.splice(0)).toEqual(['stop b']);
  closing.get('b')?.();
  expect(await configured).toEqual(['b']);
  expect(told).toEqual(['start b fast']);
  expect(running.list.map(({ config }) => [config.id, config.changes])).toEqual([
    ['a', changes],
    ['b', []],
  ]);
  expect(closing.has('a')).toBe(false);
});

it('ends with the daemon, what is being restarted too', async () => {
  const [a, b] = (await devices()) as [DeviceConfig, DeviceConfig];
  const { running, told, stop, closing } = park();
  await running.configure([a, b]);
  const configured = running.configure([a, fast(b)]);
  stop.abort();
  let isDone = false;
  const done = running.done().then(() => {
    isDone = true;
  });
  closing.get('a')?.();
  await Promise.resolve();
  expect(isDone).toBe(false);
  closing.get('b')?.();
  await Promise.all([done, configured]);
  expect(told).toEqual(['start a slow', 'start b slow', 'stop b']);
});
