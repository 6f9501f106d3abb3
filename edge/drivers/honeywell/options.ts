/** Options of a Honeywell scanner in framed mode. */
import { z } from 'zod';
import { serialFields } from '../../transport/options.ts';

export const optionsSchema = z.strictObject({
  ...serialFields({ baudRate: 115_200 }),
  configure: z
    .boolean()
    .default(true)
    .describe('Switch framed mode on when connecting; false: it was switched on with the maker’s bar code'),
  store: z
    .boolean()
    .default(false)
    .describe('Have the scanner keep its settings when it is switched off (its flash wears out: set it once)'),
  menu: z
    .array(
      z
        .string()
        .regex(/^[A-Z0-9_]{6}[A-Z0-9_]*$/, 'a menu command of the scanner: tag, subtag and data, such as TRGMOD3'),
    )
    .max(32)
    .default([])
    .describe('Further menu commands of the user guide, sent when connecting'),
  answerTimeoutMs: z.int().min(100).max(10_000).default(1_000).describe('How long the scanner may take to answer'),
  checkMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .refine((ms) => ms === 0 || ms >= 5_000, '0 (never), or at least 5000')
    .default(60_000)
    .describe('Ask a silent scanner so often whether it is there and still in framed mode; 0: never'),
  triggerEveryMs: z
    .int()
    .min(500)
    .max(60_000)
    .optional()
    .describe('The host pulls the trigger: so often, and after each scan; unless told, a person or the scanner does'),
  safeBeep: z.boolean().default(false).describe('Beep when a scan is on disk, in place of when it was read'),
});

export type HoneywellOptions = z.infer<typeof optionsSchema>;
