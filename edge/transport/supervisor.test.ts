import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Log } from '../../protocols/base/log.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../driver.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { DeviceHealth } from './device-health.ts';
import { EventLoopClock, settle } from './event-loop-clock.test-support.ts';
import { MemoryTransport } from './memory-transport.test-support.ts';
import { superviseDevice } from './supervisor.ts';
import { type OpenTransport, TransportError } from './transport.ts';

/** Every byte is a reading, except: '!' throws, 'S' is a silent device, '#' is discarded, 'W' waits for ever, 's' states. */
async function* bytesDriver(context: DriverContext): AsyncIterable<Reading> {
  const reader = new ChunkReader(context);
  for (;;) {
    const chunk = await reader.read();
    if (typeof chunk === 'string') return;
    for (const byte of chunk) {
      const letter = String.fromCharCode(byte);
      const monotonicUs = context.clock.monotonicUs();
      context.stats.bytes++;
      if (letter === '!') throw new Error('a bug in the driver');
      if (letter === 'S') throw new DriverError({ code: 'device-silent', message: 'no answer' });
      if (letter === 'W') await new Promise(() => {});
      if (letter === 's') {
        yield { kind: 'status', code: 'unit-silent', message: '', monotonicUs };
      } else if (letter === '#') {
        context.stats.discardedBytes++;
      } else {
        context.stats.frames++;
        yield { kind: 'scan', text: letter, monotonicUs };
      }
    }
  }
}

const driver: Driver<object> = {
  kind: 'bytes',
  summary: 'a byte a scan',
  options: z.object({}),
  silentByNature: true,
  transport: () => ({ kind: 'serial', path: '/dev/test', baudRate: 9600 }),
  run: bytesDriver,
};

type Attempt = MemoryTransport | Error | (() => ReturnType<OpenTransport>);

/** A device under supervision; `attempts` answer the openings in turn, after that the port is missing. */
function supervise(
  attempts: Attempt[],
  more: { onReading?: (reading: Reading) => Promise<void>; driver?: Driver<object> } = {},
) {
  const clock = new EventLoopClock();
  const stop = new AbortController();
  const scans: string[] = [];
  const changes: string[] = [];
  const logged: string[] = [];
  const seen: DeviceHealth[] = [];
  let openings = 0;
  const say = (fields: object, message: string) =>
    void logged.push(`${message} ${'code' in fields ? fields.code : ''}`.trim());
  const log: Log = { debug() {}, info: say, warn: say, error: say, child: () => log };
  const device = superviseDevice({
    deviceId: 'door-4',
    driver: more.driver ?? driver,
    options: {},
    clock,
    log,
    random: () => 0.999,
    signal: stop.signal,
    openTransport: async () => {
      const attempt = attempts[openings++];
      if (attempt instanceof MemoryTransport) return attempt;
      if (typeof attempt === 'function') return attempt();
      throw attempt ?? new TransportError({ code: 'port-missing', message: 'not there' });
    },
    onReading:
      more.onReading ??
      (async (reading) => {
        if (reading.kind === 'scan') scans.push(reading.text);
      }),
    onHealthChange: (health) => {
      changes.push(health.code ? `${health.state} ${health.code}` : health.state);
      seen.push(health);
    },
  });
  return { clock, stop, scans, changes, logged, seen, device, openings: () => openings };
}

describe('supervisor', () => {
  it('hands readings on in order and stops when told', async () => {
    const port = new MemoryTransport();
    const { stop, scans, changes, device } = supervise([port]);
    port.feed('abc', [2, 1]);
    await settle();
    expect(scans).toEqual(['a', 'b', 'c']);
    expect(changes).toEqual(['online']);
    expect(device.health).toMatchObject({ state: 'online', code: '', reconnects: 0 });
    expect(device.health.stats).toEqual({ bytes: 3, frames: 3, discardedBytes: 0, checksumErrors: 0 });
    stop.abort();
    await device.done;
    expect(port.closed).toBe(true);
  });

  it('looks for an absent port at least once a second, says so once, and reads within a second of its return', async () => {
    const port = new MemoryTransport();
    const missing = new TransportError({ code: 'port-missing', message: 'not there' });
    const attempts: Attempt[] = Array.from({ length: 60 }, () => missing);
    const t = supervise([...attempts, port]);
    await t.clock.advance(50_000);
    expect(t.openings()).toBeGreaterThanOrEqual(50);
    expect(t.changes).toEqual(['offline port-missing']);
    expect(t.logged).toEqual(['device fault port-missing']);
    await t.clock.advance(20_000);
    expect(t.changes).toEqual(['offline port-missing', 'online']);
    expect(t.device.health.reconnects).toBe(0);
  });

  it('repeats a lasting fault in the log at growing intervals only', async () => {
    const t = supervise([]);
    await t.clock.advance(10 * 60_000);
    // At 0, 1, 3 and 7 minutes.
    expect(t.logged).toEqual(Array(4).fill('device fault port-missing'));
    expect(t.changes).toEqual(['offline port-missing']);
  });

  it('comes back after a pulled cable and counts on', async () => {
    const [first, second] = [new MemoryTransport(), new MemoryTransport()];
    const missing = new TransportError({ code: 'port-missing', message: 'not there' });
    const t = supervise([first, missing, second]);
    first.feed('ab');
    await settle();
    first.lose();
    await t.clock.advance(2_000);
    second.feed('c');
    await settle();
    expect(t.scans).toEqual(['a', 'b', 'c']);
    expect(t.changes).toEqual(['online', 'offline port-lost', 'offline port-missing', 'online']);
    expect(t.device.health).toMatchObject({ reconnects: 1, stats: { bytes: 3, frames: 3 } });
  });

  it('treats an orderly end by the device as a loss', async () => {
    const [first, second] = [new MemoryTransport(), new MemoryTransport()];
    const t = supervise([first, second]);
    first.end();
    await t.clock.advance(1_000);
    expect(t.changes).toEqual(['online', 'offline port-lost', 'online']);
  });

  it('survives an exception in the driver, and logs its stack', async () => {
    const [first, second] = [new MemoryTransport(), new MemoryTransport()];
    const t = supervise([first, second]);
    first.feed('a!b');
    await t.clock.advance(1_000);
    second.feed('c');
    await settle();
    expect(t.scans).toEqual(['a', 'c']);
    expect(t.changes).toEqual(['online', 'fault driver-failed', 'online']);
    expect(first.closed).toBe(true);
  });

  it('survives an opener and a driver that throw at once', async () => {
    const broken: Driver<object> = {
      ...driver,
      run: () => {
        throw new Error('no iterable at all');
      },
    };
    const t = supervise([new Error('unexpected'), ...Array.from({ length: 9 }, () => new MemoryTransport())], {
      driver: broken,
    });
    await t.clock.advance(2_000);
    expect(t.changes).toEqual(['fault driver-failed']);
    t.stop.abort();
    await t.device.done;
  });

  it('does not call a silent device online because its port opens', async () => {
    const ports = Array.from({ length: 4 }, () => new MemoryTransport());
    const t = supervise(ports);
    for (const port of ports.slice(0, 3)) {
      port.feed('S');
      await t.clock.advance(5_000);
    }
    expect(t.changes).toEqual(['online', 'fault device-silent']);
    ports[3]?.feed('a');
    await settle();
    expect(t.changes).toEqual(['online', 'fault device-silent', 'online']);
  });

  it('calls a device that is not silent by nature online from its first good frame or reading', async () => {
    const ports = [new MemoryTransport(), new MemoryTransport(), new MemoryTransport()] as const;
    const t = supervise([...ports], { driver: { ...driver, silentByNature: false } });
    await t.clock.advance(5_000);
    expect(t.device.health).toMatchObject({ state: 'connecting', code: '' });
    expect(t.changes).toEqual([]);
    ports[0].lose();
    await t.clock.advance(1_500);
    expect(t.device.health.state).toBe('connecting');
    ports[1].lose();
    await t.clock.advance(1_500);
    // Twice lost without a sign of life in between is one outage.
    expect(t.changes).toEqual(['offline port-lost']);
    ports[2].feed('s');
    await settle();
    expect(t.device.health.state).toBe('connecting');
    ports[2].feed('a');
    await settle();
    expect(t.changes).toEqual(['offline port-lost', 'online']);
  });

  it('shows a silent device as silent again when its port returns', async () => {
    const ports = [new MemoryTransport(), new MemoryTransport()] as const;
    const missing = new TransportError({ code: 'port-missing', message: 'not there' });
    const t = supervise([ports[0], missing, ports[1]]);
    ports[0].feed('S');
    await t.clock.advance(10_000);
    expect(t.changes).toEqual(['online', 'fault device-silent', 'offline port-missing', 'fault device-silent']);
  });

  it('does not take a status for a proof of life, but hands it on', async () => {
    const ports = [new MemoryTransport(), new MemoryTransport()] as const;
    const kinds: string[] = [];
    const t = supervise([...ports], { onReading: async (reading) => void kinds.push(reading.kind) });
    ports[0].feed('S');
    await t.clock.advance(5_000);
    ports[1].feed('s');
    await settle();
    expect(kinds).toEqual(['status']);
    expect(t.device.health).toMatchObject({ state: 'fault', lastReadingUs: undefined });
  });

  it('calls bytes without frames nonsense and names baud rate and driver, until frames come', async () => {
    const port = new MemoryTransport();
    const t = supervise([port]);
    port.feed('#'.repeat(90));
    await t.clock.advance(1_000);
    expect(t.changes).toEqual(['online']);
    for (let second = 0; second < 5; second++) {
      port.feed('#'.repeat(90));
      await t.clock.advance(1_000);
    }
    expect(t.changes).toEqual(['online', 'fault nonsense']);
    expect(t.device.health.message).toMatch(/9600.*driver/);
    port.feed(`##${'a'.repeat(200)}`);
    await t.clock.advance(1_000);
    expect(t.changes).toEqual(['online', 'fault nonsense', 'online']);
  });

  it('slows down for a device that comes and goes', async () => {
    const t = supervise(
      Array.from({ length: 500 }, () => () => {
        const port = new MemoryTransport();
        setImmediate(() => port.lose());
        return Promise.resolve(port);
      }),
    );
    await t.clock.advance(10 * 60_000);
    expect(t.openings()).toBeLessThan(40);
  });

  it('tells two faults that take turns once each', async () => {
    const refused = new TransportError({ code: 'connect-refused', message: 'refused' });
    const timeout = new TransportError({ code: 'connect-timeout', message: 'no answer' });
    const t = supervise(Array.from({ length: 400 }, (_, i) => (i % 2 ? refused : timeout)));
    await t.clock.advance(60_000);
    expect(t.changes).toEqual(['offline connect-timeout', 'offline connect-refused']);
  });

  it('stops asking the driver while 256 readings wait, and loses none', async () => {
    const port = new MemoryTransport();
    const release: (() => void)[] = [];
    const t = supervise([port], { onReading: () => new Promise((resolve) => void release.push(resolve)) });
    port.feed('x'.repeat(1_000));
    await settle();
    expect(release).toHaveLength(256);
    for (let next = 0; next < 1_000; next++) {
      release[next]?.();
      await Promise.resolve();
    }
    while (release.length < 1_000) {
      await settle();
      for (const resolve of release) resolve();
    }
    expect(release).toHaveLength(1_000);
    t.stop.abort();
    await t.device.done;
  });

  it('is not stopped by a reading that is refused', async () => {
    const port = new MemoryTransport();
    const t = supervise([port], {
      onReading: () => {
        throw new Error('outbox closed');
      },
    });
    port.feed('ab');
    await settle();
    expect(t.device.health.state).toBe('online');
    expect(t.logged).toContain('reading was not taken: it is lost reading-refused');
  });

  it('leaves a driver behind that does not stop', async () => {
    const port = new MemoryTransport();
    const t = supervise([port]);
    port.feed('W');
    await settle();
    t.stop.abort();
    await t.clock.advance(5_000);
    await t.device.done;
    expect(port.closed).toBe(true);
  });

  it('stops while an opening hangs, and closes what it opens later', async () => {
    const port = new MemoryTransport();
    let open: (port: MemoryTransport) => void = () => {};
    const t = supervise([
      () =>
        new Promise((resolve) => {
          open = resolve;
        }),
    ]);
    await settle();
    t.stop.abort();
    await t.device.done;
    open(port);
    await settle();
    expect(port.closed).toBe(true);
  });
});
