/**
 * Small state files: a JSON object whose last member `crc` is the CRC-32C of the object without it, as JSON.stringify writes it. Valid if and
 * only if the CRC is right: a flipped digit is found, not believed.
 */
import { crc32c } from '../../protocols/base/crc.ts';

export function sealJson(value: object): Buffer {
  return Buffer.from(`${JSON.stringify({ ...value, crc: checksum(value) })}\n`);
}

/** Undefined when the content is not what was sealed. */
export function unsealJson(content: Buffer | undefined): unknown {
  if (!content) return undefined;
  try {
    const { crc, ...value } = JSON.parse(content.toString('utf8')) as { crc?: unknown };
    return crc === checksum(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function checksum(value: object): string {
  return crc32c(Buffer.from(JSON.stringify(value)))
    .toString(16)
    .padStart(8, '0');
}
