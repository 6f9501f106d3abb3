import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Journey } from '../journey.ts';
import { testContext } from '../testing/context.ts';
import { gpsd, gpsdOptions } from './daemon.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean();
});

async function setup() {
  const { clock, context, ledger } = testContext();
  const journey = new Journey([{ latitude: 52.5, longitude: 13.4, altitudeMeters: 40, stopS: 1 }]);
  const daemon = await gpsd('gpsd', gpsdOptions.parse({}), { now: () => journey.at(0) }).start(context);
  cleanup.push(() => daemon.stop());
  const [host, port] = daemon.address.split(':');
  const socket = connect(Number(port), host);
  cleanup.push(() => socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'connect');
  const reports = () =>
    text
      .split('\r\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const until = (name: string, count = 1) =>
    vi.waitFor(() => expect(reports().filter((report) => report.class === name).length).toBeGreaterThanOrEqual(count), {
      timeout: 10_000,
    });
  return { clock, daemon, socket, ledger, reports, until, raw: () => text, forget: () => (text = '') };
}

describe('gpsd', () => {
  it('greets, names its receiver, and reports once a second to who has asked', async () => {
    const { clock, socket, reports, until } = await setup();
    await until('VERSION');
    await clock.advance(3_000);
    expect(reports()).toHaveLength(1);
    socket.write('?WATCH={"enable":true,"json":true};\r\n');
    await until('WATCH');
    expect(reports()[1]).toMatchObject({ class: 'DEVICES', devices: [{ path: '/dev/ttyACM0' }] });
    await clock.advance(2_000);
    await until('TPV', 2);
    expect(reports().at(-1)).toMatchObject({ class: 'TPV', mode: 3, lat: 52.5, lon: 13.4, altMSL: 40 });
    expect(reports().at(-2)).toMatchObject({ class: 'SKY', uSat: 9 });
  });

  it('has no coordinates without a fix, and its time leaps', async () => {
    const { clock, daemon, socket, ledger, reports, until } = await setup();
    socket.write('?WATCH={"enable":true,"json":true};\r\n');
    await until('WATCH');
    await daemon.command('void', { seconds: 2 });
    await clock.advance(1_000);
    await until('TPV');
    expect(reports().at(-1)).toMatchObject({ class: 'TPV', mode: 1 });
    expect(reports().at(-1)).not.toHaveProperty('lat');
    expect(ledger).toEqual([expect.objectContaining({ kind: 'void-fix', detail: { seconds: 2 } })]);
    await daemon.command('leap', { seconds: -3600 });
    await clock.advance(2_000);
    await until('TPV', 3);
    const times = reports().flatMap(({ time }) => (typeof time === 'string' ? Date.parse(time) : []));
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(-3_600_000 + 2_000);
  });

  it('complains of what it does not know, takes faults, and can be stopped and started', async () => {
    const { clock, daemon, socket, raw, until } = await setup();
    socket.write('?FOO;\r\n?WATCH={"enable":true};\r\n');
    await until('ERROR');
    await until('WATCH');
    await daemon.command('checksum', { count: 1 });
    await clock.advance(1_000);
    await vi.waitFor(() => expect(raw()).toContain('{ class"'), { timeout: 10_000 });
    // A reset is an error to whoever is connected.
    const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
    await daemon.command('unplug');
    await closed;
    await daemon.command('replug');
    const [host, port] = daemon.address.split(':');
    const again = connect(Number(port), host);
    await once(again, 'data');
    again.destroy();
    await expect(daemon.command('dance')).rejects.toMatchObject({ code: 'sim-command-unknown' });
    await expect(daemon.command('void', { seconds: 0 })).rejects.toMatchObject({ code: 'sim-command-invalid' });
  });
});
