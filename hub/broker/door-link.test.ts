/** The door's connection against a broker of a few lines, that says what it was sent. Packets as MQTT 3.1.1 has them, sections 2 and 3. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { openDoorLink } from './door-link.ts';

const settled = { timeout: 30_000, interval: 5 };
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Connected {
  clientId: string;
  clean: boolean;
  subscribed: string[];
  unsubscribed: string[];
  acknowledged: number[];
  pings: number;
  /** What the broker still has for it when it leaves. */
  queued: string[];
  publish(id: number, payload: string): void;
  drop(): void;
}

const text = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);

async function fakeBroker() {
  const connections: Connected[] = [];
  const server = createServer((socket) => serve(socket, connections)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    for (const { drop } of connections) drop();
    await new Promise((resolve) => server.close(resolve));
  });
  const connected = async (nth: number) => {
    await vi.waitFor(() => expect(connections[nth]?.subscribed).toHaveLength(1), settled);
    return connections[nth] ?? expect.unreachable();
  };
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, connected };
}

function serve(socket: Socket, connections: Connected[]): void {
  const connection: Connected = {
    clientId: '',
    clean: false,
    subscribed: [],
    unsubscribed: [],
    acknowledged: [],
    pings: 0,
    queued: [],
    publish(id, payload) {
      const body = Buffer.concat([text(topics.door('app')), Buffer.from([id >> 8, id & 255]), Buffer.from(payload)]);
      socket.write(Buffer.concat([Buffer.from([0x32, body.length]), body]));
    },
    drop: () => socket.destroy(),
  };
  const answers: Record<number, (body: Buffer) => number[] | undefined> = {
    // CONNECT: protocol name and level, flags, keep-alive, client id.
    1(body) {
      connection.clean = ((body[7] ?? 0) & 2) !== 0;
      connection.clientId = body.toString('utf8', 12, 12 + body.readUInt16BE(10));
      connections.push(connection);
      return [0x20, 2, 0, 0];
    },
    4: (body) => void connection.acknowledged.push(body.readUInt16BE(0)),
    8(body) {
      connection.subscribed.push(body.toString('utf8', 4, 4 + body.readUInt16BE(2)));
      return [0x90, 3, ...body.subarray(0, 2), 1];
    },
    10(body) {
      connection.unsubscribed.push(body.toString('utf8', 4, 4 + body.readUInt16BE(2)));
      for (const [index, payload] of connection.queued.entries()) connection.publish(index + 1, payload);
      return [0xb0, 2, ...body.subarray(0, 2)];
    },
    12: () => void connection.pings++,
  };
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    // None of a client's packets here is longer than a byte can say.
    for (let at = 0; at < chunk.length; at += 2 + (chunk[at + 1] ?? 0)) {
      const answer = answers[(chunk[at] ?? 0) >> 4]?.(chunk.subarray(at + 2, at + 2 + (chunk[at + 1] ?? 0)));
      if (answer) socket.write(Buffer.from(answer));
    }
  });
}

/** A door whose messages are taken when the test says so. */
async function setup(options: { name?: string; maxPendingBytes?: number } = {}) {
  const broker = await fakeBroker();
  const link = await openDoorLink({
    maxPendingBytes: 1_000,
    ...options,
    url: broker.url,
    share: 'hubs',
    log: silentLog,
  });
  const came: string[] = [];
  const taking: (() => void)[] = [];
  link.start((_topic, payload) => {
    came.push(payload.toString());
    return new Promise((resolve) => taking.push(resolve));
  });
  closing.push(async () => {
    for (const take of taking.splice(0)) take();
    await link.close();
  });
  const arrived = (...payloads: string[]) => vi.waitFor(() => expect(came).toEqual(payloads), settled);
  const takeNth = (nth: number) => (taking[nth] ?? expect.unreachable())();
  return { link, came, arrived, takeNth, connected: broker.connected };
}

describe('what a hub acknowledges of the open door', () => {
  it('is what was taken, in the order in which it came, while more is taken', async () => {
    const { arrived, takeNth, connected } = await setup();
    const broker = await connected(0);
    for (const id of [7, 300, 9]) broker.publish(id, `m${id}`);
    await arrived('m7', 'm300', 'm9');
    takeNth(2);
    takeNth(1);
    // Behind what would have come meanwhile.
    broker.publish(10, 'm10');
    await arrived('m7', 'm300', 'm9', 'm10');
    expect(broker.acknowledged).toEqual([]);
    takeNth(0);
    await vi.waitFor(() => expect(broker.acknowledged).toEqual([7, 300, 9]), settled);
    takeNth(3);
    await vi.waitFor(() => expect(broker.acknowledged).toEqual([7, 300, 9, 10]), settled);
  });

  it('goes out on the connection that brought it and on no other', async () => {
    const { arrived, takeNth, connected } = await setup();
    const first = await connected(0);
    first.publish(1, 'a');
    await arrived('a');
    first.drop();
    const second = await connected(1);
    second.publish(1, 'another');
    await arrived('a', 'another');
    takeNth(0);
    second.publish(2, 'b');
    await arrived('a', 'another', 'b');
    takeNth(2);
    takeNth(1);
    await vi.waitFor(() => expect(second.acknowledged).toEqual([1, 2]), settled);
    expect(first.acknowledged).toEqual([]);
  });

  it('is bounded by what is in hands: beyond it nothing is read', async () => {
    const { link, arrived, takeNth, connected } = await setup({ maxPendingBytes: 10 });
    const broker = await connected(0);
    for (const [id, payload] of ['12345', '67890', 'over', 'unread'].entries()) broker.publish(id + 1, payload);
    await arrived('12345', '67890');
    await vi.waitFor(() => expect(link.queue()).toEqual({ bytes: 10, waiting: 1 }), settled);
    takeNth(0);
    await arrived('12345', '67890', 'over');
    takeNth(1);
    await arrived('12345', '67890', 'over', 'unread');
    expect(broker.acknowledged).toEqual([1, 2]);
  });
});

it('a full hub keeps its connection, though it does not read the answers to its pings', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  closing.push(async () => vi.useRealTimers());
  const { link, arrived, takeNth, connected } = await setup({ maxPendingBytes: 1 });
  const broker = await connected(0);
  broker.publish(1, 'a');
  broker.publish(2, 'b');
  await vi.waitFor(() => expect(link.queue().waiting).toBe(1), settled);
  await vi.advanceTimersByTimeAsync(60_000);
  await vi.waitFor(() => expect(broker.pings).toBeGreaterThan(10), settled);
  takeNth(0);
  await arrived('a', 'b');
  await vi.waitFor(() => expect(broker.acknowledged).toEqual([1]), settled);
});

describe('the session', () => {
  it('of a hub with a name is kept: it stays in the share when it goes, with what it had not acknowledged', async () => {
    const { link, arrived, takeNth, connected } = await setup({ name: 'hub-1' });
    const broker = await connected(0);
    expect(broker).toMatchObject({ clientId: 'milepost-door-hubs-hub-1', clean: false });
    expect(broker.subscribed).toEqual(['$share/hubs/milepost/v1/+/json']);
    broker.publish(1, 'a');
    await arrived('a');
    const closed = link.close();
    broker.publish(2, 'for its next start');
    takeNth(0);
    await closed;
    await vi.waitFor(() => expect(broker.acknowledged).toEqual([1]), settled);
    expect(broker.unsubscribed).toEqual([]);
    await arrived('a');
  });

  it('of one without is clean: it leaves the share, and takes what the broker still has for it', async () => {
    const { link, arrived, takeNth, connected } = await setup();
    const broker = await connected(0);
    expect(broker.clean).toBe(true);
    broker.queued.push('a', 'b');
    const closed = link.close();
    await arrived('a', 'b');
    takeNth(0);
    takeNth(1);
    await closed;
    expect(broker.unsubscribed).toEqual(['$share/hubs/milepost/v1/+/json']);
    await vi.waitFor(() => expect(broker.acknowledged).toEqual([1, 2]), settled);
  });
});
