import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { named } from '../../protocols/base/outside-bytes.test-support.ts';
import { makeParcel } from '../parcels.ts';
import { testContext } from '../testing/context.ts';
import { type ModuleOptions, moduleOptions, thingMagicModule } from './module.ts';

const PARCEL = makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial: 3456789123 });
const READ_POINTS = new Map([
  [1, 'dock-in'],
  [2, 'dock-out'],
]);

interface Vector {
  name: string;
  input: string;
}
const log = JSON.parse(
  readFileSync(new URL('../../protocols/rfid-serial/fixtures/mercury-streaming.json', import.meta.url), 'utf8'),
) as Vector[];

/** A frame of the transport log of a real module. */
function logged(name: string): string {
  return named(log, `Mercury ${name}`).input;
}

const BOOT = 'ff00041d0b';
const GEN2 = 'ff02930005517d';

async function started(options: Partial<ModuleOptions> = {}) {
  const test = testContext();
  const module = await thingMagicModule('t', moduleOptions.parse(options), READ_POINTS).start(test.context);
  const line = test.line('t');
  const ask = async (request: string, ms = 20): Promise<string> => {
    line.sent.length = 0;
    line.fromHost(Buffer.from(request, 'hex'));
    await test.clock.advance(ms);
    return Buffer.concat(line.sent).toString('hex');
  };
  const booted = async () => {
    await ask(BOOT, 1_000);
    await ask(logged('set region NA2'));
    await ask(GEN2);
  };
  return { ...test, module, line, ask, booted };
}

describe('Mercury module', () => {
  it('is in its boot loader first, and refuses all but to boot', async () => {
    const { ask, module } = await started();
    expect((await ask(logged('get current program'))).slice(6, 12)).toBe('000011');
    expect((await ask(logged('set region NA2'))).slice(4, 10)).toBe('970101');
    expect((await ask(BOOT, 1_000)).slice(4, 10)).toBe('040000');
    expect((await ask(logged('get current program'))).slice(6, 12)).toBe('000012');
    await module.stop();
  });

  it('answers as the log of a real one', async () => {
    const { ask, module } = await started();
    await ask(BOOT, 1_000);
    const dialogue = [
      ['get region', 'region: none'],
      ['set region NA2', 'region set'],
      ['get region', 'region: NA2'],
      ['set power 27.00 dBm', 'power set'],
      ['set antennas 1', 'antennas set'],
      ['read filter off', 'option set'],
      ['clear tag buffer', 'tag buffer cleared'],
      ['start streaming', 'streaming started'],
      ['stop streaming', 'streaming stopped'],
    ] as const;
    for (const [request, reply] of dialogue) expect(await ask(logged(request))).toBe(logged(reply));
    await module.stop();
  });

  it('streams tags by antenna, and the end of each cycle', async () => {
    const { ask, booted, line, clock, ledger, module } = await started();
    await booted();
    void module.observe?.({ ...PARCEL, antennas: [1], dwellMs: 1_500 });
    await ask(logged('start streaming'), 3_100);
    const frames = line.sent.slice(1).map((frame) => frame.toString('hex'));
    const tags = frames.filter((frame) => frame.startsWith('ff2822000010001b01ff0101'));
    expect(tags.length).toBeGreaterThan(5);
    expect(tags.every((frame) => frame.slice(26, 28) === '11' && frame.includes(`00803000${PARCEL.epcHex}`))).toBe(
      true,
    );
    expect(frames.filter((frame) => frame === logged('streaming, cycle without tag'))).toHaveLength(3);
    expect(ledger).toMatchObject([{ epcHex: PARCEL.epcHex, antenna: 1, readPoint: 'dock-in' }]);
    await ask(logged('stop streaming'));
    expect(await ask('', 2_000)).toBe('');
    await module.stop();
    expect(clock.timers).toBe(0);
  });

  it('reads nothing without a region, and tells what ails it', async () => {
    const { ask, line, booted, module } = await started();
    await ask(BOOT, 1_000);
    await ask(logged('start streaming'), 150);
    expect(line.sent.at(-1)?.toString('hex').slice(0, 10)).toBe('ff0022010b');
    await booted();
    await module.command('error', { code: '504' });
    line.sent.length = 0;
    await ask('', 120);
    expect(line.sent[0]?.toString('hex').slice(0, 10)).toBe('ff00220504');
    await module.command('antenna', { number: 1, connected: false });
    await ask('', 120);
    expect(line.sent.at(-1)?.toString('hex').slice(0, 10)).toBe('ff00220503');
    await module.stop();
  });

  it('as an M5e reads into a buffer that the host takes', async () => {
    const { ask, booted, ledger, module } = await started({ model: 'm5e' });
    await booted();
    expect((await ask(logged('start streaming'))).slice(4, 10)).toBe('2f0101');
    void module.observe?.({ ...PARCEL, antennas: [1], dwellMs: 60_000 });
    expect(await ask('ff052200000300320000', 200)).toBe('');
    let count = '';
    for (let tries = 0; count !== '01' && tries < 20; tries++) {
      count = (await ask(withCrc('ff05220000030032'), 200)).slice(16, 18);
    }
    expect(await ask(logged('get tag buffer'))).toContain(`3000${PARCEL.epcHex}`);
    expect((await ask(logged('get tag buffer'))).slice(4, 10)).toBe('290400');
    expect(ledger).toHaveLength(1);
    await module.stop();
  });

  it('forgets everything without power', async () => {
    const { ask, booted, module } = await started();
    await booted();
    await ask(logged('start streaming'), 500);
    await module.command('unplug');
    await module.command('replug');
    expect(await ask('', 2_000)).toBe('');
    expect((await ask(logged('get current program'))).slice(6, 12)).toBe('000011');
    await module.stop();
  });
});

/** The Mercury CRC by its maker's table of nibbles, written a second time. */
function withCrc(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  let crc = 0xffff;
  const shift = (nibble: number) => {
    const carry = crc >>> 12;
    let xor = 0;
    for (let bit = 0; bit < 4; bit++) if ((carry >> bit) & 1) xor ^= 0x1021 << bit;
    crc = (((crc << 4) | nibble) ^ xor) & 0xffff;
  };
  for (const byte of bytes.subarray(1)) {
    shift(byte >> 4);
    shift(byte & 0x0f);
  }
  return hex + crc.toString(16).padStart(4, '0');
}
