/**
 * The web pages (hub/web/pages.ts) and what they load: files of hub/web/static, read once at start, so that nothing outside that folder
 * can ever be asked for. uPlot, which draws the curves, comes from its own package; what the forms offer (model.js) from the protocols.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IDENTITY_SCHEMES } from '../../../protocols/barcode/package-id.ts';
import { QUANTITIES } from '../../../protocols/rules/quantities.ts';
import { KIND_FIELDS } from '../../../protocols/rules/rule-fields.ts';
import { composePage, PAGES } from '../../web/pages.ts';

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
  const names = (await readdir(STATIC_FOLDER, { recursive: true })).filter((name) => extname(name) in TYPES);
  const contents = new Map(
    await Promise.all(
      names.map(async (name) => [name.replaceAll(sep, '/'), await readFile(join(STATIC_FOLDER, name))] as const),
    ),
  );
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.esm.js'));
  contents.set('uplot.js', await readFile(join(uplot, 'uPlot.esm.js')));
  contents.set('uplot.css', await readFile(join(uplot, 'uPlot.min.css')));

  contents.set('model.js', Buffer.from(modelSource()));

  const textOf = (name: string): string => {
    const found = contents.get(name);
    if (!found) throw new TypeError(`hub/web/static has no ${name}`);
    return found.toString('utf8');
  };
  for (const page of PAGES) app.get(page.route, answer('.html', Buffer.from(composePage(page, textOf))));
  for (const [name, bytes] of contents) {
    if (!name.endsWith('.html')) app.get(`/assets/${name}`, answer(extname(name), bytes));
  }
}

/** The lists that forms offer are those that gateway and hub check by. */
function modelSource(): string {
  const lists = { QUANTITIES, KIND_FIELDS, IDENTITY_SCHEMES };
  return Object.entries(lists)
    .map(([name, list]) => `export const ${name} = ${JSON.stringify(list)};\n`)
    .join('');
}

function answer(type: string, bytes: Buffer) {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const file: StaticFile = { bytes, type: TYPES[type] ?? 'application/octet-stream', etag };
  return async (request: FastifyRequest, reply: FastifyReply) => sendFile(request, reply, file);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, { bytes, type, etag }: StaticFile): FastifyReply {
  void reply.header('etag', etag).header('cache-control', 'no-cache').type(type);
  return request.headers['if-none-match'] === etag ? reply.status(304).send() : reply.send(bytes);
}
