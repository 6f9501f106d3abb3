import { describe, expect, it } from 'vitest';
import { testContext } from '../testing/context.ts';
import { type AdapterOptions, adapterOptions, elm327 } from './adapter.ts';

async function started(options: Partial<AdapterOptions> = {}, speedMetersPerSecond = 10) {
  const test = testContext();
  const state = { latitude: 0, longitude: 0, altitudeMeters: 0, courseDegrees: 0, stopLeftS: 0, speedMetersPerSecond };
  const adapter = await elm327('obd', adapterOptions.parse(options), { now: () => state }).start(test.context);
  const line = test.line('obd');
  const ask = async (command: string, ms = 600): Promise<string> => {
    line.sent.length = 0;
    line.fromHost(Buffer.from(command.endsWith('\r') ? command : `${command}\r`));
    await test.clock.advance(ms);
    return line.text;
  };
  return { ...test, adapter, line, ask };
}

describe('ELM327 adapter', () => {
  // The dialogue of the data sheet's "Talking to the vehicle".
  it('greets, echoes and spaces until it is told otherwise', async () => {
    const { ask, adapter } = await started();
    expect(await ask('ATZ')).toBe('ATZ\rELM327 v1.5\r\n\r\n>');
    expect(await ask('AT E0')).toBe('AT E0\rOK\r\n\r\n>');
    expect(await ask('ATL0')).toBe('OK\r\r>');
    expect(await ask('010D')).toBe('SEARCHING...\r41 0D 24\r\r>');
    expect(await ask('01 0D')).toBe('41 0D 24\r\r>');
    expect(await ask('ATS0')).toBe('OK\r\r>');
    expect(await ask('010C')).toBe('410C1B58\r\r>');
    expect(await ask('ATH1')).toBe('OK\r\r>');
    expect(await ask('010D')).toBe('7E803410D24\r\r>');
    await adapter.stop();
  });

  it('tells which values there are, and none for others', async () => {
    const { ask, adapter } = await started();
    await ask('ATE0');
    await ask('ATL0');
    expect(await ask('0100')).toBe('SEARCHING...\r41 00 08 18 00 01\r\r>');
    expect(await ask('0120')).toBe('41 20 00 00 80 01\r\r>');
    expect(await ask('01A0')).toBe('41 A0 04 00 00 00\r\r>');
    expect(await ask('0111')).toBe('NO DATA\r\r>');
    expect(await ask('hello')).toBe('?\r\r>');
    await adapter.stop();
  });

  it('counts kilometers', async () => {
    const { ask, clock, adapter } = await started({ odometerKm: 1 }, 20);
    await ask('ATE0');
    await clock.advance(100_000);
    const answer = await ask('01A6');
    const tenths = Number.parseInt(/41 A6 (.*?)\r/.exec(answer)?.[1]?.replaceAll(' ', '') ?? '', 16);
    expect(Math.abs(tenths - 30)).toBeLessThanOrEqual(1);
    await adapter.stop();
  });

  it('stops what it does when a byte comes too early', async () => {
    const { ask, line, clock, adapter } = await started();
    line.fromHost(Buffer.from('0100\r'));
    await clock.advance(10);
    expect(await ask('010D')).toContain('STOPPED');
    await adapter.stop();
  });

  it('behaves as a parked vehicle, a copy, and an adapter that complains', async () => {
    const { ask, adapter, clock } = await started({ copy: true, modules: 2 });
    await ask('ATE0');
    expect(await ask('ATS0')).toBe('?\r\n\r\n>');
    expect(await ask('010D')).toBe('SEARCHING...\r\n41 0D 24\r\n41 0D 00\r\n\r\n>');
    await adapter.command('complain', { text: 'BUS_BUSY' });
    expect(await ask('010D')).toBe('BUS BUSY\r\n\r\n>');
    await adapter.command('ignition', { on: 'false' });
    expect(await ask('010D')).toBe('SEARCHING...\r\nUNABLE TO CONNECT\r\n\r\n>');
    await adapter.command('ignition', { on: true });
    await adapter.command('checksum', { count: 1 });
    expect(await ask('010D')).toContain('<DATA ERROR');
    await adapter.command('unplug');
    await adapter.command('replug');
    expect(await ask('ATI')).toBe('ATI\rELM327 v1.5\r\n\r\n>');
    await expect(adapter.command('complain')).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(adapter.command('explode')).rejects.toMatchObject({ code: 'sim-command-unknown' });
    await adapter.stop();
    expect(clock.timers).toBe(0);
  });
});
