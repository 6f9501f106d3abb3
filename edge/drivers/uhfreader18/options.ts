/** Options of a UHFReader18 or UHFReader09. */
import { z } from 'zod';
import { UHF_READER18_BANDS, type UhfReader18Band } from '../../../protocols/rfid-serial/index.ts';
import { serialFields } from '../../transport/options.ts';

const bands = Object.keys(UHF_READER18_BANDS) as UhfReader18Band[];

const region = z
  .strictObject({
    band: z.enum(bands).describe('Frequency band'),
    firstChannel: z.int().min(0).max(62).default(0).describe('Lowest channel to use'),
    lastChannel: z
      .int()
      .min(0)
      .max(62)
      .optional()
      .describe('Highest channel to use; the last one of the band unless told'),
  })
  .refine(({ band, firstChannel, lastChannel }) => {
    const last = UHF_READER18_BANDS[band].lastChannel;
    return firstChannel <= (lastChannel ?? last) && (lastChannel ?? last) <= last;
  }, 'channels that the band has, the first not above the last');

export const optionsSchema = z.strictObject({
  ...serialFields({ baudRate: 57_600 }),
  address: z
    .int()
    .min(0)
    .max(255)
    .default(0)
    .describe('Address of the reader; 255 is any, with one reader on the line'),
  region: region.optional().describe("Frequencies to use; the reader's own setting unless told"),
  transmitPowerDbm: z.int().min(0).max(30).optional().describe("Transmit power; the reader's own setting unless told"),
  scanTimeMs: z
    .int()
    .min(300)
    .max(25_500)
    .multipleOf(100)
    .optional()
    .describe("How long one inventory may take; the reader's own setting unless told"),
  pauseMs: z.int().min(0).max(60_000).default(20).describe('Pause between two inventories'),
  antenna: z.int().min(1).max(64).default(1).describe('Number of the reader’s one antenna in its readings'),
  answerTimeoutMs: z
    .int()
    .min(50)
    .max(10_000)
    .default(500)
    .describe('How long the reader may take to answer; for an inventory on top of its scan time'),
});

export type UhfReader18Options = z.infer<typeof optionsSchema>;
