/**
 * The web page: files of hub/web/static, read once at start, so that nothing outside that folder can ever be asked for.
 * uPlot, which draws the curves, comes from its own package.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const STATIC_FOLDER = fileURLToPath(new URL('../../web/static/', import.meta.url));

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface StaticFile {
  bytes: Buffer;
  type: string;
  etag: string;
}

export async function pageRoutes(app: FastifyInstance): Promise<void> {
  const names = (await readdir(STATIC_FOLDER)).filter((name) => extname(name) in TYPES);
  const files = new Map(
    await Promise.all(names.map(async (name) => [name, await load(join(STATIC_FOLDER, name))] as const)),
  );
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.esm.js'));
  files.set('uplot.js', await load(join(uplot, 'uPlot.esm.js')));
  files.set('uplot.css', await load(join(uplot, 'uPlot.min.css')));

  const page = (name: string) => async (request: FastifyRequest, reply: FastifyReply) =>
    sendFile(request, reply, files.get(name));
  app.get('/', page('index.html'));
  app.get('/packages/:packageId', page('package.html'));
  for (const name of files.keys()) if (!name.endsWith('.html')) app.get(`/assets/${name}`, page(name));
}

async function load(path: string): Promise<StaticFile> {
  const bytes = await readFile(path);
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, type: TYPES[extname(path)] ?? 'application/octet-stream', etag };
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: StaticFile | undefined): FastifyReply {
  if (!file) return reply.callNotFound() as unknown as FastifyReply;
  void reply.header('etag', file.etag).header('cache-control', 'no-cache').type(file.type);
  return request.headers['if-none-match'] === file.etag ? reply.status(304).send() : reply.send(file.bytes);
}
