/**
 * Asks a Kafka broker, in its own protocol, whether it can serve groups and transactions.
 *
 * FindCoordinator (API key 10, version 1) makes a new broker create `__consumer_offsets` and `__transaction_state` and
 * answers with error 0 once their coordinators are loaded, which is later than the port is open.
 * Source: the protocol guide of Apache Kafka, request header version 1.
 */
import { exchange } from './exchange.ts';

const FIND_COORDINATOR = 10;
const GROUP = 0;
const TRANSACTION = 1;

/** Rejects until the broker is ready for consumers in groups and for transactional producers. */
export async function kafkaReady(port: number): Promise<void> {
  for (const keyType of [GROUP, TRANSACTION]) {
    const answer = await exchange(port, findCoordinator(keyType), isWhole);
    // Size (4), correlation id (4), throttle time (4), error code (2).
    const error = answer.readInt16BE(12);
    if (error !== 0) throw new Error(`coordinator of type ${keyType}: Kafka error ${error}`);
  }
}

function findCoordinator(keyType: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt16BE(FIND_COORDINATOR, 0);
  header.writeInt16BE(1, 2);
  const body = Buffer.concat([header, kafkaString('probe'), kafkaString('probe'), Buffer.of(keyType)]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

function kafkaString(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeInt16BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}

function isWhole(answer: Buffer): boolean {
  return answer.length >= 14 && answer.length >= 4 + answer.readInt32BE(0);
}
