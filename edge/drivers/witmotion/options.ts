/** Options of a WitMotion accelerometer used as shock and vibration sensor. */
import { z } from 'zod';
import { serialFields } from '../../transport/options.ts';

export const optionsSchema = z.strictObject({
  // The factory's 9600 baud cannot carry 200 samples a second.
  ...serialFields({ baudRate: 115_200 }),
  accelerationRangeG: z.literal([2, 4, 8, 16]).default(16).describe('Full scale, as set in the device'),
  sampleRateHz: z
    .number()
    .min(0.1)
    .max(10_000)
    .optional()
    .describe('Sampling rate; estimated from the stream unless told'),
  gravityRemoved: z.boolean().default(false).describe('The device subtracts gravity itself'),
  thresholdG: z.number().positive().max(16).default(5).describe('A shock begins at this acceleration without gravity'),
  triggerSamples: z.int().min(1).max(100).default(2).describe('Samples in a row at the threshold that make a shock'),
  quietMs: z
    .number()
    .min(1)
    .max(1_000)
    .default(20)
    .describe('Quiet that ends a shock; bounces closer than this are one'),
  maximumMs: z.number().min(10).max(10_000).default(1_000).describe('Longest shock'),
  shortestPulseMs: z
    .number()
    .min(0.1)
    .max(1_000)
    .default(50)
    .describe('Shortest shock to be measured: needs ten samples, so 200 Hz can measure from 50 ms'),
  vibrationWindowMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(10_000)
    .describe('Time over which each vibration value is taken'),
  silenceMs: z
    .int()
    .min(500)
    .max(600_000)
    .default(5_000)
    .describe('The device counts as silent after so long without a byte'),
});

export type WitmotionOptions = z.infer<typeof optionsSchema>;
