import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { DRIVERS } from './index.ts';

const PARTS = ['README.md', 'driver.test.ts', 'driver.ts', 'fixtures', 'options.ts', 'sample.yaml'];
const folder = new URL('./', import.meta.url);
const sample = z.strictObject({
  id: z.string(),
  driver: z.string(),
  readPoint: z.string().optional(),
  antennas: z.record(z.string(), z.string()).optional(),
  options: z.unknown(),
});

it('lists every folder, and no other', async () => {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(Object.keys(DRIVERS).sort()).toEqual(folders.sort());
});

describe.each(Object.entries(DRIVERS))('%s', (kind, load) => {
  it('has all its parts', async () => {
    expect(await readdir(new URL(`${kind}/`, folder))).toEqual(expect.arrayContaining(PARTS));
    expect(await readdir(new URL(`${kind}/fixtures/`, folder))).not.toEqual([]);
  });

  it('is what the list says, and tells its options', async () => {
    const driver = await load();
    expect(driver.kind).toBe(kind);
    expect(driver.summary).toMatch(/^\S.{10,100}$/);
    expect(driver.options.safeParse({ bogus: 1 }).success).toBe(false);
  });

  it('has a sample that its schema takes, and refuses with one key more', async () => {
    const driver = await load();
    const devices = z.array(sample).parse(parse(await readFile(new URL(`${kind}/sample.yaml`, folder), 'utf8')));
    expect(devices).not.toEqual([]);
    for (const device of devices) {
      expect(device.driver).toBe(kind);
      const options = driver.options.parse(device.options);
      expect(driver.transport(options).kind).toMatch(/^(serial|tcp|hid|files|programs)$/);
      expect(driver.options.safeParse({ ...(device.options as object), bogus: 1 }).success).toBe(false);
    }
  });
});
