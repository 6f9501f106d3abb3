/** Options of a TEMPer thermometer. */
import { z } from 'zod';
import { channelName, hidFields } from '../../transport/options.ts';

export const optionsSchema = z.strictObject({
  ...hidFields,
  intervalMs: z.int().min(500).max(3_600_000).default(10_000).describe('From one measurement to the next'),
  unitsPerDegree: z
    .literal([100, 256])
    .optional()
    .describe('Firmware before V3 counts in 256ths of a degree; unless told, the stick is asked for its firmware'),
  outerChannel: channelName.default('outer').describe('Name of the probe on a cable, where the stick has one'),
  offsetCelsius: z
    .number()
    .min(-20)
    .max(20)
    .default(0)
    .describe('Added to every temperature: a stick in a warm box reads some degrees too much'),
});

export type TemperHidOptions = z.infer<typeof optionsSchema>;
