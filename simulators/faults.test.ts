import { describe, expect, it } from 'vitest';
import { ManualClock } from '../protocols/base/manual-clock.ts';
import { Faults, sendThroughFaults } from './faults.ts';
import { seededRandom } from './random.ts';
import { flipByte } from './serial-port.ts';

const FRAME = Buffer.from('0123456789\r');

async function send(faults: Faults, options: { terminated?: boolean; connected?: boolean } = {}) {
  const clock = new ManualClock();
  const written: Buffer[] = [];
  const sending = sendThroughFaults(FRAME, {
    faults,
    clock,
    write: async (bytes) => options.connected !== false && written.push(Buffer.from(bytes)) > 0,
    corrupt: (bytes) => flipByte(bytes, 0),
    terminated: options.terminated ?? false,
  });
  await clock.advance(1000);
  return { ...(await sending), bytes: Buffer.concat(written), writes: written.length };
}

function faultsWith(...commands: [string, Record<string, number>?][]): Faults {
  const faults = new Faults(seededRandom('faults'));
  for (const [name, args] of commands) expect(faults.command(name, args ?? {})).toBe(true);
  return faults;
}

describe('faults', () => {
  it('without any, a frame goes out as it is', async () => {
    expect(await send(faultsWith())).toMatchObject({ fate: 'intact', duplicated: false, bytes: FRAME, writes: 1 });
  });

  it('torn loses the tail, or the head where a terminator ends the frame', async () => {
    const { fate, damage, bytes } = await send(faultsWith(['torn']));
    expect([fate, damage]).toEqual(['damaged', 'torn']);
    expect(bytes.length).toBeLessThan(FRAME.length);
    expect(FRAME.subarray(0, bytes.length)).toEqual(bytes);
    const terminated = await send(faultsWith(['torn']), { terminated: true });
    expect(FRAME.subarray(-terminated.bytes.length)).toEqual(terminated.bytes);
  });

  it('checksum spoils the frame and leaves the original alone', async () => {
    const { fate, damage, bytes } = await send(faultsWith(['checksum']));
    expect([fate, damage]).toEqual(['damaged', 'checksum']);
    expect(bytes).toHaveLength(FRAME.length);
    expect(bytes).not.toEqual(FRAME);
    expect(FRAME[0]).toBe(0x30);
  });

  it('noise comes ahead; it spoils only frames that have nothing but a terminator', async () => {
    const { fate, bytes } = await send(faultsWith(['noise']));
    expect(fate).toBe('intact');
    expect(bytes.length).toBeGreaterThan(FRAME.length);
    expect(bytes.subarray(-FRAME.length)).toEqual(FRAME);
    expect(await send(faultsWith(['noise']), { terminated: true })).toMatchObject({ fate: 'damaged', damage: 'noise' });
  });

  it('silence sends nothing, duplicate twice, drip byte by byte', async () => {
    expect(await send(faultsWith(['silence']))).toMatchObject({ fate: 'lost', damage: 'silence', writes: 0 });
    expect(await send(faultsWith(['duplicate']))).toMatchObject({ fate: 'intact', duplicated: true, writes: 2 });
    expect(await send(faultsWith(['drip']))).toMatchObject({ fate: 'intact', bytes: FRAME, writes: FRAME.length });
  });

  it('a frame for nobody is lost', async () => {
    expect(await send(faultsWith(), { connected: false })).toMatchObject({ fate: 'lost', duplicated: false });
  });

  it('ends after count frames, and with clear', async () => {
    const counted = faultsWith(['checksum', { count: 2 }]);
    const fates = [await send(counted), await send(counted), await send(counted)].map(({ fate }) => fate);
    expect(fates).toEqual(['damaged', 'damaged', 'intact']);
    expect(await send(faultsWith(['silence'], ['clear']))).toMatchObject({ fate: 'intact' });
    const one = faultsWith(['silence'], ['duplicate']);
    expect(one.command('clear', { fault: 'silence' })).toBe(true);
    expect(await send(one)).toMatchObject({ fate: 'intact', duplicated: true });
    expect(() => one.command('clear', { fault: 'rain' })).toThrow(`'rain' is no fault`);
  });

  it('strikes with its probability, the same for the same seed', () => {
    const strikes = () => {
      const faults = faultsWith(['noise', { probability: 0.25 }]);
      return Array.from({ length: 400 }, () => faults.strikes('noise'));
    };
    const first = strikes();
    expect(first).toEqual(strikes());
    expect(first.filter(Boolean).length).toBeGreaterThan(70);
    expect(first.filter(Boolean).length).toBeLessThan(130);
  });

  it('refuses what makes no sense, and leaves other commands alone', () => {
    const faults = faultsWith();
    expect(faults.command('shock', {})).toBe(false);
    for (const args of [{ probability: 0 }, { probability: 2 }, { count: 0 }, { probability: 'x' }]) {
      expect(() => faults.command('noise', args)).toThrow(expect.objectContaining({ code: 'sim-command-invalid' }));
    }
  });
});
