/** A reader that answers the LLRP driver as a script says, and keeps what it was asked. */
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import {
  decodeMessage,
  encodeMessage,
  impinjEnableExtensionsResponse,
  LlrpFramer,
  llrpStatus,
  type Message,
  type MessageOf,
  type Parameter,
  type ParameterOf,
  readerEvent,
} from '../../../protocols/llrp/index.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/messages.json' with { type: 'json' };

export const OPTIONS = { host: '192.0.2.51' };

/** The bytes of a captured message. */
export function vector(name: string): Buffer {
  return Buffer.from(named(vectors, name).input, 'hex');
}

export const event = (parameter: Parameter) =>
  encodeMessage(readerEvent({ version: 1, id: 0, at: { name: 'Uptime', microseconds: 1n }, event: parameter }));
export const welcome = (status: number) => event({ name: 'ConnectionAttemptEvent', status });

export const CAPABILITIES: Parameter[] = [
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

export interface Script {
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
export function reader(script: Script = {}) {
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

/** What the driver asks, in order, of a reader that refuses nothing. */
export const SETUP = [
  'GET_READER_CAPABILITIES',
  'SET_READER_CONFIG',
  'SET_READER_CONFIG',
  'DELETE_ROSPEC',
  'ADD_ROSPEC',
  'ENABLE_ROSPEC',
];

/** The driver on such a reader, past its set-up. */
export async function running(script: Script = {}, options: object = {}) {
  const t = reader(script);
  const run = runDriver(driver, { ...OPTIONS, ...options }, t.device);
  await run.clock.advance(10);
  return { ...t, run };
}
