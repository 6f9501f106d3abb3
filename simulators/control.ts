/**
 * The control socket of a running scenario: commands in, one per line (command-line.ts), one JSON object per line out, in order:
 * `{"ok":true,"line":"unplug scanner-1 5s"}` or `{"ok":false,"line":…,"error":{"code","message"}}`.
 *
 * A socket file that a process left behind is replaced; one that answers is not, nor is any other file. Bounds: CONNECTIONS_MAX at a
 * time, a line of LINE_BYTES_MAX (a longer one ends the connection); a client that does not take its answers is not read from.
 */
import { lstat, mkdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { SimulatorError } from './simulator.ts';

const CONNECTIONS_MAX = 16;
const LINE_BYTES_MAX = 4096;
const ANSWER_MS = 30_000;

export interface Control {
  close(): Promise<void>;
}

/**
 * @param answer gives the answer to a line, or undefined where none is due
 * @throws SimulatorError `sim-control-unavailable`
 */
export async function openControl(
  path: string,
  answer: (line: string) => Promise<object | undefined>,
): Promise<Control> {
  await makeWay(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A client that goes away is nothing to report.
    socket.on('error', () => {});
    serve(socket, answer).catch(() => socket.destroy());
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Sends one command to a running scenario and gives its answer. @throws SimulatorError `sim-control-unavailable` */
export function tell(path: string, line: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let received = '';
    const failed = (message: string, cause?: unknown): void => {
      socket.destroy();
      reject(unavailable(`${path}: ${message}`, cause));
    };
    socket.setTimeout(ANSWER_MS, () => failed('no answer'));
    socket.once('error', (error) => failed(`nobody listens (${error.message})`, error));
    socket.once('close', () => failed('closed without an answer'));
    socket.on('data', (chunk) => {
      received += chunk.toString();
      const end = received.indexOf('\n');
      if (end < 0) return;
      socket.removeAllListeners('close');
      socket.end();
      resolve(JSON.parse(received.slice(0, end)) as Record<string, unknown>);
    });
    socket.write(`${line}\n`);
  });
}

async function serve(socket: Socket, answer: (line: string) => Promise<object | undefined>): Promise<void> {
  let rest = '';
  for await (const chunk of socket) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_BYTES_MAX) return void socket.destroy();
    for (const line of lines) {
      const given = await answer(line);
      if (given === undefined || socket.write(`${JSON.stringify(given)}\n`)) continue;
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', () => resolve());
      });
    }
  }
}

async function makeWay(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw unavailable(`${path} exists and is no socket: choose another path`);
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });
  if (answered) throw unavailable(`${path} belongs to a simulator that runs: choose another path`);
  await unlink(path);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(unavailable(`${path}: ${cause.message}`, cause)));
    server.listen(path, resolve);
  });
}

function unavailable(message: string, cause?: unknown): SimulatorError {
  return new SimulatorError({ code: 'sim-control-unavailable', message, cause });
}
