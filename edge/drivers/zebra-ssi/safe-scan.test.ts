/**
 * The promise of this driver, end to end: driver, supervisor, pipeline, intake and Outbox as in the daemon, on a disk that loses what was not
 * synced, with a reader that behaves as the guide says. The daemon is killed at every operation of the disk, and between disk and ACK.
 */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../protocols/base/log.ts';
import { decodeSsi, SsiOpcode, ssiAck, ssiDecodeData, ssiDecoderAck } from '../../../protocols/ssi/index.ts';
import { MemoryDisk } from '../../outbox/memory-disk.test-support.ts';
import { Outbox } from '../../outbox/outbox.ts';
import { Intake } from '../../pipeline/intake.ts';
import { Pipeline } from '../../pipeline/pipeline.ts';
import { RECENT_RECORDS, recentScans } from '../../pipeline/recent-scans.ts';
import { EventLoopClock, settle } from '../../transport/event-loop-clock.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { superviseDevice } from '../../transport/supervisor.ts';
import { driver } from './driver.ts';

const BOOT = 7;
const DEVICE = 'dock-4-scanner';
const OPTIONS = driver.options.parse({ path: '/dev/serial/by-id/usb-reader', configure: false, checkMs: 0, ledMs: 0 });
const ACK = ssiAck();

/** A reader: one packet, twice more after two seconds each, then its transmission error. */
class Reader {
  readonly heard: ('acknowledged' | 'error')[] = [];
  host: MemoryTransport | undefined;
  readonly #clock: EventLoopClock;
  #cancel: (() => void) | undefined;

  constructor(clock: EventLoopClock) {
    this.#clock = clock;
  }

  scan(text: string, sending = 1): void {
    this.host?.feed(ssiDecodeData(0x03, Buffer.from(text), { retransmit: sending > 1 }));
    this.#cancel = this.#clock.after(2_000, () => {
      if (sending < 3) this.scan(text, sending + 1);
      else this.#end('error');
    });
  }

  fromHost(bytes: Buffer, device: MemoryTransport): void {
    if (device !== this.host || bytes.length === 1) return;
    if (bytes.equals(ACK)) this.#end('acknowledged');
    else if (decodeSsi(bytes).opcode !== SsiOpcode.nak) device.feed(ssiDecoderAck());
  }

  #end(outcome: 'acknowledged' | 'error'): void {
    if (!this.#cancel) return;
    this.#cancel();
    this.#cancel = undefined;
    this.heard.push(outcome);
  }
}

async function world(scanWindowMs = 0) {
  const clock = new EventLoopClock();
  const disk = new MemoryDisk();
  const reader = new Reader(clock);
  /** Called with each ACK before the reader has it; true: the daemon dies now. */
  let onAck: () => boolean = () => false;
  let life: { outbox: Outbox; die(): void } | undefined;

  const start = async () => {
    const open = Outbox.open({
      disk,
      folder: '/outbox',
      clock,
      log: silentLog,
      bootId: BOOT,
      newEpoch: () => '00000000000000e1',
    });
    await clock.advance(5);
    const outbox = await open;
    const intake = new Intake({ appender: outbox, clock, log: silentLog });
    const readPoint = {
      id: 'dock-4',
      businessStep: 'receiving',
      scanWindowMs,
      tagDepartedAfterMs: 5_000,
      tagDepartures: false,
    } as const;
    const pipeline = new Pipeline({
      devices: [{ id: DEVICE, readPoint }],
      site: { facilityId: 'hub-1' },
      intake,
      identify: ({ text }) => [`code:${text}`],
      identifyTag: () => [],
      clock,
      log: silentLog,
    });
    pipeline.remember(recentScans(await outbox.newest('tracking', RECENT_RECORDS), BOOT));
    const stop = new AbortController();
    const transport = new MemoryTransport((bytes, device) => {
      if (bytes.equals(ACK) && onAck()) return die();
      reader.fromHost(bytes, device);
    });
    reader.host = transport;
    const device = superviseDevice({
      deviceId: DEVICE,
      driver,
      options: OPTIONS,
      openTransport: async () => transport,
      clock,
      log: silentLog,
      random: () => 0.5,
      signal: stop.signal,
      onReading: (reading) => pipeline.take(DEVICE, reading),
      onHealthChange: () => {},
    });
    const die = () => {
      if (life?.outbox !== outbox) return;
      life = undefined;
      reader.host = undefined;
      disk.dieAt = 0;
      stop.abort();
      intake.stop();
    };
    life = { outbox, die };
    await settle();
    return device;
  };

  await start();
  return {
    clock,
    disk,
    reader,
    start,
    die: () => life?.die(),
    isAlive: () => life !== undefined,
    onAck: (callback: () => boolean) => {
      onAck = callback;
    },
    /** What is lost when the power fails: all that was not synced. */
    powerFails: () => disk.crash(() => 0),
    async stored() {
      if (!life) throw new Error('the daemon is dead');
      return recentScans(await life.outbox.newest('tracking', 1_000), BOOT).map(({ text }) => text);
    },
    async stop() {
      life?.die();
      await clock.advance(10_000);
    },
  };
}

describe('a scan that is acknowledged', () => {
  it('survives a power failure in the same moment', async () => {
    const { clock, reader, start, onAck, powerFails, die, isAlive, stored, stop } = await world();
    onAck(() => {
      powerFails();
      return false;
    });
    reader.scan('1Z5R89390357567127');
    await clock.advance(200);
    expect(reader.heard).toEqual(['acknowledged']);
    die();
    expect(isAlive()).toBe(false);
    powerFails();
    await start();
    expect(await stored()).toEqual(['1Z5R89390357567127']);
    await stop();
  });

  it('is acknowledged within 50 ms', async () => {
    const { clock, reader, stop } = await world();
    reader.scan('A');
    await clock.advance(50);
    expect(reader.heard).toEqual(['acknowledged']);
    await stop();
  });
});

describe('a daemon that is killed', () => {
  it('between the disk and the ACK: the reader sends again, and there is one event', async () => {
    const { clock, reader, start, onAck, powerFails, isAlive, stored, stop } = await world();
    onAck(() => isAlive());
    reader.scan('A');
    await clock.advance(500);
    expect(isAlive()).toBe(false);
    expect(reader.heard).toEqual([]);
    powerFails();
    onAck(() => false);
    await start();
    await clock.advance(2_000);
    expect(reader.heard).toEqual(['acknowledged']);
    expect(await stored()).toEqual(['A']);
    // The next scan of the same label is one of its own.
    reader.scan('A');
    await clock.advance(200);
    expect(await stored()).toEqual(['A', 'A']);
    await stop();
  });

  it('at any operation of the disk: acknowledged in the end, exactly one event', async () => {
    let operations = 0;
    for (let after = 1; after <= Math.max(1, operations) + 1; after++) {
      const { clock, disk, reader, start, die, isAlive, powerFails, stored, stop } = await world();
      const before = disk.operations;
      disk.dieAt = before + after;
      reader.scan('A');
      await clock.advance(20);
      operations = Math.max(operations, disk.operations - before);
      const isKilled = disk.operations >= disk.dieAt;
      if (isKilled) {
        die();
        expect(isAlive()).toBe(false);
        powerFails();
        await start();
      }
      disk.dieAt = Number.POSITIVE_INFINITY;
      await clock.advance(2_500);
      expect(reader.heard).toEqual(['acknowledged']);
      expect(await stored()).toEqual(['A']);
      await stop();
    }
    expect(operations).toBeGreaterThan(1);
  });

  it('and stays away longer than the reader waits: the person scans again, and the window folds it', async () => {
    const { clock, reader, start, onAck, powerFails, isAlive, stored, stop } = await world(30_000);
    onAck(() => isAlive());
    reader.scan('A');
    await clock.advance(7_000);
    expect(reader.heard).toEqual(['error']);
    powerFails();
    onAck(() => false);
    await start();
    reader.scan('A');
    await clock.advance(500);
    expect(reader.heard).toEqual(['error', 'acknowledged']);
    expect(await stored()).toEqual(['A']);
    await stop();
  });
});

describe('a disk that takes nothing', () => {
  it('leaves the reader without an answer until it complains; scanned again when there is room, it is one event', async () => {
    const { clock, disk, reader, stored, stop } = await world(30_000);
    disk.space = 0;
    reader.scan('A');
    await clock.advance(6_500);
    expect(reader.heard).toEqual(['error']);
    disk.space = Number.POSITIVE_INFINITY;
    await clock.advance(1_000);
    reader.scan('A');
    await clock.advance(100);
    expect(reader.heard).toEqual(['error', 'acknowledged']);
    expect(await stored()).toEqual(['A']);
    await stop();
  });

  it('for three seconds only costs a repetition', async () => {
    const { clock, disk, reader, stored, stop } = await world();
    disk.space = 0;
    reader.scan('A');
    await clock.advance(3_000);
    disk.space = Number.POSITIVE_INFINITY;
    await clock.advance(1_500);
    expect(reader.heard).toEqual(['acknowledged']);
    expect(await stored()).toEqual(['A']);
    await stop();
  });
});
