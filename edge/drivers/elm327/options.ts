/** Options of an ELM327 adapter in a vehicle. */
import { z } from 'zod';
import { serialFields } from '../../transport/options.ts';

export const optionsSchema = z.strictObject({
  ...serialFields({ baudRate: 38_400 }),
  protocol: z
    .int()
    .min(0)
    .max(12)
    .default(0)
    .describe("Bus protocol by the adapter's number (ATSP): 0 finds it, 6 is CAN with 11 bits and 500 kbit/s"),
  intervalMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(1_000)
    .describe('From one question for speed and engine to the next'),
  odometer: z
    .enum(['vehicle', 'since-cleared', 'none'])
    .default('vehicle')
    .describe(
      'vehicle: PID A6, from about 2019; since-cleared: where that is missing the distance since faults were cleared',
    ),
  odometerIntervalMs: z
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(60_000)
    .describe('From one question for the odometer to the next'),
  parkedIntervalMs: z
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(30_000)
    .describe('How often a vehicle that does not answer is tried; often keeps its electronics awake'),
  searchTimeoutMs: z
    .int()
    .min(1_000)
    .max(60_000)
    .default(15_000)
    .describe('How long the adapter may look for the bus protocol'),
  answerTimeoutMs: z.int().min(200).max(30_000).default(3_000).describe('How long the adapter may take otherwise'),
});

export type Elm327Options = z.infer<typeof optionsSchema>;
