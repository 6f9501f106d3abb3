/** Options of contacts on GPIO lines. */
import { z } from 'zod';
import { channelName } from '../../transport/options.ts';

const MOST_INPUTS = 64;

const input = z.strictObject({
  line: z.int().min(0).max(65_535).describe('Offset of the line on its chip, as gpioinfo shows it'),
  channel: channelName.describe('Name of this door in its readings'),
  openWhen: z
    .enum(['high', 'low'])
    .default('high')
    .describe('Level of the line when the door is open; high is fail-safe with a pull-up: a cut cable reads as open'),
  debounceMs: z.int().min(0).max(60_000).optional().describe('Of this input, in place of the one below'),
});

export const optionsSchema = z
  .strictObject({
    chip: z
      .string()
      .regex(/^(\/dev\/)?[A-Za-z0-9][A-Za-z0-9_.:/-]{0,62}$/, "a GPIO chip as 'gpiodetect' lists them: gpiochip0")
      .describe('The GPIO chip; a link of udev’s where there are several'),
    inputs: z.array(input).min(1).max(MOST_INPUTS).describe('The contacts'),
    bias: z
      .enum(['as-is', 'disabled', 'pull-up', 'pull-down'])
      .default('as-is')
      .describe('The chip’s own resistors, for all inputs'),
    debounceMs: z.int().min(0).max(60_000).default(50).describe('How long a state must last to count'),
    resyncMs: z
      .int()
      .min(1_000)
      .max(3_600_000)
      .default(60_000)
      .describe('How often the levels are read again, in case an edge was missed'),
    programFolder: z
      .string()
      .regex(/^\/.+/, 'an absolute path')
      .optional()
      .describe('Where gpiomon and gpioget stand; unless told, the search path'),
  })
  .refine(({ inputs }) => new Set(inputs.map(({ line }) => line)).size === inputs.length, {
    path: ['inputs'],
    message: 'a line occurs twice',
  })
  .refine(({ inputs }) => new Set(inputs.map(({ channel }) => channel)).size === inputs.length, {
    path: ['inputs'],
    message: 'a channel occurs twice',
  });

export type GpioContactOptions = z.infer<typeof optionsSchema>;
