import { describe, expect, it } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  encodeVendorParameter,
  findParameter,
  impinjEnableExtensionsResponse,
  LlrpFramer,
  llrpStatus,
  type Message,
  type MessageOf,
  type Parameter,
  type ParameterOf,
  readerEvent,
  STATUS_CODE,
  tagReportData,
} from '../../../protocols/llrp/index.ts';
import { MemoryTransport } from '../../transport/memory-transport.ts';
import { runDriver } from '../../transport/run-driver.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/messages.json' with { type: 'json' };

const OPTIONS = { host: '192.0.2.51' };

function vector(name: string): Buffer {
  const found = vectors.find((entry) => entry.name === name);
  if (!found) throw new Error(`no fixture '${name}'`);
  return Buffer.from(found.input, 'hex');
}

const event = (parameter: Parameter) =>
  encodeMessage(readerEvent({ version: 1, id: 0, at: { name: 'Uptime', microseconds: 1n }, event: parameter }));
const welcome = (status: number) => event({ name: 'ConnectionAttemptEvent', status });

const CAPABILITIES: Parameter[] = [
  {
    name: 'GeneralDeviceCapabilities',
    maxNumberOfAntennas: 4,
    canSetAntennaProperties: false,
    hasUtcClock: true,
    manufacturer: 25882,
    model: 2001002,
    firmwareVersion: '6.4.1',
    parameters: [],
  },
  {
    name: 'RegulatoryCapabilities',
    countryCode: 276,
    communicationsStandard: 2,
    parameters: [
      {
        name: 'UHFBandCapabilities',
        parameters: [10, 20, 27, 30].map((dbm, i) => ({
          name: 'TransmitPowerLevelTableEntry',
          index: i + 1,
          transmitPowerCentiDbm: dbm * 100,
        })),
      },
    ],
  },
];

interface Script {
  welcome?: Buffer | undefined;
  /** LLRPStatus by request name, in place of success. */
  refuse?: Record<string, ParameterOf<'LLRPStatus'>>;
  /** Requests that get no answer. */
  mute?: string[];
  capabilities?: Parameter[];
  /** What GET_READER_CONFIG gives, and GET_SUPPORTED_VERSION. */
  config?: Parameter[];
  versions?: { currentVersion: number; supportedVersion: number };
  /** Bytes ahead of the answer to a request. */
  ahead?: Record<string, Buffer>;
}

/** A reader that answers as the script says; `requests` are what it got. */
function reader(script: Script = {}) {
  const requests: Message[] = [];
  const framer = new LlrpFramer();
  const device = new MemoryTransport((bytes, transport) => {
    for (const frame of framer.push(bytes)) {
      const request = decodeMessage(frame);
      requests.push(request);
      const ahead = script.ahead?.[request.name];
      if (ahead) transport.feed(ahead);
      const answer = script.mute?.includes(request.name) ? undefined : answerTo(request, script);
      if (answer) transport.feed(encodeMessage(answer));
    }
  });
  const first = 'welcome' in script ? script.welcome : welcome(0);
  if (first) device.feed(first);
  const names = () => requests.map(({ name }) => name);
  const last = <N extends Message['name']>(name: N) => {
    const found = requests.findLast((request): request is MessageOf<N> => request.name === name);
    if (!found) throw new Error(`no ${name}`);
    return found;
  };
  return { device, requests, names, last };
}

function answerTo(request: Message, script: Script): Message | undefined {
  const status = script.refuse?.[request.name] ?? llrpStatus();
  const parameters = [
    status,
    ...(request.name === 'GET_READER_CAPABILITIES' ? (script.capabilities ?? CAPABILITIES) : []),
    ...(request.name === 'GET_READER_CONFIG' ? (script.config ?? []) : []),
  ];
  switch (request.name) {
    case 'CUSTOM_MESSAGE':
      return impinjEnableExtensionsResponse({ version: 1, id: request.id }, status);
    case 'GET_SUPPORTED_VERSION':
      if (!script.versions) return undefined;
      return { name: 'GET_SUPPORTED_VERSION_RESPONSE', version: 2, id: request.id, ...script.versions, parameters };
    case 'SET_PROTOCOL_VERSION':
    case 'GET_READER_CONFIG':
    case 'GET_READER_CAPABILITIES':
    case 'SET_READER_CONFIG':
    case 'DELETE_ROSPEC':
    case 'ADD_ROSPEC':
    case 'ENABLE_ROSPEC':
    case 'START_ROSPEC':
    case 'CLOSE_CONNECTION':
      return { name: `${request.name}_RESPONSE`, version: 1, id: request.id, parameters };
    default:
      return undefined;
  }
}

const SETUP = [
  'GET_READER_CAPABILITIES',
  'SET_READER_CONFIG',
  'SET_READER_CONFIG',
  'DELETE_ROSPEC',
  'ADD_ROSPEC',
  'ENABLE_ROSPEC',
];

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
  async function running(script: Script = {}, options: object = {}) {
    const t = reader(script);
    const run = runDriver(driver, { ...OPTIONS, ...options }, t.device);
    await run.clock.advance(10);
    return { ...t, run };
  }

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
    expect(run.clock.waiting).toBe(0);
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

describe('llrp extensions', () => {
  async function running(script: Script = {}, options: object = {}) {
    const t = reader(script);
    const run = runDriver(driver, { ...OPTIONS, ...options }, t.device);
    await run.clock.advance(10);
    return { ...t, run };
  }
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
      welcome: first,
      capabilities: [...CAPABILITIES, HOLDING],
      ahead: { ENABLE_EVENTS_AND_REPORTS: report },
    });
    const run = runDriver(driver, { ...OPTIONS, holdReports: true }, t.device);
    const startUs = run.clock.monotonicUs();
    await run.clock.advance(10);
    expect(t.names().slice(0, 2)).toEqual(['GET_READER_CAPABILITIES', 'ENABLE_EVENTS_AND_REPORTS']);
    expect(t.names().indexOf('ENABLE_EVENTS_AND_REPORTS')).toBeLessThan(t.names().indexOf('DELETE_ROSPEC'));
    expect(JSON.stringify(t.requests)).toContain('"holdUponReconnect":true');
    const times = run.readings.map(({ monotonicUs }) => monotonicUs);
    expect(times).toEqual([Math.max(0, startUs - 30_000_000), Math.max(0, startUs - 1_000_000), startUs]);
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
