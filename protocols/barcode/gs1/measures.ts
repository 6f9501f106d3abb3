/**
 * Values with implied decimals: the last digit of AIs 310n–369n and 390n–395n says how many (GenSpecs 3.6, 3.9), and
 * temperatures 4330–4333 are hundredths of degrees with the sign behind (GenSpecs 3.8).
 */
import type { Gs1Element } from './elements.ts';

const MEASURE = /^3[1-6]\d[0-5]$/;
const AMOUNT = /^39[0245]\d$/;
const CURRENCY_AMOUNT = /^39[13]\d$/;
const TEMPERATURE = /^433[0-3]$/;

/** The number that an element states; undefined when its AI states none. */
export function decimalOf({ ai, value }: Gs1Element): number | undefined {
  if (MEASURE.test(ai) || AMOUNT.test(ai)) return shifted(value, ai);
  if (CURRENCY_AMOUNT.test(ai)) return shifted(value.slice(3), ai);
  if (TEMPERATURE.test(ai)) return (value.endsWith('-') ? -1 : 1) * (Number(value.slice(0, 6)) / 100);
  return undefined;
}

function shifted(digits: string, ai: string): number {
  return Number(digits) / 10 ** Number(ai.charAt(3));
}
