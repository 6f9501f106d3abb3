/**
 * What a thermometer in a cold zone would measure: a slow swing around a set point, sensor noise, and excursions.
 *
 * A pure function of time and seed: how often somebody asks changes nothing.
 */
import type { Random } from '../random.ts';

export interface ClimateOptions {
  baseCelsius: number;
  /** Compressor cycle: half the difference between its warmest and coldest moment. */
  swingCelsius: number;
  periodS: number;
  noiseCelsius: number;
  humidityPercent: number;
}

/** Goes to `toCelsius` within `rampS`, stays for `holdS`, comes back within `recoverS`, which is `rampS` unless told. */
export interface Excursion {
  startS: number;
  toCelsius: number;
  rampS: number;
  holdS: number;
  recoverS?: number;
}

export interface Climate {
  temperatureCelsius: number;
  relativeHumidityPercent: number;
}

export function climateAt(
  atS: number,
  weather: { options: ClimateOptions; excursions: readonly Excursion[]; random: Random },
): Climate {
  const { options } = weather;
  const noise = weather.random.fork(`second ${Math.floor(atS)}`);
  let temperatureCelsius =
    options.baseCelsius +
    options.swingCelsius * Math.sin((2 * Math.PI * atS) / options.periodS) +
    options.noiseCelsius * noise.gaussian();
  for (const excursion of weather.excursions) {
    temperatureCelsius += (excursion.toCelsius - temperatureCelsius) * shareOf(excursion, atS);
  }
  const relativeHumidityPercent = Math.min(100, Math.max(0, options.humidityPercent + noise.gaussian()));
  return { temperatureCelsius, relativeHumidityPercent };
}

/** When an excursion no longer matters. */
export function endOf({ startS, rampS, holdS, recoverS = rampS }: Excursion): number {
  return startS + rampS + holdS + recoverS;
}

/**
 * Between which times the set point is beyond a limit during an excursion; exact for the temperature as well where neither swing nor
 * noise is on it. Undefined when it does not pass the limit.
 */
export function beyond(
  excursion: Excursion,
  { baseCelsius, limitCelsius }: { baseCelsius: number; limitCelsius: number },
): { fromS: number; untilS: number } | undefined {
  const share = (limitCelsius - baseCelsius) / (excursion.toCelsius - baseCelsius);
  if (!(share > 0 && share < 1)) return undefined;
  const { startS, rampS, holdS, recoverS = rampS } = excursion;
  return { fromS: startS + share * rampS, untilS: startS + rampS + holdS + (1 - share) * recoverS };
}

function shareOf({ startS, rampS, holdS, recoverS = rampS }: Excursion, atS: number): number {
  const intoS = atS - startS;
  if (intoS < 0) return 0;
  if (intoS < rampS) return intoS / rampS;
  if (intoS <= rampS + holdS) return 1;
  return Math.max(0, 1 - (intoS - rampS - holdS) / recoverS);
}
