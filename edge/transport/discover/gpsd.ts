/** gpsd on this box, and which receivers it has. */

import { LineFramer } from '../../../protocols/barcode/line-framer.ts';
import type { Clock } from '../../../protocols/base/clock.ts';
import { decodeGpsd, encodeGpsdWatch, type GpsdReceiver, MAX_GPSD_LINE_BYTES } from '../../../protocols/gpsd/index.ts';
import { ChunkReader } from '../chunk-reader.ts';
import { openTcp } from '../tcp.ts';
import type { Finding, Look } from './finding.ts';

const GPSD_PORT = 2_947;
const TIMEOUT_MS = 1_000;

export interface GpsdLookOptions {
  clock: Clock;
  signal: AbortSignal;
  host?: string;
  port?: number;
}

/** Paths of the receivers besides: a serial port that gpsd has is not free for a driver. */
export async function lookAtGpsd(options: GpsdLookOptions): Promise<Look & { receivers: string[] }> {
  const { host = '127.0.0.1', port = GPSD_PORT } = options;
  const told = await ask({ ...options, host, port }).catch(() => undefined);
  // Nobody listens, or somebody else does: there is no gpsd.
  if (told === undefined) return { findings: [], receivers: [] };
  const { release, receivers } = told;
  const names = receivers.map(({ path, driver }) => (driver ? `${path} (${driver})` : path)).join(', ');
  const place = `${host}:${port}`;
  const finding: Finding =
    receivers.length === 0
      ? {
          family: 'gpsd',
          place,
          what: `gpsd ${release} without a receiver`,
          certainty: 'hint',
          why: "give it one (DEVICES in /etc/default/gpsd), or stop it: driver 'nmea' needs no gpsd",
        }
      : {
          family: 'gpsd',
          place,
          what: `gpsd ${release} with ${names}`,
          certainty: 'known',
          why: 'positions through gpsd',
          entry: { name: 'gps', driver: 'gpsd', options: { host, port }, readsPackages: false },
        };
  return { findings: [finding], receivers: receivers.map(({ path }) => path) };
}

async function ask({
  clock,
  signal,
  host,
  port,
}: Required<GpsdLookOptions>): Promise<{ release: string; receivers: GpsdReceiver[] } | undefined> {
  const transport = await openTcp({ kind: 'tcp', host, port, connectTimeoutMs: TIMEOUT_MS }, signal);
  try {
    const reader = new ChunkReader({ transport, clock, signal });
    const framer = new LineFramer({ suffixes: ['crlf', 'lf'], maxLength: MAX_GPSD_LINE_BYTES });
    await transport.write(encodeGpsdWatch());
    const untilUs = clock.monotonicUs() + TIMEOUT_MS * 1000;
    let release = '';
    for (;;) {
      const chunk = await reader.read(Math.max(0, (untilUs - clock.monotonicUs()) / 1000));
      if (typeof chunk === 'string') return undefined;
      for (const line of framer.push(chunk)) {
        const report = decodeGpsd(line.toString('utf8'));
        if (report.kind === 'version') release = report.release;
        if (report.kind === 'devices') return { release, receivers: report.receivers };
      }
    }
  } finally {
    await transport.close();
  }
}
