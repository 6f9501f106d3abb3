/**
 * The one native call that simulators need: openpty(3), from the prebuilt binary inside @lydell/node-pty.
 *
 * The package's own `open()` wraps both ends in streams that read by themselves: the one on the slave would take
 * bytes away from the host. So this goes to the binding below it. Loaded on first use only.
 */
import { createRequire } from 'node:module';
import { SimulatorError } from './simulator.ts';

export interface NativePty {
  /** File descriptors, non-blocking. */
  master: number;
  slave: number;
  /** Path of the slave, for example `/dev/pts/4`. */
  pty: string;
}

interface Binding {
  open(columns: number, rows: number): NativePty;
}

let binding: Binding | undefined;

/** @throws SimulatorError `sim-pty-unavailable` */
export function openNativePty(): NativePty {
  try {
    binding ??= loadBinding();
    return binding.open(80, 24);
  } catch (cause) {
    throw new SimulatorError({
      code: 'sim-pty-unavailable',
      message:
        `no pseudo-terminal could be made on ${process.platform}-${process.arch}: serial simulators need Linux and ` +
        '@lydell/node-pty with its prebuilt binary (npm install without --omit=optional)',
      cause,
    });
  }
}

function loadBinding(): Binding {
  const require = createRequire(import.meta.url);
  const loader: { requireBinary(file: string): Binding } = require('@lydell/node-pty/requireBinary.js');
  return loader.requireBinary('pty.node');
}
