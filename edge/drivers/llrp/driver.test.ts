/** Set-up and inventory; what only some readers can stands in extensions.test.ts. */
import { describe, expect, it } from 'vitest';
import { encodeMessage, findParameter, llrpStatus, STATUS_CODE } from '../../../protocols/llrp/index.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import {
  CAPABILITIES,
  event,
  OPTIONS,
  reader,
  running,
  SETUP,
  vector,
  welcome,
} from './scripted-reader.test-support.ts';

describe('llrp setup', () => {
  it('asks as other clients ask, to the byte', async () => {
    const t = reader();
    const run = runDriver(driver, OPTIONS, t.device);
    await run.clock.advance(10);
    expect(t.names()).toEqual(SETUP);
    const sameButId = (index: number, other: Buffer) => {
      const bytes = Buffer.from(t.device.writes[index] ?? []);
      other.copy(bytes, 6, 6, 10);
      expect(bytes.toString('hex')).toBe(other.toString('hex'));
    };
    sameButId(0, vector('client GET_READER_CAPABILITIES'));
    sameButId(1, vector('SET_READER_CONFIG KeepaliveSpec periodic 10000ms'));
    sameButId(3, vector('client DELETE_ROSPEC all'));
    expect(run.statuses()).toEqual([]);
    await run.stop();
  });

  it('takes the setup’s answers split at every offset', async () => {
    const t = reader({ welcome: undefined });
    const run = runDriver(driver, OPTIONS, t.device);
    t.device.feed(welcome(0), [1]);
    await run.clock.advance(10);
    expect(t.names()).toEqual(SETUP);
    await run.stop();
  });

  it('uses antennas, power, mode and session as configured', async () => {
    const t = reader();
    const options = {
      antennas: [1, 3],
      transmitPowerDbm: 28.5,
      modeIndex: 1002,
      session: 1,
      tagPopulation: 64,
      start: 'command',
    };
    const run = runDriver(driver, { ...OPTIONS, ...options }, t.device);
    await run.clock.advance(10);
    expect(t.names()).toEqual([...SETUP, 'START_ROSPEC']);
    const roSpec = findParameter(t.last('ADD_ROSPEC').parameters, 'ROSpec');
    const aiSpec = findParameter(roSpec?.parameters ?? [], 'AISpec');
    expect(aiSpec?.antennaIds).toEqual([1, 3]);
    const text = JSON.stringify(aiSpec);
    // 27 dBm is the reader's highest step that is not above the wish.
    expect(text).toContain('"transmitPowerIndex":3');
    expect(text).toContain('"modeIndex":1002');
    expect(text).toContain('"session":1,"tagPopulation":64');
    await run.stop();
  });

  it('limits the time to a report by short inventories', async () => {
    const t = reader();
    const run = runDriver(driver, { ...OPTIONS, reportEveryTags: 50, reportEveryMs: 250 }, t.device);
    await run.clock.advance(10);
    const text = JSON.stringify(findParameter(t.last('ADD_ROSPEC').parameters, 'ROSpec'));
    expect(text).toContain('"name":"AISpecStopTrigger","triggerType":1,"durationMs":250');
    expect(text).toContain('"name":"ROReportSpec","trigger":1,"n":50');
    await run.stop();
  });

  it.each([1, 2, 4])('ends with reader-busy when another client is connected (status %i)', async (status) => {
    const run = runDriver(driver, OPTIONS, reader({ welcome: welcome(status) }).device);
    await run.clock.advance(10);
    expect(await run.ended).toMatchObject({
      code: 'reader-busy',
      message: expect.stringMatching(/192\.0\.2\.51:5084.*another client/),
    });
  });

  it('ends when the reader refuses the connection', async () => {
    const run = runDriver(driver, OPTIONS, reader({ welcome: welcome(3) }).device);
    await run.clock.advance(10);
    expect(await run.ended).toMatchObject({ code: 'reader-refused' });
  });

  it.each([
    ['nothing', undefined],
    ['a web server’s words', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a keepalive', vector('KEEPALIVE id0')],
    ['another event', event({ name: 'AntennaEvent', eventType: 0, antennaId: 1 })],
  ])('ends with device-silent when it is greeted with %s', async (_, bytes) => {
    const run = runDriver(driver, OPTIONS, reader({ welcome: bytes }).device);
    await run.clock.advance(11_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent', message: expect.stringContaining('LLRP port') });
  });

  it('ends when a request is not answered', async () => {
    const run = runDriver(driver, OPTIONS, reader({ mute: ['ADD_ROSPEC'] }).device);
    await run.clock.advance(11_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent', message: expect.stringContaining('ADD_ROSPEC') });
  });

  it('ends with the reader’s reason when it refuses the ROSpec', async () => {
    const refuse = { ADD_ROSPEC: llrpStatus(STATUS_CODE.M_ParameterError, 'bad power') };
    const run = runDriver(driver, OPTIONS, reader({ refuse }).device);
    await run.clock.advance(10);
    expect(await run.ended).toMatchObject({
      code: 'reader-refused',
      message: 'the reader refuses ADD_ROSPEC: M_ParameterError: bad power',
    });
  });

  it('ends with the reader’s reason when it answers with ERROR_MESSAGE', async () => {
    const error = encodeMessage({
      name: 'ERROR_MESSAGE',
      version: 1,
      id: 1,
      parameters: [llrpStatus(STATUS_CODE.M_UnsupportedVersion)],
    });
    const run = runDriver(driver, OPTIONS, reader({ ahead: { GET_READER_CAPABILITIES: error } }).device);
    await run.clock.advance(10);
    expect(await run.ended).toMatchObject({
      code: 'reader-error',
      message: expect.stringContaining('M_UnsupportedVersion'),
    });
  });

  it('goes on with a reader that refuses what it can do without, and says so', async () => {
    const refuse = {
      SET_READER_CONFIG: llrpStatus(STATUS_CODE.M_UnsupportedParameter),
      DELETE_ROSPEC: llrpStatus(STATUS_CODE.A_Invalid),
    };
    const general = CAPABILITIES.slice(0, 1);
    const t = reader({ refuse, capabilities: general });
    const run = runDriver(driver, { ...OPTIONS, antennas: [4, 5], transmitPowerDbm: 20 }, t.device);
    await run.clock.advance(10);
    expect(run.statuses().map((status) => status.split(':')[0])).toEqual([
      'antenna-missing',
      'reader-config-refused',
      'reader-config-refused',
      'power-unknown',
    ]);
    // No keepalive was promised: silence says nothing.
    await run.clock.advance(600_000);
    t.device.feed(vector('RO_ACCESS_REPORT EPC-96 TV'));
    await run.clock.advance(1);
    expect(run.measured()).toHaveLength(1);
    await run.stop();
  });
});

const TAGS = [
  { kind: 'tag', epcHex: '3005fb63ac1f3841ec880467', antenna: 1, rssiDbm: -50, reads: 1 },
  { kind: 'tag', epcHex: '300833b2ddd906c000000000', antenna: 1, rssiDbm: -58, reads: 1 },
  { kind: 'tag', epcHex: '1fb41f712ac9c37ab79d618173188324001a', antenna: 1, rssiDbm: -17, reads: 1 },
];
const REPORTS = Buffer.concat([
  vector('RO_ACCESS_REPORT EPC-96 TV'),
  vector('KEEPALIVE id0'),
  vector('RO_ACCESS_REPORT EPC-96 TV #2'),
  vector('RO_ACCESS_REPORT EPCData TLV 144-bit EPC'),
]);

describe('llrp inventory', () => {
  it('reads captured reports split at every offset, and acknowledges the keepalive between them', async () => {
    for (let at = 1; at < REPORTS.length; at++) {
      const { run, device, last } = await running();
      device.feed(REPORTS, [at, 999]);
      await run.clock.advance(1);
      expect(run.measured()).toEqual(TAGS);
      expect(last('KEEPALIVE_ACK').id).toBe(0);
      expect(run.stats.discardedBytes).toBe(0);
      await run.stop();
    }
  });

  it('stamps with this box’s clock, never with the reader’s', async () => {
    const { run, device } = await running();
    await run.clock.advance(5_000);
    const nowUs = run.clock.monotonicUs();
    device.feed(REPORTS);
    await run.clock.advance(1);
    expect(run.readings.map(({ monotonicUs }) => monotonicUs)).toEqual([nowUs, nowUs, nowUs]);
    await run.stop();
  });

  it('keeps what arrives while it still sets up', async () => {
    const t = reader({ ahead: { ADD_ROSPEC: REPORTS } });
    const run = runDriver(driver, OPTIONS, t.device);
    await run.clock.advance(10);
    expect(run.measured()).toEqual(TAGS);
    expect(t.names()).toContain('KEEPALIVE_ACK');
    await run.stop();
  });

  it('takes three keepalive periods of silence for a lost connection', async () => {
    const { run, device } = await running({}, { keepaliveMs: 2_000 });
    for (let period = 0; period < 5; period++) {
      await run.clock.advance(2_000);
      device.feed(vector('KEEPALIVE id0'));
    }
    await run.clock.advance(5_900);
    device.feed(vector('KEEPALIVE id0'));
    await run.clock.advance(6_100);
    expect(await run.ended).toMatchObject({ name: 'TransportError', code: 'connection-lost' });
  });

  it('counts a report that cannot be decoded and goes on', async () => {
    const { run, device } = await running();
    const broken = vector('RO_ACCESS_REPORT EPC-96 TV');
    broken.writeUInt16BE(999, 12);
    device.feed(Buffer.concat([broken, REPORTS]));
    await run.clock.advance(1);
    expect(run.measured()).toEqual(TAGS);
    expect(run.stats.discardedBytes).toBe(broken.length);
    await run.stop();
  });

  it('tells what the reader says about itself, complaints that repeat once a minute', async () => {
    const { run, device } = await running();
    const exception = event({
      name: 'ReaderExceptionEvent',
      message: 'antenna port short',
      parameters: [{ name: 'AntennaID', antennaId: 2 }],
    });
    for (let second = 0; second < 50; second++) {
      device.feed(exception);
      await run.clock.advance(1_000);
      device.feed(vector('KEEPALIVE id0'));
    }
    device.feed(event({ name: 'AntennaEvent', eventType: 0, antennaId: 3 }));
    device.feed(event({ name: 'AntennaEvent', eventType: 1, antennaId: 3 }));
    device.feed(event({ name: 'ReportBufferLevelWarningEvent', percentFull: 90 }));
    device.feed(event({ name: 'ReportBufferOverflowErrorEvent' }));
    device.feed(event({ name: 'ConnectionAttemptEvent', status: 4 }));
    device.feed(encodeMessage({ name: 'ERROR_MESSAGE', version: 1, id: 9, parameters: [llrpStatus(401, 'hot')] }));
    await run.clock.advance(1);
    expect(run.statuses()).toEqual([
      'reader-exception: the reader reports at antenna 2: antenna port short',
      'antenna-disconnected: antenna 3 is disconnected: check its cable',
      'antenna-connected: antenna 3 is connected again',
      expect.stringMatching(/^reader-buffer-filling: .*90 %/),
      expect.stringMatching(/^reader-buffer-overflow: /),
      expect.stringMatching(/^reader-second-client: /),
      'reader-error: the reader reports an error: R_DeviceError: hot',
    ]);
    await run.stop();
  });

  it('takes the reader’s own goodbye for a lost connection', async () => {
    const { run, device } = await running();
    device.feed(event({ name: 'ConnectionCloseEvent' }));
    await run.clock.advance(1);
    expect(await run.ended).toMatchObject({
      code: 'connection-lost',
      message: expect.stringContaining('the reader closed it'),
    });
  });

  it('ends in order when the reader ends the connection', async () => {
    const { run, device } = await running();
    device.end();
    expect(await run.ended).toBeUndefined();
  });

  it('leaves the reader idle and free on stop', async () => {
    const { run, names } = await running();
    await run.stop();
    expect(await run.ended).toBeUndefined();
    expect(names().slice(-2)).toEqual(['DELETE_ROSPEC', 'CLOSE_CONNECTION']);
    expect(run.clock.timers).toBe(0);
  });

  it('says goodbye during the setup too, and does not wait for ever for an answer to it', async () => {
    const t = reader({ mute: ['GET_READER_CAPABILITIES', 'CLOSE_CONNECTION'] });
    const run = runDriver(driver, OPTIONS, t.device);
    await run.clock.advance(10);
    await run.stop();
    expect(await run.ended).toBeUndefined();
    expect(t.names()).toEqual(['GET_READER_CAPABILITIES', 'DELETE_ROSPEC', 'CLOSE_CONNECTION']);
  });

  it('refuses antenna 0 and unknown keys in its options', () => {
    expect(driver.options.safeParse({ host: 'r', antennas: [0] }).success).toBe(false);
    expect(driver.options.safeParse({ host: 'r', antenna: [1] }).success).toBe(false);
    expect(driver.options.parse({ host: 'r' })).toMatchObject({ port: 5084, reportEveryTags: 1, keepaliveMs: 10_000 });
  });
});
