/** Desired and reported configurations off the wire: a value, or what is wrong. Nothing here throws. */
import { GATEWAY_ID } from '../uplink/identity.ts';
import { checkSettings } from './check-settings.ts';
import type { DesiredConfig } from './desired-config.ts';
import { reasonOf } from './keys.ts';
import { CONFIG_STATES, type KeyReason, type ReportedConfig } from './reported-config.ts';

export type DesiredConfigResult =
  | { value: DesiredConfig; error?: undefined }
  /** `version`: as far as it could be read, else 0. */
  | { value?: undefined; error: { version: number; reasons: KeyReason[] } };

export type ReportedConfigResult =
  | { value: ReportedConfig; error?: undefined }
  | { value?: undefined; error: { message: string } };

const HASH = /^[0-9a-f]{16}$/;
export const DESIRED_CONFIG_BYTES = 1024 * 1024;
const KEYS = ['schema', 'gatewayId', 'version', 'issuedAt', 'settings'];

/** A document with a key that is not known here is refused: it says something that would not be done. */
export function parseDesiredConfig(payload: Buffer): DesiredConfigResult {
  if (payload.length > DESIRED_CONFIG_BYTES) {
    return refused(0, 'config-too-large', `${payload.length} bytes; at most ${DESIRED_CONFIG_BYTES}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (error) {
    return refused(0, 'config-unreadable', `no JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused(0, 'config-unreadable', 'a JSON object is expected');
  }
  const { schema, gatewayId, version, issuedAt, settings } = value as Record<string, unknown>;
  if (!isVersion(version)) return refused(0, 'config-unreadable', "'version' must be a whole number from 1");
  const wrong = (message: string) => refused(version, 'config-unreadable', message);
  if (schema !== 1) return wrong(`schema ${JSON.stringify(schema)} is not known here; this gateway reads schema 1`);
  if (typeof gatewayId !== 'string' || !GATEWAY_ID.test(gatewayId)) return wrong("'gatewayId' is no gateway's id");
  if (typeof issuedAt !== 'string' || Number.isNaN(Date.parse(issuedAt))) return wrong("'issuedAt' is no time");
  const unknown = Object.keys(value).filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) return wrong(`unknown: ${unknown.slice(0, 8).join(', ')}`);
  const checked = checkSettings(settings);
  if (checked.settings === undefined) {
    return { error: { version, reasons: checked.problems.map((problem) => reasonOf(problem, settings)) } };
  }
  return { value: { schema, gatewayId, version, issuedAt, settings: checked.settings } };
}

/** What a newer gateway says besides is passed over. */
export function parseReportedConfig(payload: Buffer): ReportedConfigResult {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (error) {
    return { error: { message: `no JSON: ${error instanceof Error ? error.message : error}` } };
  }
  const { schema, gatewayId, atMs, inForce, last, devices, readPoints } = fieldsOf(value);
  const force = fieldsOf(inForce);
  const wrong = (what: string) => ({ error: { message: `no reported configuration: ${what}` } });
  if (schema !== 1) return wrong('schema 1 is expected');
  if (typeof gatewayId !== 'string' || !GATEWAY_ID.test(gatewayId)) return wrong("'gatewayId' is no gateway's id");
  if (!isCount(atMs)) return wrong("'atMs' is no time");
  if (!isCount(force.version) || typeof force.hash !== 'string' || !HASH.test(force.hash)) return wrong("'inForce'");
  const looked = last === undefined ? undefined : lastOf(last);
  if (last !== undefined && !looked) return wrong("'last'");
  const targets = listOf(devices, targetOf);
  const points = listOf(readPoints, textOf);
  if (!targets || !points) return wrong("'devices' or 'readPoints'");
  const { version, hash } = force;
  return {
    value: {
      schema,
      gatewayId,
      atMs,
      inForce: { version, hash },
      ...(looked && { last: looked }),
      devices: targets,
      readPoints: points,
    },
  };
}

export function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

function refused(version: number, code: string, reason: string): DesiredConfigResult {
  return { error: { version, reasons: [{ key: '', code, reason }] } };
}

function lastOf(value: unknown): ReportedConfig['last'] {
  const { version, state, reasons } = fieldsOf(value);
  const known = CONFIG_STATES.find((each) => each === state);
  const named = listOf(reasons, (each) => {
    const { key, code, reason } = fieldsOf(each);
    return isText(key) && isText(code) && isText(reason) ? { key, code, reason } : undefined;
  });
  return isCount(version) && known && named ? { version, state: known, reasons: named } : undefined;
}

function targetOf(value: unknown): ReportedConfig['devices'][number] | undefined {
  const { id, quantities, zone } = fieldsOf(value);
  const names = listOf(quantities, textOf);
  if (!isText(id) || !names || !(zone === undefined || isText(zone))) return undefined;
  return { id, quantities: names, ...(zone === undefined ? {} : { zone }) };
}

/** Undefined where one of the entries is not what it should be. */
function listOf<T>(value: unknown, of: (each: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const list = value.map(of).filter((each) => each !== undefined);
  return list.length === value.length ? list : undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
