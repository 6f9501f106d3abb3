/**
 * LLRP readers on given hosts, by asking port 5084.
 *
 * A reader speaks first (connection attempt event) and takes one client: one that is in use says so and is left alone. A free one is asked for its
 * general capabilities and told goodbye; nothing in it is changed. At most CONCURRENT hosts are asked at a time.
 */
import type { Clock } from '../../../protocols/base/clock.ts';
import {
  CAPABILITY_DATA,
  CONNECTION_ATTEMPT,
  decodeMessage,
  encodeMessage,
  findParameter,
  LlrpFramer,
  type Message,
  VENDOR,
} from '../../../protocols/llrp/index.ts';
import { ChunkReader } from '../chunk-reader.ts';
import { openTcp } from '../tcp.ts';
import type { Transport } from '../transport.ts';
import type { Finding, Look } from './finding.ts';

const LLRP_PORT = 5_084;
const CONCURRENT = 64;
const CONNECT_MS = 1_000;
const ANSWER_MS = 3_000;
const VERSION = 1;
/** IANA private enterprise numbers. */
const MAKERS: Readonly<Record<number, string>> = { [VENDOR.impinj]: 'Impinj', [VENDOR.motorola]: 'Zebra' };

export interface LlrpLookOptions {
  hosts: readonly string[];
  port?: number;
  clock: Clock;
  signal: AbortSignal;
  /** Called after each host. */
  onProgress?: (asked: number) => void;
}

export async function lookForLlrp(options: LlrpLookOptions): Promise<Look> {
  const { hosts, onProgress } = options;
  const found: (Finding | undefined)[] = [];
  let next = 0;
  let asked = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < hosts.length && !options.signal.aborted; index = next++) {
      found[index] = await askHost(hosts[index] ?? '', options);
      onProgress?.(++asked);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT, hosts.length) }, worker));
  return { findings: found.filter((finding) => finding !== undefined) };
}

async function askHost(host: string, options: LlrpLookOptions): Promise<Finding | undefined> {
  const { port = LLRP_PORT, clock, signal } = options;
  const transport = await openTcp({ kind: 'tcp', host, port, connectTimeoutMs: CONNECT_MS }, signal).catch(
    () => undefined,
  );
  if (transport === undefined) return undefined;
  try {
    const place = `${host}:${port}`;
    const what = await interview(new Interview(transport, { clock, signal }));
    if (what === undefined) {
      const why = 'something listens there, but it does not speak LLRP as a reader does';
      return { family: 'llrp', place, what: 'an open port', certainty: 'hint', why };
    }
    return {
      family: 'llrp',
      place,
      ...what,
      certainty: 'known',
      entry: {
        name: 'portal',
        driver: 'llrp',
        options: { host, ...(port !== LLRP_PORT && { port }) },
        readsPackages: true,
      },
    };
  } catch {
    // The connection broke, or what came was no LLRP: no reader that could be configured.
    return undefined;
  } finally {
    await transport.close();
  }
}

async function interview(reader: Interview): Promise<Pick<Finding, 'what' | 'why'> | undefined> {
  const welcome = await reader.receive('READER_EVENT_NOTIFICATION');
  const data = welcome && findParameter(welcome.parameters, 'ReaderEventNotificationData');
  const attempt = data && findParameter(data.parameters, 'ConnectionAttemptEvent');
  if (attempt === undefined) return undefined;
  if (attempt.status !== CONNECTION_ATTEMPT.success) {
    return { what: 'RFID reader (LLRP)', why: 'in use by another client, so it was not asked what it is' };
  }
  await reader.send({
    name: 'GET_READER_CAPABILITIES',
    version: VERSION,
    id: 1,
    requestedData: CAPABILITY_DATA.general,
    parameters: [],
  });
  const answer = await reader.receive('GET_READER_CAPABILITIES_RESPONSE');
  const general = answer && findParameter(answer.parameters, 'GeneralDeviceCapabilities');
  await reader.send({ name: 'CLOSE_CONNECTION', version: VERSION, id: 2 });
  await reader.receive('CLOSE_CONNECTION_RESPONSE');
  if (general === undefined) return { what: 'RFID reader (LLRP)', why: 'it does not say what it is' };
  const maker = MAKERS[general.manufacturer] ?? `maker ${general.manufacturer} (IANA)`;
  return {
    what: `RFID reader (LLRP): ${maker} model ${general.model}, firmware ${general.firmwareVersion}`,
    why: `${general.maxNumberOfAntennas} antenna ports`,
  };
}

/** One connection, for as long as it takes to ask. */
class Interview {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #reader: ChunkReader;
  readonly #framer = new LlrpFramer();
  readonly #messages: Message[] = [];

  constructor(transport: Transport, { clock, signal }: { clock: Clock; signal: AbortSignal }) {
    this.#transport = transport;
    this.#clock = clock;
    this.#reader = new ChunkReader({ transport, clock, signal });
  }

  send(message: Message): Promise<void> {
    return this.#transport.write(encodeMessage(message));
  }

  /** The next message of this name; others are passed over. */
  async receive<Name extends Message['name']>(name: Name): Promise<Extract<Message, { name: Name }> | undefined> {
    const untilUs = this.#clock.monotonicUs() + ANSWER_MS * 1000;
    for (;;) {
      const message = this.#messages.shift();
      if (message?.name === name) return message as Extract<Message, { name: Name }>;
      if (message) continue;
      const chunk = await this.#reader.read(Math.max(0, (untilUs - this.#clock.monotonicUs()) / 1000));
      if (typeof chunk === 'string') return undefined;
      this.#messages.push(...this.#framer.push(chunk).map((frame) => decodeMessage(frame)));
    }
  }
}
