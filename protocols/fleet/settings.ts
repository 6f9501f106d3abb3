/**
 * What the fleet sets on a gateway: rules, read points' windows, devices' rates. The gateway's own file is the base; the settings that
 * come from the hub replace the fleet's earlier ones as a whole, and rules of the file stay.
 */
import type { Rule } from '../rules/rule.ts';

export interface ReadPointSettings {
  scanWindowMs?: number;
  tagDepartedAfterMs?: number | 'adaptive';
  /** Names of identity schemes, as in the gateway's file. */
  identities?: string[];
}

export interface RateSettings {
  /** Replaces the device's `changes` of the file, per quantity. */
  changes?: { quantity: string; deadband: number; maxIntervalMs: number }[];
  /** Driver options that replace those of the file, for example `{ "interval": "5s" }`; written as in the file. */
  options?: Record<string, unknown>;
}

export interface Settings {
  rules: Rule[];
  /** By read point id. */
  readPoints: Record<string, ReadPointSettings>;
  /** By device id. */
  rates: Record<string, RateSettings>;
}
