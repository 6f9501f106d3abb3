/**
 * A folder of the kernel's files as a Transport (1-Wire sensors): requests are written, answers come as lines of JSON (transport.ts).
 *
 * One request at a time: a 1-Wire sensor converts while its file is read, for up to 750 ms. A read that hangs in the kernel holds one thread
 * of the pool, and never a second one: as long as it hangs its file cannot be read again, by whatever transport (`EBUSY`).
 * The folder that goes away (bus driver unloaded) loses the port.
 */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { IncomingBytes } from './incoming-bytes.ts';
import { type FileAnswer, type FileRequest, type FilesOptions, type Transport, TransportError } from './transport.ts';

const LONGEST_TEXT = 16 * 1024;
const MOST_NAMES = 1_024;

/** Files that are being read at this moment, of all transports. */
const underWay = new Set<string>();

export async function openFiles(options: FilesOptions, signal: AbortSignal): Promise<Transport> {
  const { folder } = options;
  await readdir(folder).catch((cause: unknown) => {
    throw folderError(folder, cause);
  });
  signal.throwIfAborted();
  const incoming = new IncomingBytes();
  let over: TransportError | undefined;
  let last: Promise<void> = Promise.resolve();

  const answer = async (request: FileRequest): Promise<void> => {
    if (over) return;
    const found = await perform(folder, request);
    if ('error' in found && !(await stat(folder).catch(() => undefined))) {
      over = new TransportError({ code: 'port-lost', message: `${folder} is gone` });
      incoming.fail(over);
      return;
    }
    incoming.push(Buffer.from(`${JSON.stringify(found)}\n`));
  };

  return {
    incoming,
    async write(bytes) {
      if (over) throw over;
      const request = JSON.parse(Buffer.from(bytes).toString('utf8')) as FileRequest;
      last = last.then(() => answer(request));
    },
    // Not waited for: a read that hangs in the kernel cannot be called back.
    async close() {
      over ??= new TransportError({ code: 'port-lost', message: `${folder}: closed by the gateway` });
      incoming.discard();
    },
  };
}

async function perform(folder: string, request: FileRequest): Promise<FileAnswer> {
  const name = 'list' in request ? '' : 'read' in request ? request.read : request.write;
  const path = join(folder, name);
  if (isAbsolute(name) || normalize(name).startsWith('..')) return { error: 'EACCES', path: name };
  if (underWay.has(path)) return { error: 'EBUSY', path: name };
  underWay.add(path);
  try {
    if ('list' in request) return { names: (await readdir(folder)).sort().slice(0, MOST_NAMES) };
    if ('read' in request) return { read: name, text: (await readFile(path, 'latin1')).slice(0, LONGEST_TEXT) };
    await writeFile(path, request.text, { flag: 'r+' });
    return { wrote: name };
  } catch (cause) {
    return { error: (cause as NodeJS.ErrnoException).code ?? 'EIO', path: name };
  } finally {
    underWay.delete(path);
  }
}

function folderError(folder: string, cause: unknown): TransportError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') {
    return new TransportError({ code: 'port-denied', message: `no permission to read ${folder}`, cause });
  }
  if (code === 'ENOENT') {
    const message = `${folder} does not exist: is the bus's driver loaded? (1-Wire on GPIO: overlay w1-gpio and module w1_therm)`;
    return new TransportError({ code: 'port-missing', message, cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TransportError({ code: 'port-failed', message: `${folder} cannot be read: ${reason}`, cause });
}
