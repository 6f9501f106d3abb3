import { createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  decodeMessage,
  decodeTagReads,
  encodeMessage,
  encodeVendorParameter,
  findParameter,
  impinjEnableExtensions,
  impinjExtensionsStatus,
  inventoryRoSpec,
  LlrpFramer,
  type Message,
  type MessageName,
  type MessageOf,
  type ParameterOf,
  statusOf,
} from '../../protocols/llrp/index.ts';
import { makeParcel } from '../parcels.ts';
import type { RunningSimulator } from '../simulator.ts';
import { testContext } from '../testing/context.ts';
import { llrpReader, readerOptions } from './reader.ts';

const PARCEL = makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial: 3456789123 });
const READ_POINTS = new Map([
  [1, 'dock-7-out'],
  [2, 'dock-7-out'],
]);

class TestClient {
  readonly messages: Message[] = [];
  closed = false;
  readonly #socket: Socket;
  readonly #framer = new LlrpFramer();
  #id = 100;

  constructor(address: string) {
    const [host, port] = address.split(':');
    this.#socket = createConnection({ host: host ?? '', port: Number(port) });
    this.#socket.on('data', (chunk) => {
      for (const frame of this.#framer.push(chunk)) this.messages.push(decodeMessage(frame));
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Bytes as they are, or a message; returns its id. */
  send(message: { name: MessageName } & Record<string, unknown>): number {
    const id = ++this.#id;
    this.#socket.write(encodeMessage({ version: 1, id, ...message } as Message));
    return id;
  }

  raw(hex: string): void {
    this.#socket.write(Buffer.from(hex, 'hex'));
  }

  async next<N extends MessageName>(name: N): Promise<MessageOf<N>> {
    let at = -1;
    await until(() => {
      at = this.messages.findIndex((message) => message.name === name);
      return at >= 0;
    }, name);
    return this.messages.splice(at, 1)[0] as MessageOf<N>;
  }

  async ask<N extends MessageName>(message: { name: MessageName } & Record<string, unknown>, answer: N) {
    const id = this.send(message);
    const response = await this.next(answer);
    expect(response.id).toBe(id);
    return response;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean();
});

async function started(readPoints = READ_POINTS, options: object = {}) {
  const test = testContext();
  const reader = await llrpReader('portal', readerOptions.parse(options), readPoints).start(test.context);
  cleanup.push(() => reader.stop());
  return { ...test, reader };
}

function clientOf(reader: RunningSimulator): TestClient {
  const client = new TestClient(reader.address);
  cleanup.push(() => client.destroy());
  return client;
}

async function attemptStatus(client: TestClient): Promise<number | undefined> {
  const { parameters } = await client.next('READER_EVENT_NOTIFICATION');
  const data = findParameter(parameters, 'ReaderEventNotificationData');
  return data && findParameter(data.parameters, 'ConnectionAttemptEvent')?.status;
}

async function inventory(client: TestClient, antennaIds = [1, 2]): Promise<void> {
  const spec = inventoryRoSpec({ roSpecId: 7, antennaIds, start: 'immediate', reportEveryTags: 1 });
  expect(
    statusOf(await client.ask({ name: 'ADD_ROSPEC', parameters: [spec] }, 'ADD_ROSPEC_RESPONSE'))?.statusCode,
  ).toBe(0);
  const enabled = await client.ask({ name: 'ENABLE_ROSPEC', roSpecId: 7 }, 'ENABLE_ROSPEC_RESPONSE');
  expect(statusOf(enabled)?.statusCode).toBe(0);
}

describe('LLRP reader', () => {
  it('speaks first, and turns a second client away', async () => {
    const { reader } = await started();
    const first = clientOf(reader);
    expect(await attemptStatus(first)).toBe(0);
    const second = clientOf(reader);
    expect(await attemptStatus(second)).toBe(2);
    expect(await attemptStatus(first)).toBe(4);
    await until(() => second.closed, 'the second connection to be closed');
    expect(first.closed).toBe(false);
  });

  it('takes the next client once the first has gone', async () => {
    const { reader } = await started();
    const first = clientOf(reader);
    expect(await attemptStatus(first)).toBe(0);
    await first.ask({ name: 'CLOSE_CONNECTION' }, 'CLOSE_CONNECTION_RESPONSE');
    await until(() => first.closed, 'the connection to be closed');
    const second = clientOf(reader);
    expect(await attemptStatus(second)).toBe(0);
  });

  it('has capabilities with UHF band, powers, hop table and RF modes', async () => {
    const { reader } = await started();
    const client = clientOf(reader);
    // As sllurp sent it.
    client.raw('04010000000b0000000100');
    const { parameters, id } = await client.next('GET_READER_CAPABILITIES_RESPONSE');
    expect(id).toBe(1);
    expect(findParameter(parameters, 'LLRPStatus')?.statusCode).toBe(0);
    expect(findParameter(parameters, 'GeneralDeviceCapabilities')?.maxNumberOfAntennas).toBe(2);
    const regulatory = findParameter(parameters, 'RegulatoryCapabilities');
    const band = regulatory && findParameter(regulatory.parameters, 'UHFBandCapabilities');
    expect(band?.parameters.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['TransmitPowerLevelTableEntry', 'FrequencyInformation', 'C1G2UHFRFModeTable']),
    );
    const only = await client.ask(
      { name: 'GET_READER_CAPABILITIES', requestedData: 2 },
      'GET_READER_CAPABILITIES_RESPONSE',
    );
    expect(only.parameters.map(({ name }) => name)).toEqual(['LLRPStatus', 'LLRPCapabilities']);
    const bad = await client.ask(
      { name: 'GET_READER_CAPABILITIES', requestedData: 9 },
      'GET_READER_CAPABILITIES_RESPONSE',
    );
    expect(statusOf(bad)?.statusCode).toBe(101);
  });

  it('takes a configuration as a whole or not at all, and shows it', async () => {
    const { reader } = await started();
    const client = clientOf(reader);
    // As sllurp sent it: events on, keepalive every 60 s.
    client.raw(
      '040300000057000000040000f4004300f5000700000000f5000700010000f5000700020000f5000700030000f5000700040000f50007' +
        '00050000f5000700060000f5000700070000f5000700080000dc0009010000ea60',
    );
    expect(statusOf(await client.next('SET_READER_CONFIG_RESPONSE'))?.statusCode).toBe(0);
    const show = { name: 'GET_READER_CONFIG', antennaId: 0, requestedData: 8, gpiPort: 0, gpoPort: 0 } as const;
    const keepalive = { name: 'KeepaliveSpec', triggerType: 1, periodMs: 60_000 };
    expect((await client.ask(show, 'GET_READER_CONFIG_RESPONSE')).parameters[1]).toEqual(keepalive);
    const parameters = [
      { name: 'KeepaliveSpec', triggerType: 1, periodMs: 5 },
      { name: 'AntennaConfiguration', antennaId: 9, parameters: [] },
    ];
    const refused = await client.ask(
      { name: 'SET_READER_CONFIG', resetToFactoryDefault: false, parameters },
      'SET_READER_CONFIG_RESPONSE',
    );
    expect(statusOf(refused)).toMatchObject({
      statusCode: 101,
      errorDescription: expect.stringContaining('antenna 9'),
    });
    expect((await client.ask(show, 'GET_READER_CONFIG_RESPONSE')).parameters[1]).toEqual(keepalive);
  });

  it('reports a tag again and again while it is there, and enters it once for its read point', async () => {
    const { reader, clock, ledger } = await started();
    const client = clientOf(reader);
    await inventory(client);
    const fate = reader.observe?.({ ...PARCEL, antennas: [1, 2], dwellMs: 1000 });
    await clock.advance(1200);
    await until(() => ledger.length > 0, 'the ledger');
    const reads = () =>
      client.messages.flatMap((message) => (message.name === 'RO_ACCESS_REPORT' ? message.parameters : []));
    await until(() => reads().length > 8, 'the reports');
    await clock.advance(100);
    expect(await fate).toBe('intact');
    const antennas = new Set<number>();
    for (const read of reads() as ParameterOf<'TagReportData'>[]) {
      expect(findParameter(read.parameters, 'EPC96')?.epc).toBe('311ba1b300ce0a6a83000000');
      expect(findParameter(read.parameters, 'PeakRSSI')?.peakRssiDbm).toBeLessThan(-30);
      expect(findParameter(read.parameters, 'ROSpecID')?.roSpecId).toBe(7);
      antennas.add(findParameter(read.parameters, 'AntennaID')?.antennaId ?? 0);
    }
    expect(antennas).toEqual(new Set([1, 2]));
    expect(ledger).toMatchObject([
      { kind: 'tag', epcHex: PARCEL.epcHex, sscc: PARCEL.sscc, readPoint: 'dock-7-out', simulator: 'portal' },
    ]);
  });

  it('enters a tag at each read point that saw it', async () => {
    const { reader, clock, ledger } = await started(
      new Map([
        [1, 'in'],
        [2, 'out'],
      ]),
    );
    const client = clientOf(reader);
    await inventory(client);
    void reader.observe?.({ ...PARCEL, dwellMs: 2000 });
    await clock.advance(1500);
    await until(() => ledger.length === 2, 'both read points');
    expect(ledger.map(({ readPoint }) => readPoint).sort()).toEqual(['in', 'out']);
  });

  it('loses a tag that passes while there is no client or no ROSpec', async () => {
    const { reader, clock, ledger } = await started();
    const alone = reader.observe?.({ ...PARCEL, dwellMs: 500 });
    await clock.advance(700);
    expect(await alone).toBe('lost');
    const client = clientOf(reader);
    expect(await attemptStatus(client)).toBe(0);
    const idle = reader.observe?.({ ...PARCEL, dwellMs: 500 });
    await clock.advance(700);
    expect(await idle).toBe('lost');
    expect(ledger).toEqual([]);
  });

  it('withdraws what has not been told', async () => {
    const { reader, clock, ledger } = await started();
    const client = clientOf(reader);
    await inventory(client);
    const fate = reader.observe?.({ ...PARCEL, dwellMs: 5000 });
    await reader.withdraw?.();
    expect(await fate).toBe('lost');
    await clock.advance(1000);
    expect(ledger).toEqual([]);
  });

  it('sends keepalives, and gives up a client that never answers', async () => {
    const { reader, clock } = await started();
    const client = clientOf(reader);
    const parameters = [{ name: 'KeepaliveSpec', triggerType: 1, periodMs: 1000 }];
    await client.ask(
      { name: 'SET_READER_CONFIG', resetToFactoryDefault: false, parameters },
      'SET_READER_CONFIG_RESPONSE',
    );
    for (let answered = 0; answered < 8; answered++) {
      await clock.advance(1000);
      await client.next('KEEPALIVE');
      // The answer to a later request shows that the acknowledgement ahead of it has arrived.
      client.send({ name: 'KEEPALIVE_ACK' });
      await client.ask({ name: 'GET_ROSPECS' }, 'GET_ROSPECS_RESPONSE');
    }
    expect(client.closed).toBe(false);
    await clock.advance(6000);
    await until(() => client.closed, 'the reader to give the client up');
  });

  it('keeps ROSpecs over a reconnect', async () => {
    const { reader, clock, ledger } = await started();
    const first = clientOf(reader);
    await inventory(first);
    first.destroy();
    await until(() => first.closed, 'the first client to be gone');
    let second = clientOf(reader);
    // The reader may still be learning that the first client has gone.
    while ((await attemptStatus(second)) !== 0) second = clientOf(reader);
    void reader.observe?.({ ...PARCEL, dwellMs: 3000 });
    await clock.advance(1000);
    await second.next('RO_ACCESS_REPORT');
    await until(() => ledger.length === 1, 'the ledger');
  });

  it('answers errors with the reason', async () => {
    const { reader } = await started();
    const client = clientOf(reader);
    const unknown = await client.ask({ name: 'START_ROSPEC', roSpecId: 3 }, 'START_ROSPEC_RESPONSE');
    expect(statusOf(unknown)?.statusCode).toBe(101);
    const impinj = { name: 'CUSTOM_MESSAGE', vendorId: 25882, subtype: 21, data: Buffer.alloc(4) } as const;
    expect(statusOf(await client.ask(impinj, 'ERROR_MESSAGE'))?.statusCode).toBe(109);
    // GET_SUPPORTED_VERSION with the version of LLRP 1.1.
    client.raw('082e0000000a00000005');
    expect(statusOf(await client.next('ERROR_MESSAGE'))?.statusCode).toBe(110);
    // GET_READER_CAPABILITIES without its one field.
    client.raw('04010000000a00000006');
    const malformed = await client.next('ERROR_MESSAGE');
    expect([malformed.id, statusOf(malformed)?.statusCode]).toEqual([6, 100]);
    const access = await client.ask({ name: 'DELETE_ACCESSSPEC', accessSpecId: 0 }, 'DELETE_ACCESSSPEC_RESPONSE');
    expect(statusOf(access)?.statusCode).toBe(0);
  });

  it('comes back on the same port after unplug and replug', async () => {
    const { reader } = await started();
    const client = clientOf(reader);
    expect(await attemptStatus(client)).toBe(0);
    const { address } = reader;
    await reader.command('unplug');
    await until(() => client.closed, 'the reset');
    await reader.command('replug');
    expect(reader.address).toBe(address);
    expect(await attemptStatus(clientOf(reader))).toBe(0);
  });

  it('resets the connection after a torn message, and the tag is reported later', async () => {
    const { reader, clock, ledger } = await started();
    const client = clientOf(reader);
    await inventory(client);
    await reader.command('torn', { count: 1 });
    void reader.observe?.({ ...PARCEL, dwellMs: 60_000 });
    await clock.advance(500);
    await until(() => client.closed && ledger.length > 0, 'the reset');
    expect(ledger).toMatchObject([{ damage: 'torn' }]);
    const again = clientOf(reader);
    expect(await attemptStatus(again)).toBe(0);
    await clock.advance(500);
    await until(() => ledger.length > 1, 'the report');
    expect(ledger[1]).not.toHaveProperty('damage');
  });

  it('reads nothing at an antenna that is off, and says so to who asked for the event', async () => {
    const { reader, clock, ledger } = await started(new Map());
    const client = clientOf(reader);
    const events = [{ name: 'EventNotificationState', eventType: 8, enabled: true }];
    const parameters = [{ name: 'ReaderEventNotificationSpec', parameters: events }];
    await client.ask(
      { name: 'SET_READER_CONFIG', resetToFactoryDefault: false, parameters },
      'SET_READER_CONFIG_RESPONSE',
    );
    await inventory(client);
    await client.next('READER_EVENT_NOTIFICATION');
    await reader.command('antenna', { number: 1, connected: false });
    const { parameters: event } = await client.next('READER_EVENT_NOTIFICATION');
    const data = findParameter(event, 'ReaderEventNotificationData');
    expect(data?.parameters.at(-1)).toEqual({ name: 'AntennaEvent', eventType: 0, antennaId: 1 });
    await reader.command('tag', { epc: PARCEL.epcHex, dwellMs: 2000 });
    await clock.advance(2500);
    await until(() => ledger.length > 0, 'a report');
    expect(ledger).toMatchObject([{ antenna: 2 }]);
  });

  it('tells of its inputs: when asked, and each change of those that are watched', async () => {
    const { reader, ledger } = await started();
    const client = clientOf(reader);
    expect(await attemptStatus(client)).toBe(0);
    const events = [{ name: 'EventNotificationState', eventType: 1, enabled: true }];
    const parameters = [
      { name: 'ReaderEventNotificationSpec', parameters: events },
      { name: 'GPIPortCurrentState', gpiPort: 2, enabled: true, state: 0 },
    ];
    const set = { name: 'SET_READER_CONFIG', resetToFactoryDefault: false } as const;
    await client.ask({ ...set, parameters }, 'SET_READER_CONFIG_RESPONSE');
    await reader.command('input', { number: 1, level: 'high' });
    await reader.command('input', { number: 2, level: 'high' });
    await reader.command('input', { number: 2, level: 'high' });
    const { parameters: event } = await client.next('READER_EVENT_NOTIFICATION');
    const data = findParameter(event, 'ReaderEventNotificationData');
    expect(data?.parameters.at(-1)).toEqual({ name: 'GPIEvent', gpiPort: 2, gpiEvent: true });
    const request = { antennaId: 0, requestedData: 9, gpiPort: 0, gpoPort: 0, parameters: [] };
    const config = await client.ask({ name: 'GET_READER_CONFIG', ...request }, 'GET_READER_CONFIG_RESPONSE');
    expect(config.parameters.slice(1)).toEqual([
      { name: 'GPIPortCurrentState', gpiPort: 1, enabled: false, state: 1 },
      { name: 'GPIPortCurrentState', gpiPort: 2, enabled: true, state: 1 },
    ]);
    expect(ledger).toMatchObject([
      { kind: 'contact', detail: { port: 1, level: 'high' } },
      { kind: 'contact', detail: { port: 2, level: 'high' } },
    ]);
    expect(client.messages).toEqual([]);
    const absent = [{ name: 'GPIPortCurrentState', gpiPort: 3, enabled: true, state: 0 }];
    const refused = await client.ask({ ...set, parameters: absent }, 'SET_READER_CONFIG_RESPONSE');
    expect(statusOf(refused)?.statusCode).toBe(101);
    await expect(reader.command('input', { number: 3, level: 'high' })).rejects.toMatchObject({
      code: 'sim-command-invalid',
    });
  });

  it('as one of Impinj knows its extensions, and as another does not', async () => {
    const { reader, clock } = await started(READ_POINTS, { maker: 'impinj' });
    const client = clientOf(reader);
    expect(await attemptStatus(client)).toBe(0);
    const enabled = await client.ask(impinjEnableExtensions, 'CUSTOM_MESSAGE');
    expect(impinjExtensionsStatus(enabled)?.statusCode).toBe(0);
    const reportExtensions = [
      encodeVendorParameter({
        name: 'ImpinjTagReportContentSelector',
        parameters: [encodeVendorParameter({ name: 'ImpinjEnablePeakRSSI', mode: 1 })],
      }),
    ];
    const spec = inventoryRoSpec({
      roSpecId: 7,
      antennaIds: [1],
      start: 'immediate',
      reportEveryTags: 1,
      reportExtensions,
    });
    await client.ask({ name: 'ADD_ROSPEC', parameters: [spec] }, 'ADD_ROSPEC_RESPONSE');
    await client.ask({ name: 'ENABLE_ROSPEC', roSpecId: 7 }, 'ENABLE_ROSPEC_RESPONSE');
    void reader.observe?.({ ...PARCEL, dwellMs: 60_000 });
    await clock.advance(500);
    const [read] = decodeTagReads(encodeMessage(await client.next('RO_ACCESS_REPORT')));
    expect(read?.vendor?.rssiDbm).toBe(read?.peakRssiDbm);

    const other = await started();
    const stranger = clientOf(other.reader);
    const error = await stranger.ask(impinjEnableExtensions, 'ERROR_MESSAGE');
    expect(statusOf(error)?.statusCode).toBe(109);
  });
});
