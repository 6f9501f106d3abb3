/**
 * The bytes of one framed scan → its text and AIM identifier, or why it is none. Pure.
 *
 * Control characters that label data has (GS, RS, EOT, FS, US, TAB, CR, LF: GS1 and ISO/IEC 15434) are kept. Others do not come from labels
 * but from a wrong baud rate, parity or framing, as do bytes that are mostly neither ASCII nor UTF-8: such a scan is nonsense, and a made-up
 * package id would be worse than none. NUL bytes around the data come from switching the reader on and are taken off.
 */
import { isUtf8 } from 'node:buffer';
import { parseAim, scanText } from '../../../protocols/barcode/aim.ts';

export type ScanOutcome = { ok: true; text: string; aim?: string } | { ok: false; reason: string };

const DATA_CONTROLS: ReadonlySet<number> = new Set([0x04, 0x09, 0x0a, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f]);

export function interpretScan(frame: Buffer, options: { aim: 'auto' | 'off'; binary: boolean }): ScanOutcome {
  const text = options.binary ? scanText(frame) : scanText(withoutNuls(frame));
  if (text === '') return { ok: false, reason: 'it is empty' };
  const reason = options.binary ? undefined : nonsenseIn(text, frame);
  if (reason !== undefined) return { ok: false, reason };
  const scan = options.aim === 'auto' ? parseAim(text) : undefined;
  if (!scan) return { ok: true, text };
  return scan.data === ''
    ? { ok: false, reason: `it is empty behind ${scan.aim}` }
    : { ok: true, text: scan.data, aim: scan.aim };
}

function nonsenseIn(text: string, frame: Buffer): string | undefined {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    if (!isControl || DATA_CONTROLS.has(code)) continue;
    return `it holds the control character ${code.toString(16).padStart(2, '0').toUpperCase()} (hex) at position ${at}`;
  }
  // A label in ISO 8859-1 has a letter with an accent here and there.
  const high = isUtf8(frame) ? 0 : frame.filter((byte) => byte >= 0x80).length;
  return high * 2 > frame.length ? 'most of its bytes are no text' : undefined;
}

function withoutNuls(frame: Buffer): Buffer {
  let start = 0;
  let end = frame.length;
  while (start < end && frame[start] === 0) start++;
  while (end > start && frame[end - 1] === 0) end--;
  return frame.subarray(start, end);
}
