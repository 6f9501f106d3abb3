/** One request and the first answer over TCP, or one HTTP request: what the readiness checks of the servers are made of. */
import { connect } from 'node:net';
import { HOST } from './ports.ts';

const ANSWER_TIMEOUT_MS = 2_000;

/** Sends `request` and resolves with what has arrived once `enough` says so. */
export function exchange(
  port: number,
  request: Uint8Array,
  enough: (answer: Buffer) => boolean = (answer) => answer.length > 0,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const socket = connect({ host: HOST, port });
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS} ms`)));
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (!enough(answer)) return;
      resolve(answer);
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed without an answer')));
  });
}

/** The body of a 2xx answer; anything else rejects with what the server said. */
export async function httpText(url: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  const body = await response.text();
  if (!response.ok) throw new Error(`HTTP ${response.status} from ${url}: ${body.slice(0, 500)}`);
  return body;
}
