/**
 * The daemon's own window: /status (JSON), /healthz and /metrics over HTTP on a socket in the state folder, and on `ops.listen` where that is
 * configured. The socket is also what keeps two daemons off one outbox.
 */
import { createHash } from 'node:crypto';
import { chmod, unlink } from 'node:fs/promises';
import { createServer, type RequestListener, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { EXPOSITION_CONTENT_TYPE, renderMetrics } from '../../protocols/metrics/exposition.ts';
import { errorCode } from '../outbox/disk.ts';
import { type EdgeReport, edgeMetrics } from './report.ts';

class OpsError extends Error {
  override readonly name = 'OpsError';
  readonly code: 'already-running' | 'ops-port';

  constructor(fault: { code: OpsError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}

function socketPath(stateDir: string): string {
  return `${stateDir}/edge.sock`;
}

/** Where the socket is when the disk of the state folder takes none. */
function spareSocketPath(stateDir: string): string {
  const name = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 16);
  return `${tmpdir()}/milepost-${name}.sock`;
}

/** @throws OpsError `already-running`, `ops-port`. */
export async function openOpsServer(options: {
  stateDir: string;
  listen?: string;
  /** undefined while the daemon is starting. */
  report: () => EdgeReport | undefined;
}): Promise<{ close(): Promise<void> }> {
  const { stateDir, listen, report } = options;
  for (const path of [socketPath(stateDir), spareSocketPath(stateDir)]) {
    if (await answers(path)) {
      throw new OpsError({
        code: 'already-running',
        message: `a daemon runs in ${stateDir} already (${path} answers); stop it first`,
      });
    }
    await unlink(path).catch(() => {});
  }
  const handler = respond(report);
  const servers: Server[] = [];
  try {
    servers.push(await listenInFolder(handler, stateDir));
    if (listen !== undefined) {
      const [host = '127.0.0.1', port = '0'] = listen.split(':');
      servers.push(await listenOn(handler, { host, port: Number(port) }));
    }
  } catch (error) {
    for (const server of servers) server.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new OpsError({
      code: 'ops-port',
      message: `cannot listen on ${listen ?? socketPath(stateDir)}: ${reason}`,
      cause: error,
    });
  }
  return {
    async close() {
      await Promise.all(
        servers.map((server) => {
          server.closeAllConnections();
          return new Promise<void>((resolve) => server.close(() => resolve()));
        }),
      );
    },
  };
}

/** Asks the daemon that runs in a state folder. Rejects when none answers. */
export async function askDaemon(stateDir: string): Promise<EdgeReport> {
  try {
    return await ask(socketPath(stateDir));
  } catch (error) {
    return ask(spareSocketPath(stateDir)).catch(() => Promise.reject(error));
  }
}

function ask(path: string): Promise<EdgeReport> {
  return new Promise((settle, reject) => {
    const question = request({ socketPath: path, path: '/status' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        try {
          if (response.statusCode !== 200) throw new Error(`the daemon answers ${response.statusCode}: it is starting`);
          settle(JSON.parse(Buffer.concat(chunks).toString('utf8')) as EdgeReport);
        } catch (error) {
          reject(error);
        }
      });
    });
    question.on('error', reject);
    question.end();
  });
}

function respond(report: () => EdgeReport | undefined): RequestListener {
  return (incoming, response) => {
    const send = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type });
      response.end(body);
    };
    const path = (incoming.url ?? '').split('?')[0];
    const known = report();
    if (!known)
      send(503, 'application/json', '{"error":{"code":"starting","message":"the daemon is starting; ask again"}}\n');
    else if (path === '/status') send(200, 'application/json', `${JSON.stringify(known)}\n`);
    else if (path === '/metrics') send(200, EXPOSITION_CONTENT_TYPE, renderMetrics(edgeMetrics(known)));
    else if (path === '/healthz') {
      const { outbox, balanced } = known;
      const ok = outbox.mode === 'ok' && balanced;
      send(ok ? 200 : 503, 'application/json', `${JSON.stringify({ ok, outbox: outbox.mode, balanced })}\n`);
    } else
      send(
        404,
        'application/json',
        '{"error":{"code":"not-found","message":"there are /status, /healthz and /metrics"}}\n',
      );
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function listenInFolder(handler: RequestListener, stateDir: string): Promise<Server> {
  const listen = async (path: string) => {
    const server = await listenOn(handler, { path });
    await chmod(path, 0o660);
    return server;
  };
  try {
    return await listen(socketPath(stateDir));
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') throw error;
    // A daemon on a disk that refuses is worth more than none.
    return await listen(spareSocketPath(stateDir));
  }
}

function listenOn(handler: RequestListener, where: { path: string } | { host: string; port: number }): Promise<Server> {
  const server = createServer(handler);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => resolve(server));
  });
}
