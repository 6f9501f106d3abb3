/**
 * Plays a capture as the device that it was recorded from, on a pseudo-terminal or a TCP port.
 *
 * It begins when a host listens, with the first entry, and keeps the recorded times (`speed` times as fast). What the host said is in
 * the capture for reference; with `lockstep` the device waits at such a place until the host has said as many bytes, so that a polled
 * device (Modbus) answers and does not run ahead. Bytes for a host that has gone are lost and counted, and the capture goes on.
 */
import type { Socket } from 'node:net';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { OpenLine } from '../line.ts';
import { openTcpListener } from '../tcp-listener.ts';
import { type CaptureEntry, readCapture } from './format.ts';

export interface ReplayOptions {
  file: string;
  /** One of the two. */
  path?: string | undefined;
  port?: number | undefined;
  speed: number;
  lockstep: boolean;
  /** Again and again, until the signal. */
  loop: boolean;
  clock: Clock;
  log: Log;
  openLine: OpenLine;
  signal: AbortSignal;
  onListening(address: string): void;
}

export interface ReplayCounts {
  entries: number;
  bytesSent: number;
  /** For a host that was not there. */
  bytesLost: number;
  bytesFromHost: number;
}

const POLL_MS = 5;
/** The port stays for so long after the last byte: closing it would take away what the host has not read yet. */
const HOLD_MS = 1000;

interface Port {
  address: string;
  listening(): boolean;
  write(bytes: Buffer): Promise<boolean>;
  close(): Promise<void>;
}

/** Resolves at the end of the capture. @throws SimulatorError `sim-capture-*`, `sim-path-occupied`, `sim-port-taken`, … */
export async function replay(options: ReplayOptions): Promise<ReplayCounts> {
  const { clock, signal, onListening, loop } = options;
  const counts: ReplayCounts = { entries: 0, bytesSent: 0, bytesLost: 0, bytesFromHost: 0 };
  const port = await openPort(options, (count) => {
    counts.bytesFromHost += count;
  });
  try {
    onListening(port.address);
    do {
      // Ahead of the wait: a host that opens the port and asks at once is heard before it counts as listening.
      const heardBefore = counts.bytesFromHost;
      await until(() => port.listening(), options);
      const before = counts.entries;
      await playOnce(port, counts, { ...options, heardBefore });
      // An empty capture in a loop would be a busy one.
      if (counts.entries === before) break;
    } while (loop && !signal.aborted);
    await sleep(clock, HOLD_MS, signal);
    return counts;
  } finally {
    await port.close();
  }
}

async function playOnce(
  port: Port,
  counts: ReplayCounts,
  options: ReplayOptions & { heardBefore: number },
): Promise<void> {
  const { clock, speed, lockstep, signal, heardBefore } = options;
  let said = 0;
  /** When the capture's time 0 was. */
  let zeroUs: number | undefined;
  for await (const entry of readCapture(options.file)) {
    zeroUs ??= clock.monotonicUs() - entry.atUs / speed;
    if (entry.direction === 'out') {
      counts.entries++;
      said += entry.bytes.length;
      if (!lockstep) continue;
      await until(() => counts.bytesFromHost - heardBefore >= said, options);
      zeroUs = clock.monotonicUs() - entry.atUs / speed;
    } else {
      const dueMs = (zeroUs + entry.atUs / speed - clock.monotonicUs()) / 1000;
      if (dueMs > 0) await sleep(clock, dueMs, signal);
      if (!signal.aborted) await send(port, entry, counts);
    }
    if (signal.aborted) return;
  }
}

async function send(port: Port, entry: CaptureEntry, counts: ReplayCounts): Promise<void> {
  counts.entries++;
  if (await port.write(entry.bytes)) counts.bytesSent += entry.bytes.length;
  else counts.bytesLost += entry.bytes.length;
}

async function until(condition: () => boolean, { clock, signal }: ReplayOptions): Promise<void> {
  while (!condition() && !signal.aborted) await sleep(clock, POLL_MS, signal);
}

async function openPort(options: ReplayOptions, onBytes: (count: number) => void): Promise<Port> {
  const { path, port, clock, log, openLine } = options;
  if (path !== undefined) {
    const onData = (bytes: Buffer): void => onBytes(bytes.length);
    const line = await openLine({ path, clock, log, pollMs: POLL_MS, onData });
    return {
      address: line.path,
      listening: () => line.listening,
      write: (bytes) => line.write(bytes),
      close: () => line.close(),
    };
  }
  let host: Socket | undefined;
  const listener = await openTcpListener({
    host: '127.0.0.1',
    port: port ?? 0,
    onConnection(socket) {
      if (host !== undefined) return void socket.destroy();
      host = socket;
      socket.on('data', (bytes) => onBytes(bytes.length));
      socket.once('close', () => {
        host = undefined;
      });
    },
  });
  return {
    address: listener.address,
    listening: () => host !== undefined,
    write: (bytes) =>
      new Promise((resolve) => {
        if (host === undefined) resolve(false);
        else host.write(bytes, (error) => resolve(!error));
      }),
    close: () => listener.unplug(),
  };
}
