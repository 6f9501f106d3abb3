/**
 * A thousand damaged outboxes: bits flipped, files cut, lost, doubled, swapped, renamed, zeroed, foreign ones among them. Each opens by itself;
 * what is left is given, what is lost is stated to the hub, no sequence is given out again.
 */
import { expect, it } from 'vitest';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { isBalanced } from '../ops/report.ts';
import { MemoryDisk } from './memory-disk.test-support.ts';
import { FOLDER, inTime, isOurs, openOn, pending, put, statements } from './outbox.test-support.ts';
import type { Outbox } from './outbox.ts';

const IMAGES = 1_000;
const OPTIONS = { segmentBytes: 700, diskReserveBytes: 512, hostRun: 'one' };

interface Image {
  disk: MemoryDisk;
  /** What was promised, by sequence. */
  promised: Record<Lane, Map<number, string>>;
  /** Up to where the hub had acknowledged. */
  acknowledged: Record<Lane, number>;
}

it(`opens ${IMAGES} damaged outboxes, and accounts for every record`, async () => {
  const images = [await build('closed'), await build('killed'), await build('grown')];
  const foreign = (await build('closed')).disk;
  for (let seed = 1; seed <= IMAGES; seed++) {
    const image = images[seed % images.length] as Image;
    const disk = image.disk.copy();
    const random = seededRandom(seed);
    const done = damage(disk, foreign, random);
    await judge({
      image,
      disk,
      what: `seed ${seed}: ${done.join(', ')}`,
      exact: !done.some((each) => /mark|json|lane/.test(each)),
    });
  }
}, 300_000);

async function build(kind: 'closed' | 'killed' | 'grown'): Promise<Image> {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  const promised = { alert: new Map(), tracking: new Map(), telemetry: new Map() };
  const acknowledged = { alert: 3, tracking: 12, telemetry: 0 };
  let outbox = await openOn(disk, clock, OPTIONS);
  const fill = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const lane = LANES[n % 7 === 0 ? 0 : n % 2 === 0 ? 1 : 2] as Lane;
      const text = `${lane}:${promised[lane].size} ${'.'.repeat((n * 7) % 60)}`;
      promised[lane].set(await put(outbox, clock, lane, text), text);
    }
  };
  await fill(90);
  for (const lane of LANES) outbox.acknowledge({ epoch: outbox.epoch, lane, first: 1, last: acknowledged[lane] });
  await clock.advance(2_000);
  if (kind === 'grown') {
    await inTime(clock, outbox.close());
    outbox = await openOn(disk, clock, OPTIONS);
    await fill(20);
  }
  if (kind === 'closed') await inTime(clock, outbox.close());
  return { disk, promised, acknowledged };
}

async function judge(at: { image: Image; disk: MemoryDisk; what: string; exact: boolean }): Promise<void> {
  const { image, disk, what, exact } = at;
  const clock = new ManualClock();
  const outbox = await openOn(disk, clock, OPTIONS);
  expect(outbox.mode, what).toEqual({ mode: 'ok', detail: '' });
  const found = await readAll(outbox, clock);
  const stated = statements(found.alert);
  const ledger = outbox.ledger();
  expect(isBalanced(ledger), `${what}: ${JSON.stringify(ledger)}`).toBe(true);
  expect(await inTime(clock, outbox.verify()), what).toEqual([]);
  for (const lane of LANES) {
    const promised = image.promised[lane];
    const isStated = (sequence: number) =>
      stated.some((range) => range.lane === lane && range.first <= sequence && sequence <= range.last);
    let missing = 0;
    for (const [sequence, text] of promised) {
      const given = found[lane].get(sequence);
      if (given !== undefined) expect(given, `${what}: ${lane} ${sequence}`).toBe(text);
      else if (sequence > image.acknowledged[lane]) {
        missing++;
        expect(isStated(sequence), `${what}: ${lane} ${sequence} is missing, and nobody was told`).toBe(true);
      }
    }
    for (const [sequence, text] of found[lane]) {
      if (isOurs(text)) expect(promised.get(sequence), `${what}: ${lane} ${sequence} was invented`).toBe(text);
    }
    expect(found[lane].size, `${what}: ${lane} pending`).toBe(ledger[lane].pending);
    if (exact) expect(ledger[lane].quarantined, `${what}: ${lane} lost`).toBe(missing);
    const next = await put(outbox, clock, lane, `${lane}:new`);
    expect(next, `${what}: ${lane} gives a sequence out again`).toBeGreaterThan(Math.max(...promised.keys()));
  }
  await expectSameAgain(disk, what, outbox);
}

/** What was found once is found again, and nothing more is lost. */
async function expectSameAgain(disk: MemoryDisk, what: string, outbox: Outbox): Promise<void> {
  const clock = new ManualClock();
  await inTime(clock, outbox.close());
  const again = await openOn(disk, clock, OPTIONS);
  await readAll(again, clock);
  expect(again.ledger(), `${what}: the second time`).toEqual(outbox.ledger());
}

/** All that is pending, when everything that reading found is stated. */
async function readAll(outbox: Outbox, clock: ManualClock): Promise<Record<Lane, Map<number, string>>> {
  const telemetry = await pending(outbox, 'telemetry', 1_000);
  const tracking = await pending(outbox, 'tracking', 1_000);
  await pending(outbox, 'alert', 1_000);
  await clock.advance(2_500);
  return { telemetry, tracking, alert: await pending(outbox, 'alert', 1_000) };
}

/** One to three damages; says what was done. */
function damage(disk: MemoryDisk, foreign: MemoryDisk, random: () => number): string[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const segments = () => disk.paths.filter((path) => path.endsWith('.seg'));
  const change = (path: string, how: (content: Buffer) => Buffer) => {
    disk.tamper(path, how(Buffer.from(disk.content(path) ?? Buffer.alloc(0))));
  };
  const somewhere = (content: Buffer) => Math.floor(random() * content.length);
  const kinds: Record<string, () => string> = {
    flip: () => {
      const path = pick(disk.paths);
      change(path, (content) => {
        for (let n = 1 + Math.floor(random() * 8); n > 0 && content.length > 0; n--) {
          const byte = somewhere(content);
          content[byte] = (content[byte] as number) ^ (1 << Math.floor(random() * 8));
        }
        return content;
      });
      return path;
    },
    cut: () => {
      const path = pick(disk.paths);
      change(path, (content) => content.subarray(0, somewhere(content)));
      return path;
    },
    zeroTail: () => {
      const path = pick(segments());
      change(path, (content) => Buffer.concat([content, Buffer.alloc(Math.floor(random() * 9_000))]));
      return path;
    },
    zeroFrom: () => {
      const path = pick(segments());
      change(path, (content) => content.fill(0, somewhere(content)));
      return path;
    },
    zeroRegion: () => {
      const path = pick(segments());
      change(path, (content) => {
        const from = somewhere(content);
        return content.fill(0, from, Math.min(content.length, from + 64));
      });
      return path;
    },
    empty: () => {
      const path = pick(disk.paths);
      disk.tamper(path, Buffer.alloc(0));
      return path;
    },
    lose: () => {
      const path = pick(disk.paths);
      disk.tamper(path, undefined);
      return path;
    },
    foreignFile: () => {
      const names = ['notes.txt', '000000000000500.seg', '000000000000005.seg', 'x.seg', 'lane.json.tmp', '.swp'];
      const path = `${FOLDER}/${pick(LANES)}/${pick(names)}`;
      if (disk.content(path)) return 'nothing';
      disk.tamper(path, Buffer.from(Array.from({ length: Math.floor(random() * 400) }, () => random() * 256)));
      return path;
    },
    foreignSegment: () => {
      const path = pick(foreign.paths.filter((each) => each.endsWith('.seg')));
      const to = `${path}.old.seg`;
      disk.tamper(to, foreign.content(path));
      return to;
    },
    foreignFolder: () => {
      const path = `${FOLDER}/${pick(LANES)}/${pick(['000000000000003.seg', 'backup'])}`;
      if (!disk.content(path)) disk.tamper(`${path}/inside`, Buffer.from('x'));
      return path;
    },
    double: () => {
      const path = pick(segments());
      disk.tamper(path.replace(/\d{15}/, pick(['000000000000777', 'copy of', '000000000000002'])), disk.content(path));
      return path;
    },
    rename: () => {
      const path = pick(segments());
      const to = path.replace(/\d{15}/, pick(['000000000000901', 'renamed']));
      disk.tamper(to, disk.content(path));
      disk.tamper(path, undefined);
      return `${path} to ${to}`;
    },
    swap: () => {
      const [a, b] = [pick(segments()), pick(segments())];
      const content = disk.content(a);
      disk.tamper(a, disk.content(b));
      disk.tamper(b, content);
      return `${a} and ${b}`;
    },
    otherLanesFolder: () => {
      const [a, b] = [`${FOLDER}/tracking/`, `${FOLDER}/telemetry/`];
      const files = disk.paths.filter((path) => path.startsWith(a) || path.startsWith(b));
      const contents = files.map((path) => disk.content(path));
      for (const path of files) disk.tamper(path, undefined);
      for (const [n, path] of files.entries()) {
        disk.tamper(path.startsWith(a) ? b + path.slice(a.length) : a + path.slice(b.length), contents[n]);
      }
      return 'the folders of two lanes';
    },
    anotherEpoch: () => {
      disk.tamper(`${FOLDER}/outbox.json`, foreign.content(`${FOLDER}/outbox.json`));
      return 'outbox.json';
    },
    loseLane: () => {
      const lane = pick(LANES);
      for (const path of disk.paths) if (path.startsWith(`${FOLDER}/${lane}/`)) disk.tamper(path, undefined);
      return `the lane ${lane}`;
    },
  };
  return Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const kind = pick(Object.keys(kinds));
    return `${kind} ${kinds[kind]?.()}`;
  });
}
