/**
 * Stands between clients and a Kafka broker and, while `brokerless` is set, takes all brokers out of what the broker answers to Metadata
 * requests: what a cluster says while its only broker is fenced. Everything else passes unchanged.
 *
 * Kafka protocol guide: each message is its length (int32) and so many bytes. Request: api_key int16, api_version int16, correlation_id
 * int32, …. Response to Metadata (key 3) from version 9 on: correlation_id int32, tagged fields, throttle_time_ms int32, brokers as a
 * compact array, …. A compact array or string begins with its length plus one (unsigned varint; 0 is null).
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

const METADATA = 3;
const FLEXIBLE_SINCE = 9;

export class BrokerlessProxy {
  brokerless = false;
  /** Answers that were made so. */
  answers = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: { host: string; port: number }) {
    this.#server = createServer((client) => this.#join(client, dial(target.port, target.host)));
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, host, resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, broker: Socket): void {
    const metadata = new Set<number>();
    const requests = new Frames();
    const responses = new Frames();
    client.on('data', (bytes) => {
      for (const frame of requests.push(bytes)) {
        if (frame.readInt16BE(4) === METADATA && frame.readInt16BE(6) >= FLEXIBLE_SINCE)
          metadata.add(frame.readInt32BE(8));
        broker.write(frame);
      }
    });
    broker.on('data', (bytes) => {
      for (const frame of responses.push(bytes)) {
        const isMetadata = metadata.delete(frame.readInt32BE(4));
        if (isMetadata && this.brokerless) this.answers++;
        client.write(isMetadata && this.brokerless ? withoutBrokers(frame) : frame);
      }
    });
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}

/** Cuts a stream into messages, their lengths included. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames: Buffer[] = [];
    while (this.#rest.length >= 4) {
      const end = 4 + this.#rest.readInt32BE(0);
      if (this.#rest.length < end) break;
      frames.push(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }
}

function withoutBrokers(frame: Buffer): Buffer {
  // Behind length, correlation_id, no tagged fields and throttle_time_ms.
  const from = 4 + 4 + 1 + 4;
  let at = from;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = frame.readUInt8(at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const skipString = () => {
    const length = varint() - 1;
    at += Math.max(0, length);
  };
  for (let brokers = varint() - 1; brokers > 0; brokers--) {
    at += 4;
    skipString();
    at += 4;
    skipString();
    if (varint() !== 0) throw new Error('a broker with tagged fields');
  }
  const cut = Buffer.concat([frame.subarray(0, from), Buffer.from([1]), frame.subarray(at)]);
  cut.writeInt32BE(cut.length - 4, 0);
  return cut;
}
