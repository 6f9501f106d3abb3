/** The open door through a real Mosquitto: a flood of single messages, and hubs that are killed in it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { Process } from '../../test/e2e/stack.ts';
import { startMosquitto } from '../../test/servers/mosquitto.ts';
import { describeWith } from '../../test/servers/needs.ts';
import { checkHubConfig } from '../config.ts';
import { IdBook } from '../door/id-book.ts';
import { doorItems } from '../door/process.ts';
import { leaveDoor } from '../leave.ts';
import { type DoorHubJob, takeIntoFile } from './door-hub.test-support.ts';

const settled = { timeout: 60_000, interval: 100 };
const CLIENTS = ['scanner-1', 'scanner-2', 'partner'];
const CHILD = fileURLToPath(new URL('./door-hub.test-support.ts', import.meta.url));

describeWith(['mosquitto'], 'the open door at an external broker', () => {
  let folder = '';
  const closing: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'milepost-door-'));
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What it keeps for a session is not bounded, as docs/open-door.md wants it. */
  async function broker(...config: string[]): Promise<{ url: string; client: MqttClient }> {
    const server = await startMosquitto({ config: ['max_queued_messages 0', ...config] });
    closing.push(() => server.stop());
    const client = await mqtt.connectAsync(server.url);
    closing.push(() => client.endAsync());
    return { url: server.url, client };
  }

  async function start(job: Omit<DoorHubJob, 'file' | 'share'> & { name: string }): Promise<Process> {
    const argument = JSON.stringify({ ...job, share: 'hubs', file: join(folder, job.name) });
    const hub = new Process(job.name, process.execPath, ['--import', 'tsx', CHILD, argument]);
    closing.push(() => hub.kill9());
    await hub.line(/^taking$/, 60_000);
    return hub;
  }

  /** Numbers `from` to `to`, an event a message; resolves when the broker has acknowledged all of them. */
  const publish = (client: MqttClient, from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, index) => {
        const number = from + index;
        const event = { eventId: `e-${number}`, scanned: `P${number}`, scanType: 'LOAD' };
        const topic = topics.door(CLIENTS[number % CLIENTS.length] ?? '');
        return client.publishAsync(topic, JSON.stringify(event), { qos: 1 });
      }),
    );

  /** What stands in hubs' files, as the processor would count it. */
  async function counted(...names: string[]) {
    const book = new IdBook('tracking');
    const counts = { records: 0, events: 0, repeated: 0, letters: 0 };
    for (const name of names) {
      const lines = (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1);
      for (const line of lines) {
        counts.records++;
        const key = line.slice(0, line.indexOf(' '));
        const value = Buffer.from(line.slice(key.length + 1));
        for (const { kind } of doorItems({ key, value, receivedMs: 0, lane: 'tracking' }, book)) {
          if (kind === 'duplicate') counts.repeated++;
          else if (kind === 'letter') counts.letters++;
          else counts.events++;
        }
      }
    }
    return counts;
  }

  it('takes a flood of single messages, each once, and writes many of them at a time', async () => {
    const { url, client } = await broker();
    const hub = await takeIntoFile({ url, share: 'hubs', file: join(folder, 'hub') });
    closing.push(() => hub.close());
    await vi.waitFor(() => expect(hub.healthy().ok).toBe(true), settled);
    await publish(client, 0, 5_000);
    await vi.waitFor(async () => expect((await counted('hub')).events).toBe(5_000), settled);
    const { records, repeated, letters } = await counted('hub');
    expect({ repeated, letters }).toEqual({ repeated: 0, letters: 0 });
    expect(records).toBeLessThan(2_500);
  }, 120_000);

  it('loses nothing when a hub with a name is killed: its next start has what the broker kept, and each counts once', async () => {
    const { url, client } = await broker('max_inflight_messages 100');
    const first = await start({ url, name: 'hub-1' });
    await start({ url, name: 'hub-2' });
    const before = publish(client, 0, 2_000);
    await vi.waitFor(async () => expect((await counted('hub-1')).events).toBeGreaterThan(200), {
      ...settled,
      interval: 5,
    });
    await first.kill9();
    await before;
    await publish(client, 2_000, 3_000);
    // The broker goes on giving the dead one its part, which nobody else can have.
    expect((await counted('hub-1', 'hub-2')).events).toBeLessThan(3_000);
    await start({ url, name: 'hub-1' });
    await vi.waitFor(async () => expect((await counted('hub-1', 'hub-2')).events).toBe(3_000), settled);
    expect((await counted('hub-1', 'hub-2')).letters).toBe(0);
  }, 180_000);

  it('gives what it kept to whoever leaves for a hub that does not come back, and nothing more for it', async () => {
    const { url, client } = await broker();
    const job = (name: string) => ({ url, share: 'hubs', name, file: join(folder, name) });
    const gone = await takeIntoFile(job('milepost-hub-1'));
    await vi.waitFor(() => expect(gone.healthy().ok).toBe(true), settled);
    await gone.close();
    await publish(client, 0, 50);
    const checked = checkHubConfig(`dataDir: memory\nmqtt: { url: '${url}', share: hubs }\n`, 'hub.yaml', {
      instance: '1',
    });
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    const left = await leaveDoor({ config: checked.config, clock: new ManualClock(), log: silentLog });
    expect(left).toEqual({ messages: 50 });

    const other = await takeIntoFile(job('hub-2'));
    closing.push(() => other.close());
    await vi.waitFor(() => expect(other.healthy().ok).toBe(true), settled);
    await publish(client, 50, 100);
    await vi.waitFor(async () => expect((await counted('hub-2')).events).toBe(50), settled);
  }, 120_000);

  it('keeps what comes while the only hub restarts in order, and does so through a restart of the broker', async () => {
    const server = await startMosquitto({ config: ['max_queued_messages 0'] });
    closing.push(() => server.stop());
    const job = { url: server.url, share: '', name: 'hub', file: join(folder, 'hub') };
    const hub = await takeIntoFile(job);
    await vi.waitFor(() => expect(hub.healthy().ok).toBe(true), settled);
    await hub.close();
    const client = await mqtt.connectAsync(server.url);
    await publish(client, 0, 50);
    await client.endAsync();
    await server.restart();
    const next = await takeIntoFile(job);
    closing.push(() => next.close());
    await vi.waitFor(async () => expect((await counted('hub')).events).toBe(50), settled);
  }, 120_000);
});
