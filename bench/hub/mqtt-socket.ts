/**
 * A client of MQTT 3.1.1 on a bare socket: as little as a gateway can cost the machine that both ends of a benchmark run on. Packets are
 * as the standard has them (section 2 and 3): type and flags, remaining length, body.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const CONNECT = 0x10;
const PUBLISH_QOS_1 = 0x32;
const PUBACK = 0x40;
const SUBSCRIBE = 0x82;
const KEEP_ALIVE_S = 600;
const NOTHING = Buffer.alloc(0);

/** Connected (clean session) and subscribed to `topic` with QoS 1. */
export async function mqttSocket(options: {
  host: string;
  port: number;
  clientId: string;
  topic: string;
}): Promise<Socket> {
  const socket = connect(options.port, options.host).setNoDelay(true);
  await once(socket, 'connect');
  const hello = [text('MQTT'), Buffer.from([4, 2, KEEP_ALIVE_S >> 8, KEEP_ALIVE_S & 255]), text(options.clientId)];
  socket.write(packet(CONNECT, hello));
  await once(socket, 'data');
  socket.write(packet(SUBSCRIBE, [Buffer.from([0, 1]), text(options.topic), Buffer.from([1])]));
  await once(socket, 'data');
  return socket;
}

/** A PUBLISH with QoS 1, to be sent as often as wanted. */
export function publishPacket(topic: string, id: number, payload: Uint8Array): Buffer {
  return packet(PUBLISH_QOS_1, [text(topic), Buffer.from([id >> 8, id & 255]), payload]);
}

/** Takes apart what a broker sends; each PUBLISH is handed on, and those with QoS 1 are acknowledged. */
export function onPublish(socket: Socket, heard: (payload: Buffer) => void): void {
  let rest: Buffer = NOTHING;
  socket.on('data', (chunk: Buffer) => {
    // What is sent in answer is one write with the acknowledgements.
    socket.cork();
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const acknowledgements: Buffer[] = [];
    for (let body = bodyOf(bytes); body; body = bodyOf(bytes)) {
      const { start, end } = body;
      const head = bytes[0] ?? 0;
      if (head >> 4 === 3) {
        let at = start + 2 + bytes.readUInt16BE(start);
        if (((head >> 1) & 3) === 1) {
          acknowledgements.push(Buffer.from([PUBACK, 2, bytes[at] ?? 0, bytes[at + 1] ?? 0]));
          at += 2;
        }
        heard(bytes.subarray(at, end));
      }
      bytes = bytes.subarray(end);
    }
    if (acknowledgements.length > 0) socket.write(Buffer.concat(acknowledgements));
    socket.uncork();
    rest = bytes.length === 0 ? NOTHING : Buffer.from(bytes);
  });
}

/** Where the body of the packet at the beginning is; undefined while it is not whole. */
function bodyOf(bytes: Buffer): { start: number; end: number } | undefined {
  let length = 0;
  for (let at = 1, shift = 0; at < Math.min(bytes.length, 5); at++, shift += 7) {
    const byte = bytes[at] ?? 0;
    length |= (byte & 127) << shift;
    if (byte < 128) return at + 1 + length <= bytes.length ? { start: at + 1, end: at + 1 + length } : undefined;
  }
  return undefined;
}

function packet(head: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const start = [head];
  for (let rest = body.length; ; rest >>= 7) {
    start.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(start), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
