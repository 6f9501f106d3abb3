/** Options of gpsd. */
import { z } from 'zod';
import { tcpFields } from '../../transport/options.ts';

const GPSD_PORT = 2_947;

export const optionsSchema = z.strictObject({
  ...tcpFields({ port: GPSD_PORT }),
  receiver: z
    .string()
    .min(1)
    .optional()
    .describe('Path of the receiver, as gpsd was given it; unless told, the first that has a fix'),
  intervalMs: z.int().min(0).max(3_600_000).default(1_000).describe('A position at most so often; 0 for every one'),
  silenceMs: z
    .int()
    .min(2_000)
    .max(600_000)
    .default(30_000)
    .describe(
      'gpsd counts as silent after so long without a word of a receiver; it takes a while to find the baud rate',
    ),
});

export type GpsdOptions = z.infer<typeof optionsSchema>;
