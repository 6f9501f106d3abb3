/** Options of a Zebra reader that speaks SSI. */
import { z } from 'zod';
import { LINE_CONTROLS, type LineControl } from '../../../protocols/barcode/line-framer.ts';
import { SSI_BEEPS } from '../../../protocols/ssi/index.ts';
import { serialFields } from '../../transport/options.ts';

const controls = Object.keys(LINE_CONTROLS) as [LineControl, ...LineControl[]];
const beep = z.enum(['none', ...SSI_BEEPS], {
  error: `none, or a sequence of the reader's: ${SSI_BEEPS.slice(0, 3).join(', ')}, … ${SSI_BEEPS.slice(-2).join(', ')}`,
});

export const optionsSchema = z.strictObject({
  ...serialFields({ baudRate: 9_600 }),
  responseTimeoutMs: z
    .int()
    .min(1_000)
    .max(9_900)
    .multipleOf(100)
    .default(2_000)
    .describe('How long the reader waits for an answer before it sends a scan again; it is told so'),
  configure: z
    .boolean()
    .default(true)
    .describe(
      'Set the reader up on connecting, until it is switched off; false: it is set up with bar codes of its maker',
    ),
  aimIdentifiers: z.boolean().default(true).describe('Have the reader say the symbology exactly (]d2, not ]d1)'),
  wakeUp: z.boolean().optional().describe('Wake the reader ahead of a command; unless told, where rtscts is off'),
  checkMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .refine((ms) => ms === 0 || ms >= 5_000, '0 (never), or at least 5000')
    .default(60_000)
    .describe('Ask a silent reader so often whether it is there; 0: never'),
  suffix: z.enum(controls).optional().describe('What the reader was set to send behind the data, to be taken off'),
  safeBeep: beep.default('one-short-high').describe('When a scan is on disk; the reader is then silent until it is'),
  refusedBeep: beep.default('three-long-low').describe('When a scan was given up'),
  ledMs: z.int().min(0).max(5_000).default(300).describe('Light when a scan is on disk; 0: none'),
});

export type ZebraSsiOptions = z.infer<typeof optionsSchema>;
