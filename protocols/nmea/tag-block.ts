/**
 * The TAG block that a multiplexer or an AIS base station writes in front of a sentence: `\\`, parameters, `*hh`, `\\`.
 *
 * What it says (source, time of reception, grouping) is the station's, not the receiver's, and is skipped; its checksum must be right, or the line
 * is not what was sent. Source: NMEA 0183 V4.11, clause 7.
 */
import { CodecError } from '../base/codec-error.ts';
import { checksum } from './envelope.ts';

/** Where the sentence begins: 0 without a TAG block. */
export function tagBlockLength(text: string): number {
  if (!text.startsWith('\\')) return 0;
  const end = text.indexOf('\\', 1);
  if (end < 0) {
    throw new CodecError({
      code: 'nmea-tag-block',
      message: "a TAG block ends with '\\', which is not there",
      offset: text.length,
    });
  }
  const star = text.lastIndexOf('*', end);
  const carried = star < 0 ? '' : text.slice(star + 1, end);
  const computed = checksum(text.slice(1, star < 0 ? end : star));
  if (!/^[0-9a-f]{2}$/i.test(carried) || Number.parseInt(carried, 16) !== computed) {
    throw new CodecError({
      code: 'nmea-tag-block',
      message: `the TAG block carries checksum '${carried}', its characters give ${computed.toString(16)}`,
      offset: star < 0 ? end : star + 1,
    });
  }
  return end + 1;
}
