/**
 * The daemon's own window: /status (JSON), /healthz and /metrics over HTTP on a socket in the state folder, and on `ops.listen` where that is
 * configured. The socket is also what keeps two daemons off one outbox.
 */
import { chmod, unlink } from 'node:fs/promises';
import { createServer, type RequestListener, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { EXPOSITION_CONTENT_TYPE, renderMetrics } from '../../protocols/metrics/exposition.ts';
import { type EdgeReport, edgeMetrics } from './report.ts';

export class OpsError extends Error {
  override readonly name = 'OpsError';
  readonly code: 'already-running' | 'ops-port';

  constructor(fault: { code: OpsError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}

export function socketPath(stateDir: string): string {
  return `${stateDir}/edge.sock`;
}

/** @throws OpsError `already-running`, `ops-port`. */
export async function openOpsServer(options: {
  stateDir: string;
  listen?: string;
  report: () => EdgeReport;
}): Promise<{ close(): Promise<void> }> {
  const { stateDir, listen, report } = options;
  const path = socketPath(stateDir);
  if (await answers(path)) {
    throw new OpsError({
      code: 'already-running',
      message: `a daemon runs in ${stateDir} already (${path} answers); stop it first`,
    });
  }
  await unlink(path).catch(() => {});
  const handler = respond(report);
  const servers: Server[] = [];
  try {
    servers.push(await listenOn(handler, { path }));
    await chmod(path, 0o660);
    if (listen !== undefined) {
      const [host = '127.0.0.1', port = '0'] = listen.split(':');
      servers.push(await listenOn(handler, { host, port: Number(port) }));
    }
  } catch (error) {
    for (const server of servers) server.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new OpsError({ code: 'ops-port', message: `cannot listen on ${listen ?? path}: ${reason}`, cause: error });
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
export function askDaemon(stateDir: string): Promise<EdgeReport> {
  return new Promise((resolve, reject) => {
    const ask = request({ socketPath: socketPath(stateDir), path: '/status' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as EdgeReport);
        } catch (error) {
          reject(error);
        }
      });
    });
    ask.on('error', reject);
    ask.end();
  });
}

function respond(report: () => EdgeReport): RequestListener {
  return (incoming, response) => {
    const send = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type });
      response.end(body);
    };
    const path = (incoming.url ?? '').split('?')[0];
    if (path === '/status') send(200, 'application/json', `${JSON.stringify(report())}\n`);
    else if (path === '/metrics') send(200, EXPOSITION_CONTENT_TYPE, renderMetrics(edgeMetrics(report())));
    else if (path === '/healthz') {
      const { outbox, balanced } = report();
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

function listenOn(handler: RequestListener, where: { path: string } | { host: string; port: number }): Promise<Server> {
  const server = createServer(handler);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => resolve(server));
  });
}
