/** kcat, which shares no code with us, as a reader of what is committed in a topic, from its beginning. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { program } from './machine.ts';

export interface KcatOptions {
  /** `host:port`, comma separated. */
  brokers: string;
  topic: string;
  /** As kcat's `-f`: `%k` key, `%s` value, `%S` its length, `%p` partition, `%o` offset. Default: a line for each value. */
  format?: string;
  /** The whole message as a line of JSON instead. */
  json?: boolean;
  /** How long the broker may hold an answer back when there is nothing. Default librdkafka's 500. */
  fetchWaitMs?: number;
}

const MAX_OUTPUT_BYTES = 2 ** 30;
const TIMEOUT_MS = 60_000;

/** Arguments for a kcat that goes on for ever and prints each message at once. */
export const kcatFollowing = (options: KcatOptions): string[] => ['-u', ...reading(options)];

/** What kcat prints of the topic up to its end. Binary safe: nothing is interpreted. */
export async function kcat(options: KcatOptions): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(program('kcat'), ['-e', ...reading(options)], {
    encoding: 'buffer',
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: TIMEOUT_MS,
  });
  return stdout;
}

function reading({ brokers, topic, format, json = false, fetchWaitMs }: KcatOptions): string[] {
  return [
    ...['-C', '-q', '-b', brokers, '-t', topic, '-o', 'beginning', '-X', 'isolation.level=read_committed'],
    ...(fetchWaitMs === undefined ? [] : ['-X', `fetch.wait.max.ms=${fetchWaitMs}`]),
    ...(format === undefined ? [] : ['-f', format]),
    ...(json ? ['-J'] : []),
  ];
}
