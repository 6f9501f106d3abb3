/** Options of an RFID reader over LLRP. */
import { z } from 'zod';
import { tcpFields } from '../../transport/options.ts';

export const optionsSchema = z.strictObject({
  ...tcpFields({ port: 5084 }),
  antennas: z
    .array(z.int().min(1).max(64))
    .min(1)
    .max(64)
    .optional()
    .describe("Antenna ports to use, from 1; all of the reader's unless told"),
  transmitPowerDbm: z
    .number()
    .min(0)
    .max(36)
    .optional()
    .describe("Transmit power; the reader's next lower step is taken. Unless told, the reader's own setting holds"),
  modeIndex: z.int().min(0).optional().describe("RF mode of the reader's table; the reader's own unless told"),
  session: z.int().min(0).max(3).optional().describe("Gen 2 session; the reader's own unless told"),
  tagPopulation: z.int().min(1).max(65_535).optional().describe('Tags expected in the field at once'),
  reportEveryTags: z
    .int()
    .min(1)
    .max(65_535)
    .default(1)
    .describe('The reader reports when so many tags wait; 1 is the quickest'),
  reportEveryMs: z
    .int()
    .min(20)
    .max(60_000)
    .optional()
    .describe('… and at the latest after so long, with more than one tag'),
  start: z
    .enum(['immediate', 'command'])
    .default('immediate')
    .describe('How the inventory starts; `command` for readers that do not know the immediate trigger'),
  keepaliveMs: z.int().min(1_000).max(120_000).default(10_000).describe('How often the reader shows that it is alive'),
  answerTimeoutMs: z.int().min(500).max(60_000).default(10_000).describe('How long the reader may take to answer'),
});

export type LlrpOptions = z.infer<typeof optionsSchema>;
