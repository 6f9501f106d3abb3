/**
 * Group commit for each key: while one write of a key is under way, what comes for it meanwhile waits and goes together as the next. Keys do not wait
 * for each other, and within a key everything is written in the order in which it came.
 *
 * A write that is refused for what it holds (`isRefusal`) is taken apart into halves, so one item that cannot be written fails no other. Any
 * other fault is nobody's own: all of the group learn it, and come again.
 *
 * Bounds: `MAX_ITEMS` and `MAX_BYTES` a write. What waits is in its senders' hands, who bound it: Admission, and the size of HTTP bodies.
 */
import { setImmediate } from 'node:timers/promises';

export interface GroupsOptions<Item> {
  /** Resolves when all of them are durable. */
  write(key: string, items: readonly Item[]): Promise<void>;
  /** Whether the same write would fail again. */
  isRefusal(error: unknown): boolean;
}

interface Waiting<Item> {
  item: Item;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const MAX_ITEMS = 2_000;
const MAX_BYTES = 4 * 1024 * 1024;

export class Groups<Item extends { bytes: number }> {
  readonly #options: GroupsOptions<Item>;
  readonly #queues = new Map<string, Waiting<Item>[]>();

  constructor(options: GroupsOptions<Item>) {
    this.#options = options;
  }

  /** Resolves when it is durable. */
  add(key: string, item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(key);
      queue?.push({ item, resolve, reject });
      if (!queue) void this.#writeAll(key, [{ item, resolve, reject }]);
    });
  }

  async #writeAll(key: string, queue: Waiting<Item>[]): Promise<void> {
    this.#queues.set(key, queue);
    // What one read of a socket brought is in the first group already.
    await setImmediate();
    while (queue.length > 0) {
      const fault = await this.#write(key, queue.splice(0, countOf(queue)));
      if (fault) rejectAll(queue.splice(0), fault);
    }
    this.#queues.delete(key);
  }

  /** Gives the fault that was nobody's own. */
  async #write(key: string, group: readonly Waiting<Item>[]): Promise<Fault | undefined> {
    const { write, isRefusal } = this.#options;
    try {
      await write(
        key,
        group.map(({ item }) => item),
      );
      for (const { resolve } of group) resolve();
    } catch (error) {
      if (!isRefusal(error)) {
        rejectAll(group, { error });
        return { error };
      }
      if (group.length === 1) rejectAll(group, { error });
      else {
        const half = Math.ceil(group.length / 2);
        const fault = await this.#write(key, group.slice(0, half));
        if (!fault) return this.#write(key, group.slice(half));
        rejectAll(group.slice(half), fault);
        return fault;
      }
    }
    return undefined;
  }
}

interface Fault {
  error: unknown;
}

function rejectAll<Item>(group: readonly Waiting<Item>[], { error }: Fault): void {
  for (const { reject } of group) reject(error);
}

/** Of the first ones: at least one, even if it is too large by itself. */
function countOf<Item extends { bytes: number }>(queue: readonly Waiting<Item>[]): number {
  let bytes = 0;
  let count = 0;
  for (const { item } of queue) {
    bytes += item.bytes;
    if (count > 0 && (count === MAX_ITEMS || bytes > MAX_BYTES)) break;
    count++;
  }
  return count;
}
