/** Options of a ThingMagic Mercury module. */
import { z } from 'zod';
import { MERCURY_REGIONS, type MercuryRegion } from '../../../protocols/rfid-serial/index.ts';
import { serialFields } from '../../transport/options.ts';

const regions = Object.keys(MERCURY_REGIONS) as MercuryRegion[];

export const optionsSchema = z.strictObject({
  ...serialFields({ baudRate: 115_200 }),
  region: z
    .enum(regions)
    .optional()
    .describe("Radio regulation to keep to, for example eu3 or na; the module's own setting unless told"),
  antennas: z.array(z.int().min(1).max(16)).min(1).max(16).default([1]).describe('Antenna ports to read by, in turn'),
  transmitPowerDbm: z
    .number()
    .min(-10)
    .max(33)
    .optional()
    .describe("Transmit power; the module's own setting unless told"),
  cycleMs: z
    .int()
    .min(100)
    .max(10_000)
    .default(1_000)
    .describe('Length of a read cycle; the module shows at the end of each that it is alive'),
  answerTimeoutMs: z.int().min(50).max(10_000).default(1_000).describe('How long the module may take to answer'),
});

export type ThingMagicOptions = z.infer<typeof optionsSchema>;
