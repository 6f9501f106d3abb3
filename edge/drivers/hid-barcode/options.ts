/** Options of a HID point-of-sale bar code reader. */
import { z } from 'zod';
import { hidFields } from '../../transport/options.ts';

export const optionsSchema = z.strictObject({
  ...hidFields,
  codeIds: z
    .enum(['none', 'honeywell'])
    .default('none')
    .describe('Whose numbering the report’s symbology byte has, for readers that send no AIM identifier'),
  honeywellPos: z
    .boolean()
    .default(false)
    .describe('Switch a Honeywell reader to point-of-sale reports when it is opened (feature report 254)'),
  maxLength: z.int().min(56).max(32_768).default(4_096).describe('Longest scan in bytes'),
});

export type HidBarcodeOptions = z.infer<typeof optionsSchema>;
