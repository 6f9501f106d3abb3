/** Options of an RFID reader over LLRP. */
import { z } from 'zod';
import { tcpFields } from '../../transport/options.ts';

const power = z.number().min(0).max(36);
const antennaNumber = z.string().regex(/^\d+$/, { error: 'an antenna number is expected' });

/** Names of IMPINJ_SEARCH_MODE. */
const SEARCH_MODES = [
  'readerSelected',
  'singleTarget',
  'dualTarget',
  'singleTargetSuppressed',
  'singleTargetReset',
  'dualTargetSelect',
] as const;

const impinj = z.strictObject({
  searchMode: z
    .enum(SEARCH_MODES)
    .optional()
    .describe('How often a tag answers: dualTarget reads it over and over, singleTargetSuppressed seldom'),
  lowDutyCycle: z
    .strictObject({
      emptyFieldTimeoutMs: z.int().min(0).max(65_535),
      fieldPingIntervalMs: z.int().min(0).max(65_535),
    })
    .optional()
    .describe('Saves power and radio time: without tags for so long, only look every so often'),
  exactRssi: z
    .boolean()
    .default(true)
    .describe('RSSI in hundredths of a dBm; decides better between read points of one zone'),
});

const input = z.strictObject({
  port: z.int().min(1).max(64).describe('General purpose input, from 1'),
  channel: z.string().min(1).describe('Name of the contact that is wired to it'),
  openWhen: z.enum(['high', 'low']).default('high').describe('Level of an open contact'),
});

export const optionsSchema = z.strictObject({
  ...tcpFields({ port: 5084 }),
  antennas: z
    .array(z.int().min(1).max(64))
    .min(1)
    .max(64)
    .optional()
    .describe("Antenna ports to use, from 1; all of the reader's unless told"),
  transmitPowerDbm: z
    .union([power, z.record(antennaNumber, power)], {
      error: 'a power in dBm, or one for each antenna: { "1": 27, "2": 30 }',
    })
    .optional()
    .describe(
      "Transmit power, or one by antenna; the reader's next lower step is taken. Unless told, the reader's own setting holds",
    ),
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
  impinj: impinj
    .optional()
    .describe("Impinj's extensions; on another maker's reader they are left out, and that is said"),
  inputs: z
    .array(input)
    .max(64)
    .default([])
    .describe('Door contacts and the like at the general purpose inputs: contact readings'),
  holdReports: z
    .boolean()
    .default(false)
    .describe(
      'The reader goes on reading while the connection is lost, and tells afterwards, as far as it can keep reports',
    ),
  protocolVersion: z
    .enum(['1.0.1', 'auto'])
    .default('1.0.1')
    .describe('LLRP 1.0.1, which every reader speaks; `auto` asks for 1.1'),
  keepaliveMs: z.int().min(1_000).max(120_000).default(10_000).describe('How often the reader shows that it is alive'),
  answerTimeoutMs: z.int().min(500).max(60_000).default(10_000).describe('How long the reader may take to answer'),
});

export type LlrpOptions = z.infer<typeof optionsSchema>;
