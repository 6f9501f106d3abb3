/** Several hubs at one real Mosquitto. What happens when one of them is killed: test/e2e/several-hubs.test.ts. */
import { randomBytes } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { describeWith } from '../../test/servers/needs.ts';
import type { Broker } from './broker.ts';
import { openExternalBroker } from './external.ts';

const settled = { timeout: 30_000, interval: 20 };
/** Other tests leave retained messages at the shared broker: ours have a name of their own. */
const ours = `broker-test-${randomBytes(4).toString('hex')}`;
const isOurs = (topic: string) => topic.startsWith(`milepost/v1/${ours}-`);

describeWith(['mosquitto'], 'several hubs at an external broker', ({ mosquitto }) => {
  async function member(share = 'hubs') {
    const broker = await openExternalBroker({ url: mosquitto.url, share, log: silentLog });
    const taken: string[] = [];
    await broker.start(async (topic, payload) => {
      if (isOurs(topic)) taken.push(`${topic} ${payload}`);
    });
    await vi.waitFor(() => expect(broker.healthy().ok).toBe(true), settled);
    return { broker, taken };
  }
  const closing: { close(): Promise<unknown> }[] = [];
  async function connect(): Promise<MqttClient> {
    const client = await mqtt.connectAsync(mosquitto.url);
    closing.push({ close: () => client.endAsync() });
    return client;
  }
  const keep = <T extends { broker: Broker }>(hub: T): T => {
    closing.push(hub.broker);
    return hub;
  };
  const closeAll = async () => {
    for (const each of closing.splice(0)) await each.close();
  };

  it('gives each batch to one of them, and all of them to the other when one leaves in order', async () => {
    const gateway = await connect();
    const [first, second] = [keep(await member()), keep(await member())];
    const publish = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from }, (_, n) =>
          gateway.publishAsync(topics.up(`${ours}-${(from + n) % 7}`, 'tracking'), `${from + n}`, { qos: 1 }),
        ),
      );
    const numbers = (taken: readonly string[]) => taken.map((text) => Number(text.split(' ')[1])).sort((a, b) => a - b);
    const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
    await publish(0, 200);
    await vi.waitFor(() => expect(numbers([...first.taken, ...second.taken])).toEqual(upTo(200)), settled);
    expect(first.taken.length).toBeGreaterThan(50);
    expect(second.taken.length).toBeGreaterThan(50);

    await Promise.all([publish(200, 400), first.broker.close()]);
    await publish(400, 500);
    await vi.waitFor(() => expect(numbers([...first.taken, ...second.taken])).toEqual(upTo(500)), settled);
    expect(numbers(second.taken)).toEqual(expect.arrayContaining(upTo(500).slice(400)));
    await closeAll();
  });

  it('tells a hub that comes what gateways said while none was there', async () => {
    const gateway = await connect();
    await gateway.publishAsync(topics.upStatus(`${ours}-quiet`), 'offline', { qos: 1, retain: true });
    const hub = keep(await member());
    await vi.waitFor(() => expect(hub.taken).toContain(`milepost/v1/${ours}-quiet/up/status offline`), settled);
    await gateway.publishAsync(topics.upStatus(`${ours}-quiet`), '', { qos: 1, retain: true });
    await closeAll();
  });

  it('takes batches while what a Sparkplug node said is still being taken', async () => {
    const broker = await openExternalBroker({ url: mosquitto.url, share: ours, log: silentLog });
    closing.push(broker);
    const came: string[] = [];
    let take = () => {};
    const taken = new Promise<void>((resolve) => {
      take = resolve;
    });
    await broker.start(async (topic) => {
      came.push(topic);
      if (topic === `spBv1.0/${ours}/NDATA/node`) await taken;
    });
    await vi.waitFor(() => expect(broker.healthy().ok).toBe(true), settled);
    const client = await connect();
    await client.publishAsync(`spBv1.0/${ours}/NDATA/node`, 'x', { qos: 0 });
    await vi.waitFor(() => expect(came).toContain(`spBv1.0/${ours}/NDATA/node`), settled);
    await client.publishAsync(topics.up(`${ours}-1`, 'tracking'), 'batch', { qos: 1 });
    await vi.waitFor(() => expect(came).toContain(topics.up(`${ours}-1`, 'tracking')), settled);
    take();
    await closeAll();
  });

  it('acknowledges an event of the open door only once it is taken, and tries until it is', async () => {
    const broker = await openExternalBroker({ url: mosquitto.url, share: '', log: silentLog });
    closing.push(broker);
    let refusals = 2;
    const tried: string[] = [];
    await broker.start(async (topic, payload) => {
      if (!isOurs(topic)) return;
      tried.push(`${topic} ${payload}`);
      if (refusals-- > 0) throw new Error('log away');
    });
    await vi.waitFor(() => expect(broker.healthy().ok).toBe(true), settled);
    const scanner = await connect();
    await scanner.publishAsync(topics.door(`${ours}-scanner`), '{}', { qos: 1 });
    await vi.waitFor(() => expect(tried).toEqual(Array(3).fill(`milepost/v1/${ours}-scanner/json {}`)), settled);
    await closeAll();
  });
});
