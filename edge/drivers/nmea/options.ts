/** Options of a satellite receiver that speaks NMEA 0183. */
import { z } from 'zod';
import { serialFields } from '../../transport/options.ts';

export const optionsSchema = z.strictObject({
  ...serialFields({ baudRate: 9_600 }),
  intervalMs: z.int().min(0).max(3_600_000).default(1_000).describe('A position at most so often; 0 for every one'),
  requireChecksum: z.boolean().default(true).describe('Off for receivers before NMEA 0183 3.01 that send none'),
  silenceMs: z
    .int()
    .min(1_000)
    .max(600_000)
    .default(10_000)
    .describe('The device counts as silent after so long without a byte'),
});

export type NmeaOptions = z.infer<typeof optionsSchema>;
