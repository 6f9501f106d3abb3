/**
 * Opens PGlite so that a commit is durable: with fsync on, and with a file layer that has one.
 *
 * PGlite starts PostgreSQL with `-F` (no fsync), and Emscripten's NODEFS has no fsync operation: whatever PostgreSQL asks for would
 * be answered "done". We take the flag out and put the operation in. `wal_sync_method` must be `fsync`, because Emscripten
 * answers fdatasync() itself without asking the file layer; what we then do for it is fdatasync(2).
 *
 * PostgreSQL answers a failed write or fsync of its log with PANIC, which in this build neither ends nor returns, and PGlite drops
 * whatever is thrown through it: the statement would spin for ever or look as if it had succeeded. So such a failure is thrown
 * as a JavaScript error, and any error that leaves the main loop, except PostgreSQL's own longjmp, marks the engine as lost: all calls
 * fail from then on and it is to be discarded and opened anew. Errors on other files (a full disk, mostly) reach PostgreSQL as
 * error numbers, which it handles in order.
 */
import { fdatasyncSync } from 'node:fs';
import type { PGlite } from '@electric-sql/pglite';
import { parsers, serializers } from './types.ts';

export interface EngineOptions {
  /** PostgreSQL's data folder; without it: in memory. */
  folder?: string;
  /** Called before each write and sync of a file; for tests, which throw from it what a disk would. */
  beforeDisk?: (operation: 'write' | 'sync', path: string) => void;
}

/** Thrown through WebAssembly: the engine it comes from must not be used again. */
class EngineLostError extends Error {
  override readonly name = 'EngineLostError';
}

/** The part of Emscripten's module that is changed. */
interface FileLayer {
  NODEFS: {
    stream_ops: {
      write(stream: FileStream, ...rest: unknown[]): number;
      fsync?: (stream: FileStream) => number;
    };
  };
}

/** The entry points into WebAssembly that PGlite's main loop calls, in the order in which it calls them. */
interface MainLoop {
  _PostgresMainLoopOnce(): void;
  stackRestore(pointer: number): void;
  _PostgresSendReadyForQueryIfNecessary(): void;
  _pgl_pq_flush(): void;
}

/** The exit status with which Emscripten reports PostgreSQL's siglongjmp: an ordinary SQL error. */
const LONGJMP_STATUS = 100;

interface FileStream {
  path?: string;
  nfd?: number;
}

export async function openEngine(options: EngineOptions): Promise<PGlite> {
  const { PGlite } = await import('@electric-sql/pglite');
  if (options.folder === undefined) {
    const inMemory = await PGlite.create({ parsers, serializers });
    stopWhenLost(inMemory.Module);
    return inMemory;
  }
  const startParams = [
    ...PGlite.defaultStartParams.filter((flag) => flag !== '-F'),
    ...['-c', 'wal_sync_method=fsync'],
    // PGlite's own default is 128 MB: more than an embedded hub needs.
    ...['-c', 'shared_buffers=32MB'],
  ];
  const { NodeFS } = await import('@electric-sql/pglite/nodefs');
  const beforeDisk = options.beforeDisk ?? (() => {});

  class SyncedFiles extends NodeFS {
    override async init(...args: Parameters<InstanceType<typeof NodeFS>['init']>) {
      const prepared = await super.init(...args);
      const { preRun = [] } = prepared.emscriptenOpts;
      const changed = (module: unknown) => changeFiles(module as FileLayer, beforeDisk);
      return { emscriptenOpts: { ...prepared.emscriptenOpts, preRun: [...preRun, changed] } };
    }
  }
  const engine = await PGlite.create({ fs: new SyncedFiles(options.folder), startParams, parsers, serializers });
  stopWhenLost(engine.Module);
  return engine;
}

function stopWhenLost(loop: MainLoop): void {
  let lost: { error: unknown } | undefined;
  const once = loop._PostgresMainLoopOnce;
  const restore = loop.stackRestore;
  const sendReady = loop._PostgresSendReadyForQueryIfNecessary;
  const flush = loop._pgl_pq_flush;
  loop._PostgresMainLoopOnce = () => {
    try {
      if (!lost) once();
    } catch (error) {
      if ((error as { status?: unknown } | null)?.status !== LONGJMP_STATUS) lost = { error };
      throw error;
    }
    if (lost) throw lost.error;
  };
  // PGlite swallows what the loop throws, then calls this.
  loop.stackRestore = (pointer) => {
    if (lost) throw lost.error;
    restore(pointer);
  };
  loop._PostgresSendReadyForQueryIfNecessary = () => {
    if (!lost) sendReady();
  };
  loop._pgl_pq_flush = () => {
    if (!lost) flush();
  };
}

function changeFiles(module: FileLayer, beforeDisk: NonNullable<EngineOptions['beforeDisk']>): void {
  const operations = module.NODEFS.stream_ops;
  const { write } = operations;
  operations.write = (stream, ...rest) => {
    const path = stream.path ?? '';
    try {
      beforeDisk('write', path);
      return write(stream, ...rest);
    } catch (error) {
      if (path.includes('/pg_wal/')) throw new EngineLostError('the disk refused a write of the log', { cause: error });
      throw error;
    }
  };
  operations.fsync = (stream) => {
    if (stream.nfd === undefined) return 0;
    try {
      beforeDisk('sync', stream.path ?? '');
      fdatasyncSync(stream.nfd);
      return 0;
    } catch (error) {
      // After a failed fsync nobody knows what is on the disk: only recovery from the log tells.
      throw new EngineLostError('the disk refused an fsync', { cause: error });
    }
  };
}
