/**
 * The disk as the Outbox needs it: a port, so that tests and the simulation can lose, tear and refuse writes.
 * Over the operating system: node-disk.ts.
 */
export interface Disk {
  /** Creates the folder and its parents. */
  makeFolder(path: string): Promise<void>;
  /** Names of the files in a folder, sorted. */
  list(folder: string): Promise<string[]>;
  /** Opens for reading and writing, or for reading alone (which a read-only disk allows too); creates when `create`. */
  open(path: string, options: { create: boolean; readOnly?: boolean }): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes renames, creations and removals in the folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** Free bytes of the file system that holds the folder. */
  freeBytes(folder: string): Promise<number>;
}

export interface DiskFile {
  size(): Promise<number>;
  /** Bytes read; fewer than asked for only at the end of the file. */
  read(buffer: Buffer, position: number): Promise<number>;
  /** Writes all of the buffer or rejects. */
  write(buffer: Buffer, position: number): Promise<void>;
  /** fdatasync: what was written before is durable when it resolves. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Small files are no larger: what is, is not ours. */
const SMALL_FILE_BYTES = 16 * 1024 * 1024;

/** Reads a small file whole; undefined when it does not exist. */
export async function readWhole(disk: Disk, path: string): Promise<Buffer | undefined> {
  let file: DiskFile;
  try {
    file = await disk.open(path, { create: false, readOnly: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(Math.min(SMALL_FILE_BYTES, await file.size()));
    const bytes = await file.read(buffer, 0);
    return buffer.subarray(0, bytes);
  } finally {
    await file.close();
  }
}

/**
 * Replaces a small file so that after a crash the old or the new content is there, never a mixture. After a failure the temporary file
 * is thrown away: pages that could not be synced are not trusted with a second attempt.
 */
export async function replaceFile(disk: Disk, folder: string, name: string, content: Buffer): Promise<void> {
  const temporary = `${folder}/${name}.tmp`;
  try {
    const file = await disk.open(temporary, { create: true });
    try {
      await file.truncate(0);
      await file.write(content, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(temporary, `${folder}/${name}`);
    await disk.syncFolder(folder);
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw error;
  }
}

/** The operating system's code of an error (ENOSPC, EROFS, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
