/** Options of a plain serial bar code reader. */
import { z } from 'zod';
import { LINE_CONTROLS, type LineControl } from '../../../protocols/barcode/line-framer.ts';
import { fromHex } from '../../../protocols/base/bytes.ts';
import { serialFields } from '../../transport/options.ts';

const names = Object.keys(LINE_CONTROLS) as [LineControl, ...LineControl[]];

/** A name of what readers send around data, or bytes of one's own as `0x…`. */
const control = z.union(
  [
    z.enum(names),
    z
      .string()
      .regex(/^0x([0-9A-Fa-f]{2}){1,16}$/)
      .transform((text) => Uint8Array.from(fromHex(text))),
  ],
  { error: `one of ${names.join(', ')}, or bytes such as 0x0203` },
);

export const optionsSchema = z
  .strictObject({
    ...serialFields({ baudRate: 9_600 }),
    prefix: control.optional().describe('What the reader sends ahead of every scan; nothing unless told'),
    suffixes: z
      .array(control)
      .max(8)
      .default(['cr', 'lf', 'crlf'])
      .describe('What may end a scan; may be empty when idleMs is set'),
    idleMs: z.int().min(10).max(10_000).optional().describe('Quiet that ends a scan, for readers without a suffix'),
    maxLength: z.int().min(16).max(65_536).default(4_096).describe('Longest scan in bytes'),
    aim: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe('Take an AIM identifier (]C1) off the text where there is one'),
    binary: z.boolean().default(false).describe('Accept control characters that no label has'),
  })
  .refine(({ suffixes, idleMs }) => suffixes.length > 0 || idleMs !== undefined, {
    path: ['suffixes'],
    message: 'without a suffix, idleMs must say what ends a scan',
  });

export type SerialBarcodeOptions = z.infer<typeof optionsSchema>;
