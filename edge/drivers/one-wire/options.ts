/** Options of a 1-Wire bus. */
import { z } from 'zod';
import { W1_ROM_ID } from '../../../protocols/onewire/index.ts';
import { channelName } from '../../transport/options.ts';

const MOST_SENSORS = 64;

const sensor = z.strictObject({
  rom: z
    .string()
    .toLowerCase()
    .regex(W1_ROM_ID, "a ROM id as the kernel shows it: 28-0316a2795aff ('milepost edge devices' lists them)")
    .describe('Which sensor'),
  channel: channelName.optional().describe('Name of this sensor in its readings; its ROM id unless told'),
});

export const optionsSchema = z
  .strictObject({
    folder: z
      .string()
      .regex(/^\/.+/, 'an absolute path')
      .default('/sys/bus/w1/devices')
      .describe('Where the kernel shows the sensors'),
    sensors: z
      .array(sensor)
      .min(1)
      .max(MOST_SENSORS)
      .optional()
      .describe('The sensors that must be there; unless told, all thermometers that are'),
    intervalMs: z
      .int()
      .min(1_000)
      .max(3_600_000)
      .default(10_000)
      .describe('From the start of one round to the next; each sensor takes up to 750 ms'),
    timeoutMs: z.int().min(1_000).max(60_000).default(3_000).describe('How long reading one sensor may take'),
    resolutionBits: z
      .literal([9, 10, 11, 12])
      .optional()
      .describe('Set this resolution (0.5 to 0.0625 °C; 94 to 750 ms); unless told, it is left as it is'),
    file: z
      .enum(['w1_slave', 'temperature'])
      .default('w1_slave')
      .describe('w1_slave shows the checksum; temperature is for drivers that have no other'),
  })
  .refine(({ sensors }) => new Set(sensors?.map(({ rom }) => rom)).size === (sensors?.length ?? 0), {
    path: ['sensors'],
    message: 'a ROM id occurs twice',
  });

export type OneWireOptions = z.infer<typeof optionsSchema>;
