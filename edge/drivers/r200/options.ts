/** Options of an R200, YRM100 or M100 module. */
import { z } from 'zod';
import { R200_REGIONS, type R200Region } from '../../../protocols/rfid-serial/index.ts';
import { serialFields } from '../../transport/options.ts';

const regions = Object.keys(R200_REGIONS) as R200Region[];

export const optionsSchema = z.strictObject({
  ...serialFields({ baudRate: 115_200 }),
  region: z.enum(regions).optional().describe("Radio regulation to keep to; the module's own setting unless told"),
  transmitPowerDbm: z
    .number()
    .min(0)
    .max(33)
    .optional()
    .describe("Transmit power; the module's own setting unless told"),
  antenna: z.int().min(1).max(64).default(1).describe('Number of the module’s one antenna in its readings'),
  quietMs: z
    .int()
    .min(500)
    .max(60_000)
    .default(2_000)
    .describe('After so long without a frame the inventory is started again'),
  answerTimeoutMs: z.int().min(50).max(10_000).default(500).describe('How long the module may take to answer'),
});

export type R200Options = z.infer<typeof optionsSchema>;
