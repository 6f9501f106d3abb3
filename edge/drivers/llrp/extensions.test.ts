/** What only some readers can: the makers' extensions, inputs, reports held back, a ROSpec that ends. */
import { describe, expect, it } from 'vitest';
import {
  encodeMessage,
  encodeVendorParameter,
  findParameter,
  llrpStatus,
  type Parameter,
  type ParameterOf,
  readerEvent,
  STATUS_CODE,
  tagReportData,
} from '../../../protocols/llrp/index.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import {
  CAPABILITIES,
  event,
  OPTIONS,
  reader,
  running,
  type Script,
  SETUP,
  vector,
} from './scripted-reader.test-support.ts';

describe('llrp extensions', () => {
  const HOLDING: Parameter = {
    name: 'LLRPCapabilities',
    canDoRfSurvey: false,
    canReportBufferFillWarning: true,
    supportsClientRequestOpSpec: false,
    canDoTagInventoryStateAwareSingulation: false,
    supportsEventAndReportHolding: true,
    maxPriorityLevels: 1,
    clientRequestOpSpecTimeoutMs: 0,
    maxRoSpecs: 1,
    maxSpecsPerRoSpec: 1,
    maxInventoryParameterSpecsPerAiSpec: 1,
    maxAccessSpecs: 1,
    maxOpSpecsPerAccessSpec: 1,
  };

  it('enables Impinj’s, and asks for search mode, low duty cycle and exact RSSI', async () => {
    const impinj = {
      searchMode: 'dualTarget',
      lowDutyCycle: { emptyFieldTimeoutMs: 10_000, fieldPingIntervalMs: 100 },
    };
    const { run, names, device, last } = await running({}, { impinj, session: 2 });
    expect(names()).toEqual(['GET_READER_CAPABILITIES', 'CUSTOM_MESSAGE', ...SETUP.slice(1)]);
    const request = Buffer.from(device.writes[1] ?? []);
    expect(request.toString('hex', 10)).toBe('0000651a1500000000');
    const bytes = encodeMessage(last('ADD_ROSPEC')).toString('hex');
    expect(bytes).toContain('03ff000e0000651a000000170002');
    expect(bytes).toContain('03ff00120000651a0000001c000127100064');
    expect(bytes).toContain('03ff001a0000651a0000003203ff000e0000651a000000350001');
    expect(run.statuses()).toEqual([]);
    const tag = tagReportData({ epc: '3074257bf7194e4000001a85', antennaId: 2, peakRssiDbm: -60 });
    const exact = encodeVendorParameter({ name: 'ImpinjPeakRSSI', rssiCentiDbm: -6125 });
    const parameters = [{ ...tag, parameters: [...tag.parameters, exact] }];
    device.feed(encodeMessage({ name: 'RO_ACCESS_REPORT', version: 1, id: 9, parameters }));
    await run.clock.advance(1);
    expect(run.measured()).toMatchObject([{ antenna: 2, rssiDbm: -61.25 }]);
    await run.stop();
  });

  it.each([
    [
      'of another maker',
      [{ ...(CAPABILITIES[0] as object), manufacturer: 161 } as Parameter],
      {},
      /of manufacturer 161/,
    ],
    [
      'that refuses',
      CAPABILITIES,
      { CUSTOM_MESSAGE: llrpStatus(STATUS_CODE.M_UnsupportedMessage) },
      /refuses Impinj’s|refuses Impinj's/,
    ],
  ])('does without them on a reader %s, and says so', async (_, capabilities, refuse, message) => {
    const { run, last } = await running({ capabilities, refuse }, { impinj: { searchMode: 'dualTarget' } });
    expect(run.statuses()).toEqual([expect.stringMatching(message)]);
    expect(encodeMessage(last('ADD_ROSPEC')).toString('hex')).not.toContain('0000651a');
    await run.stop();
  });

  it('sets the power of each antenna', async () => {
    const { run, last } = await running({}, { transmitPowerDbm: { 1: 20, 3: 29 } });
    const aiSpec = JSON.stringify(findParameter(last('ADD_ROSPEC').parameters, 'ROSpec'));
    expect(aiSpec).toContain('"antennaIds":[0]');
    expect(aiSpec).toMatch(/"antennaId":1,"parameters":\[\{"name":"RFTransmitter"[^}]*"transmitPowerIndex":2/);
    expect(aiSpec).toMatch(/"antennaId":3,"parameters":\[\{"name":"RFTransmitter"[^}]*"transmitPowerIndex":3/);
    await run.stop();
  });

  it('tells of contacts at its inputs: what they are, and each change', async () => {
    const inputs = [
      { port: 1, channel: 'gate' },
      { port: 2, channel: 'hatch', openWhen: 'low' },
      { port: 9, channel: 'absent' },
    ];
    const states = [1, 2].map(
      (gpiPort) => ({ name: 'GPIPortCurrentState', gpiPort, enabled: true, state: 1 }) as const,
    );
    const { run, device, requests } = await running({ config: states }, { inputs });
    expect(JSON.stringify(requests)).toContain('"gpiPort":2,"enabled":true');
    expect(run.statuses()).toEqual([expect.stringMatching(/^reader-input-missing: the reader has no input 9/)]);
    device.feed(event({ name: 'GPIEvent', gpiPort: 2, gpiEvent: false }));
    device.feed(event({ name: 'GPIEvent', gpiPort: 5, gpiEvent: true }));
    await run.clock.advance(1);
    expect(run.measured()).toEqual([
      { kind: 'contact', channel: 'gate', open: true },
      { kind: 'contact', channel: 'hatch', open: false },
      { kind: 'contact', channel: 'hatch', open: true },
    ]);
    await run.stop();
  });

  it.each([
    ['1.1 where the reader speaks it', { currentVersion: 1, supportedVersion: 2 }, 2],
    ['1.0.1 where the reader speaks no other', { currentVersion: 1, supportedVersion: 1 }, 1],
    ['1.0.1 where the reader knows no versions', undefined, 1],
  ])('speaks LLRP %s', async (_, versions, expected) => {
    const unknown = encodeMessage({
      name: 'ERROR_MESSAGE',
      version: 1,
      id: 1,
      parameters: [llrpStatus(STATUS_CODE.M_UnsupportedVersion)],
    });
    const script: Script = versions ? { versions } : { ahead: { GET_SUPPORTED_VERSION: unknown } };
    const { run, requests, last } = await running(script, { protocolVersion: 'auto' });
    expect(requests[0]).toMatchObject({ name: 'GET_SUPPORTED_VERSION', version: 2 });
    expect(last('ENABLE_ROSPEC').version).toBe(expected);
    expect(run.statuses()).toEqual([]);
    await run.stop();
  });

  it('fetches what was held back, dated by the difference to the welcome', async () => {
    const held = (lastSeenUptimeUs: number, epc: string) => tagReportData({ epc, antennaId: 1, lastSeenUptimeUs });
    const report = encodeMessage({
      name: 'RO_ACCESS_REPORT',
      version: 1,
      id: 9,
      parameters: [
        held(70_000_000, '01'.repeat(12)),
        held(99_000_000, '02'.repeat(12)),
        held(130_000_000, '03'.repeat(12)),
      ],
    });
    const first = encodeMessage(
      readerEvent({
        version: 1,
        id: 0,
        at: { name: 'Uptime', microseconds: 100_000_000n },
        event: { name: 'ConnectionAttemptEvent', status: 0 },
      }),
    );
    const t = reader({
      welcome: undefined,
      capabilities: [...CAPABILITIES, HOLDING],
      ahead: { ENABLE_EVENTS_AND_REPORTS: report },
    });
    const run = runDriver(driver, { ...OPTIONS, holdReports: true }, t.device);
    await run.clock.advance(2_000);
    const welcomeUs = run.clock.monotonicUs();
    t.device.feed(first);
    await run.clock.advance(10);
    expect(t.names().slice(0, 2)).toEqual(['GET_READER_CAPABILITIES', 'ENABLE_EVENTS_AND_REPORTS']);
    expect(t.names().indexOf('ENABLE_EVENTS_AND_REPORTS')).toBeLessThan(t.names().indexOf('DELETE_ROSPEC'));
    expect(JSON.stringify(t.requests)).toContain('"holdUponReconnect":true');
    const times = run.readings.map(({ monotonicUs }) => monotonicUs);
    expect(times).toEqual([0, welcomeUs - 1_000_000, welcomeUs]);
    await run.stop();
  });

  it('says when a reader cannot hold reports back', async () => {
    const { run } = await running({}, { holdReports: true });
    expect(run.statuses()).toEqual([expect.stringContaining('holdReports has no effect')]);
    await run.stop();
  });

  it('starts the inventory again when something else has ended it, and not when it begins anew by itself', async () => {
    const { run, device, names } = await running({}, { keepaliveMs: 1_000 });
    const roSpec = (eventType: number, roSpecId = 1) =>
      event({ name: 'ROSpecEvent', eventType, roSpecId, preemptingRoSpecId: 0 });
    device.feed(Buffer.concat([roSpec(1), roSpec(0), roSpec(1, 77)]));
    for (let second = 0; second < 5; second++) {
      await run.clock.advance(1_000);
      device.feed(vector('KEEPALIVE id0'));
    }
    expect(names()).not.toContain('START_ROSPEC');
    device.feed(roSpec(1));
    for (let second = 0; second < 5; second++) {
      await run.clock.advance(1_000);
      device.feed(vector('KEEPALIVE id0'));
    }
    expect(names().filter((name) => name === 'START_ROSPEC')).toHaveLength(1);
    expect(run.statuses()).toEqual([expect.stringMatching(/^reader-inventory-ended/)]);
    await run.stop();
  });

  it('ends when the reader does not start again', async () => {
    const refuse = { START_ROSPEC: llrpStatus(STATUS_CODE.M_FieldError, 'no such ROSpec') };
    const { run, device } = await running({ refuse });
    device.feed(event({ name: 'ROSpecEvent', eventType: 1, roSpecId: 1, preemptingRoSpecId: 0 }));
    await run.clock.advance(4_000);
    expect(await run.ended).toMatchObject({
      code: 'reader-refused',
      message: expect.stringContaining('no such ROSpec'),
    });
  });

  it('names the parameter that the reader does not like', async () => {
    const details: ParameterOf<'ParameterError'> = {
      name: 'ParameterError',
      parameterType: 224,
      errorCode: 301,
      parameters: [],
    };
    const refuse = { ADD_ROSPEC: llrpStatus(STATUS_CODE.M_ParameterError, 'bad ROSpec', [details]) };
    const { run } = await running({ refuse });
    expect(await run.ended).toMatchObject({
      message:
        'the reader refuses ADD_ROSPEC: M_ParameterError: bad ROSpec; parameter RFTransmitter (224): A_OutOfRange',
    });
  });
});
