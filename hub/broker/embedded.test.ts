import type { Socket } from 'node:net';
import mqtt from 'mqtt';
import { afterEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Broker } from './broker.ts';
import { openEmbeddedBroker } from './embedded.ts';

const settled = { timeout: 30_000, interval: 5 };
let broker: Broker | undefined;
afterEach(async () => {
  await broker?.close();
  broker = undefined;
});

async function open(): Promise<Broker> {
  broker = await openEmbeddedBroker({ host: '127.0.0.1', port: 0, users: new Map(), log: silentLog });
  return broker;
}

it('acknowledges an event of the open door only once it is taken; one that is not taken comes again', async () => {
  const { url = '', start } = await open();
  const tried: string[] = [];
  let take = () => {};
  const taken = new Promise<void>((resolve) => {
    take = resolve;
  });
  await start(async (topic) => {
    tried.push(topic);
    if (tried.length === 1) throw new Error('log away');
    await taken;
  });
  const scanner = await mqtt.connectAsync(url, { reconnectPeriod: 20 });
  let isAcknowledged = false;
  const published = scanner.publishAsync(topics.door('scanner-1'), '{}', { qos: 1 }).then(() => {
    isAcknowledged = true;
  });
  await vi.waitFor(() => expect(tried).toEqual(Array(2).fill('milepost/v1/scanner-1/json')), settled);
  expect(isAcknowledged).toBe(false);
  take();
  await published;
  await scanner.endAsync();
});

it('acknowledges events of the open door in the order in which they came, while several are being taken', async () => {
  const { url = '', start } = await open();
  const taking = new Map<string, () => void>();
  await start((_topic, payload) => new Promise((resolve) => taking.set(payload.toString(), resolve)));
  const scanner = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  const answered: (number | undefined)[] = [];
  scanner.on('packetreceive', ({ cmd, messageId }) => cmd === 'puback' && answered.push(messageId));
  const ids: (number | undefined)[] = [];
  scanner.on('packetsend', ({ cmd, messageId }) => cmd === 'publish' && ids.push(messageId));
  const stream = scanner.stream as unknown as Socket;
  stream.cork();
  const published = ['a', 'b', 'c'].map((payload) => scanner.publishAsync(topics.door('app'), payload, { qos: 1 }));
  stream.uncork();
  await vi.waitFor(() => expect([...taking.keys()]).toEqual(['a', 'b', 'c']), settled);
  for (const payload of ['c', 'b', 'a']) taking.get(payload)?.();
  await Promise.all(published);
  expect(answered).toEqual(ids);
  expect(ids).toHaveLength(3);
  await scanner.endAsync();
});

it('closes once what is in hands is done, and its acknowledgement has gone out', async () => {
  const opened = await open();
  let go = () => {};
  const written = new Promise<void>((resolve) => {
    go = resolve;
  });
  await opened.start(async () => {
    await written;
    await opened.publish(topics.downAck('gw-1'), Buffer.from('acknowledged'));
  });
  const gateway = await mqtt.connectAsync(opened.url ?? '', { reconnectPeriod: 0 });
  const heard: string[] = [];
  gateway.on('message', (_topic, payload) => heard.push(payload.toString()));
  await gateway.subscribeAsync(topics.downAck('gw-1'), { qos: 1 });
  await gateway.publishAsync(topics.up('gw-1', 'tracking'), 'batch', { qos: 1 });
  await vi.waitFor(() => expect(opened.queue()).toEqual({ bytes: 5, waiting: 0 }), settled);
  const closed = opened.close();
  broker = undefined;
  go();
  await closed;
  await vi.waitFor(() => expect(heard).toEqual(['acknowledged']), settled);
  await gateway.endAsync(true);
});

it('hands what clients and the hub publish to everybody who subscribed, by name, by wildcard or in a session that was away', async () => {
  const opened = await open();
  await opened.start(async () => {});
  const connect = async (clientId: string, filter: string, clean = true) => {
    const client = await mqtt.connectAsync(opened.url ?? '', { clientId, clean, reconnectPeriod: 0 });
    const heard: string[] = [];
    client.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
    if (filter !== '') await client.subscribeAsync(filter, { qos: 1 });
    return { client, heard };
  };
  const away = await connect('away', topics.downAck('gw-1'), false);
  await away.client.endAsync();
  const named = await connect('named', topics.downAck('gw-2'));
  const config = await connect('config', topics.downConfig('gw-2'));
  await opened.publish(topics.downAck('gw-1'), Buffer.from('1'));
  await opened.publish(topics.downAck('gw-2'), Buffer.from('2'));
  await vi.waitFor(() => expect(named.heard).toEqual([`${topics.downAck('gw-2')} 2`]), settled);

  const all = await connect('all', 'milepost/#');
  await opened.publish(topics.downAck('gw-2'), Buffer.from('3'));
  await opened.publish(topics.downConfig('gw-2'), Buffer.from('{}'), { retain: true });
  await named.client.publishAsync(topics.up('gw-2', 'tracking'), 'batch', { qos: 1 });
  await vi.waitFor(
    () =>
      expect([named.heard.slice(1), config.heard, all.heard.toSorted()]).toEqual([
        [`${topics.downAck('gw-2')} 3`],
        [`${topics.downConfig('gw-2')} {}`],
        [
          `${topics.downAck('gw-2')} 3`,
          `${topics.downConfig('gw-2')} {}`,
          `${topics.up('gw-2', 'tracking')} batch`,
        ].toSorted(),
      ]),
    settled,
  );
  await all.client.endAsync();

  const back = await connect('away', '', false);
  await vi.waitFor(() => expect(back.heard).toEqual([`${topics.downAck('gw-1')} 1`]), settled);
  for (const { client } of [named, config, back]) await client.endAsync();
});

it('loses no message of one client that goes the short way among those that are routed', async () => {
  const opened = await open();
  await opened.start(async () => {});
  const gateway = await mqtt.connectAsync(opened.url ?? '', { reconnectPeriod: 0 });
  const heard: string[] = [];
  gateway.on('message', (_topic, payload) => heard.push(payload.toString()));
  await gateway.subscribeAsync([topics.downAck('gw-1'), topics.downConfig('gw-1')], { qos: 1 });
  const sent: string[] = [];
  const publishing: Promise<void>[] = [];
  for (let n = 0; n < 200; n++) {
    const isConfig = n % 3 === 0;
    const topic = isConfig ? topics.downConfig('gw-1') : topics.downAck('gw-1');
    publishing.push(opened.publish(topic, Buffer.from(`${n}`), { retain: isConfig }));
    sent.push(`${n}`);
  }
  await Promise.all(publishing);
  await vi.waitFor(() => expect(heard.toSorted()).toEqual(sent.toSorted()), settled);
  await gateway.endAsync();
});
