import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inWords, ROOT, readTree, type SourceFile } from './source-tree.ts';
import { driverFaults, styleFaults } from './style-rules.ts';

function faultsOf(path: string, source: string): string[] {
  return inWords(styleFaults([{ path, source }]));
}

describe('this tree', () => {
  const tree = readTree();

  it('keeps the house style', () => {
    expect(tree.length).toBeGreaterThan(100);
    expect(inWords(styleFaults(tree))).toEqual([]);
  });

  it('has every part of every driver', () => {
    const folder = join(ROOT, 'edge/drivers');
    const drivers = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const folders = new Map(drivers.map(({ name }) => [name, readdirSync(join(folder, name))]));
    expect(folders.size).toBeGreaterThanOrEqual(5);
    expect(inWords(driverFaults(tree, folders))).toEqual([]);
  });
});

describe('the style refuses', () => {
  it.each([
    ['edge/outbox/laneLog.ts', 'laneLog.ts is not kebab-case', ''],
    ['edge/Outbox/lane-log.ts', 'Outbox is not kebab-case', ''],
    ['edge/outbox/lane_log.ts', 'lane_log.ts is not kebab-case', ''],
    ['edge/a.ts', '601 lines; 600 at most', 'x\n'.repeat(601)],
    ['edge/a.test.ts', '901 lines; 900 at most', 'x\n'.repeat(901)],
    ['scripts/a.sh', 'decide it', `# ${'TO'}DO later`],
    ['edge/a.ts', 'decide it', `/* ${'FIX'}ME */`],
    ['edge/a.test.ts', 'it.only: every test runs', "it.only('a', () => {})"],
    ['edge/a.test.ts', 'describe.skip: every test runs', "describe.concurrent.skip('a', () => {})"],
    ['edge/a.test.ts', 'test.skip: every test runs', "test.skip.each([1])('a', () => {})"],
    ['edge/a.test.ts', 'it.todo: every test runs', "it.todo('a')"],
    ['edge/a.test.ts', 'describe.skipIf: every test runs', "describe.skipIf(missing)('a', () => {})"],
    ['protocols/a/b.ts', 'Date.now hides a clock', 'const t = Date.now()'],
    ['edge/pipeline/a.ts', 'Date.now hides a clock', 'const now = Date\n  .now'],
    ['edge/rules/a.ts', 'new Date() hides a clock', 'const t = new Date()'],
    ['edge/outbox/a.ts', 'performance.now hides a clock', 'f(performance.now())'],
    ['edge/uplink/a.ts', 'Math.random hides a clock', 'const random = Math.random'],
    ['hub/tracking/a.ts', 'new Date() hides a clock', `\`\${new Date()}\``],
    ['hub/process/a.ts', 'process.hrtime hides a clock', 'process.hrtime.bigint()'],
    ['protocols/a/b.ts', 'setTimeout: protocols hold no timers', 'setTimeout(f, 1)'],
  ])('in %s: %s', (path, message, source) => {
    expect(faultsOf(path, source)).toEqual([expect.stringContaining(message)]);
  });

  it('a driver with a part missing, out of the list, or without a folder', () => {
    const parts = ['driver.ts', 'options.ts', 'sample.yaml', 'README.md', 'driver.test.ts', 'fixtures'];
    const path = 'edge/drivers/index.ts';
    const source = "f(() => import('./nmea/driver.ts')); f(() => import('./gone/driver.ts'));";
    const list: SourceFile = { path, source };
    const folders = new Map([
      ['nmea', parts.filter((part) => part !== 'fixtures' && part !== 'README.md')],
      ['new', parts],
    ]);
    expect(inWords(driverFaults([list], folders))).toEqual([
      `${path}: new is not in the list`,
      `${path}: gone has no folder`,
      'edge/drivers/nmea: README.md is missing',
      'edge/drivers/nmea: fixtures/ is missing',
    ]);
    expect(inWords(driverFaults([], folders))).toEqual([`${path}: is missing`]);
  });
});

describe('the style allows', () => {
  it.each([
    ['edge/drivers/nmea/README.md', ''],
    ['protocols/uplink/payload-codec.golden.test.ts', ''],
    ['protocols/a/b.ts', 'new Date(ms); "Date.now()"; /Math.random/.test(x); // Date.now()'],
    ['edge/outbox/a.test.ts', 'const started = performance.now()'],
    ['edge/transport/a.ts', 'frames.skip(2); options.only; setTimeout(f, 1)'],
    ['hub/store/store.contract.ts', "it.runIf(orders)('a', () => {})"],
  ])('in %s: %j', (path, source) => {
    expect(faultsOf(path, source)).toEqual([]);
  });
});
