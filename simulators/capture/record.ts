/**
 * Records what a device says; as a man in the middle also what a program says to it.
 *
 * Without a proxy the recorder is the host: it listens and sends nothing. With one, a program opens the proxy in place of the device (a
 * pseudo-terminal for a serial device, a TCP port for a network device) and all bytes pass through, unchanged and recorded. A network
 * device is connected to when the program connects, and one program is served at a time.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Line, OpenLine } from '../line.ts';
import { openTcpListener, type TcpListener } from '../tcp-listener.ts';
import { type Device, type DeviceAddress, openDevice } from './device.ts';
import { CaptureWriter, type Direction } from './format.ts';

export interface RecordOptions {
  device: DeviceAddress;
  file: string;
  bytesMax: number;
  /** Serial device: path of the link that the program opens. */
  proxyPath?: string | undefined;
  /** Network device: the port that the program connects to; 0 for any. */
  proxyPort?: number | undefined;
  clock: Clock;
  log: Log;
  openLine: OpenLine;
}

export interface Recording {
  /** Where a program finds the proxy. */
  readonly proxy: string | undefined;
  readonly counts: CaptureWriter['counts'];
  /** Resolves with the reason when the recording ends by itself: the device is gone, or the file is full. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const PROXY_POLL_MS = 2;

export async function record(options: RecordOptions): Promise<Recording> {
  const recorder = new Recorder(options);
  try {
    await recorder.open();
  } catch (error) {
    await recorder.stop();
    throw error;
  }
  return recorder;
}

class Recorder implements Recording {
  readonly ended: Promise<string>;
  readonly #options: RecordOptions;
  readonly #writer: CaptureWriter;
  readonly #startUs: number;
  #end: (reason: string) => void = () => {};
  #device: Device | undefined;
  #line: Line | undefined;
  #listener: TcpListener | undefined;
  #program: Socket | undefined;

  constructor(options: RecordOptions) {
    this.#options = options;
    this.#writer = new CaptureWriter(options.file, options.bytesMax);
    this.#startUs = options.clock.monotonicUs();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get proxy(): string | undefined {
    return this.#line?.path ?? this.#listener?.address;
  }

  get counts(): CaptureWriter['counts'] {
    return this.#writer.counts;
  }

  async open(): Promise<void> {
    const { device, proxyPath, proxyPort, clock, log, openLine } = this.#options;
    if (device.kind === 'tcp' && proxyPort !== undefined) {
      const onConnection = (socket: Socket): void => this.#serve(socket);
      this.#listener = await openTcpListener({ host: '127.0.0.1', port: proxyPort, onConnection });
      return;
    }
    if (device.kind === 'serial' && proxyPath !== undefined) {
      const onData = (bytes: Buffer): void => {
        this.#note('out', bytes);
        this.#device?.write(bytes);
      };
      this.#line = await openLine({ path: proxyPath, clock, log, pollMs: PROXY_POLL_MS, onData });
    }
    this.#device = await openDevice(
      device,
      {
        onData: (bytes) => {
          this.#note('in', bytes);
          // Bytes for a program that is not there are lost, as on the cable itself.
          this.#line
            ?.write(bytes)
            .catch((error: unknown) => log.error({ err: error }, 'the proxy could not be written'));
        },
        onGone: (reason) => this.#end(reason),
      },
      clock,
    );
  }

  async stop(): Promise<void> {
    this.#program?.destroy();
    await this.#listener?.unplug();
    this.#device?.close();
    await this.#line?.close();
    this.#writer.close();
  }

  #note(direction: Direction, bytes: Buffer): void {
    const atUs = Math.max(0, Math.round(this.#options.clock.monotonicUs() - this.#startUs));
    if (!this.#writer.add({ atUs, direction, bytes })) this.#end('the file is full');
  }

  #serve(program: Socket): void {
    if (this.#program !== undefined) return void program.destroy();
    this.#program = program;
    const { device, clock, log } = this.#options;
    program.pause();
    const over = (): void => {
      this.#device?.close();
      this.#device = undefined;
      this.#program = undefined;
      program.destroy();
    };
    program.once('close', over);
    const onData = (bytes: Buffer): void => {
      this.#note('in', bytes);
      program.write(bytes);
    };
    openDevice(device, { onData, onGone: over }, clock).then(
      (opened) => {
        if (program.destroyed) return opened.close();
        this.#device = opened;
        program.on('data', (bytes: Buffer) => {
          this.#note('out', bytes);
          opened.write(bytes);
        });
        program.resume();
      },
      (error: unknown) => {
        log.warn({ err: error }, 'the device cannot be reached');
        over();
      },
    );
  }
}
