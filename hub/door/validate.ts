/**
 * Bytes of the open door → events that the published schema allows, or why not. The schema is compiled when it is first asked for,
 * a function for each kind: a quarter of a second that a hub which is started again does not wait for.
 */
import { isUtf8 } from 'node:buffer';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { isoTimeMs } from '../../protocols/base/iso-time.ts';
import { DOOR_KINDS, type DoorEvent, type DoorKind, doorKindOf } from '../../protocols/door/door-event.ts';
import { DOOR_SCHEMA_ID, doorEventSchema, PRINTABLE } from '../../protocols/door/door-event-schema.ts';

export interface DoorFault {
  code: 'door-json' | 'door-invalid';
  reason: string;
}

export type Checked = { event: DoorEvent; fault?: undefined } | { fault: DoorFault; event?: undefined };

/** More than this many events in one message are taken apart by whoever sends them. */
export const MAX_EVENTS = 10_000;
/** JSON.parse takes any depth; whoever writes it again, or digests it, has a stack. */
const MAX_DEPTH = 64;

let ajv: Ajv2020 | undefined;
const validators = new Map<DoorKind, ValidateFunction>();

/** A value that came as JSON. */
export function checkDoorEvent(value: unknown): Checked {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid('an event is a JSON object');
  const kind = doorKindOf(value);
  const validate = kind && validatorOf(kind);
  if (!validate) return invalid(`/kind must be one of ${DOOR_KINDS.join(', ')}`);
  if (!validate(value)) return invalid(sentence(validate.errors?.at(-1)));
  return { event: value as DoorEvent };
}

export type ParsedJson = { value: unknown; fault?: undefined } | { fault: DoorFault };

/** The text of bytes without a byte order mark; undefined where they are not UTF-8, since to guess would change what was scanned. */
export function textOf(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8').replace(/^\uFEFF/, '') : undefined;
}

/** The value of a text or of its bytes, or why it is none. */
export function parseJson(json: string | Buffer): ParsedJson {
  const text = typeof json === 'string' ? json : textOf(json);
  if (text === undefined) return { fault: { code: 'door-json', reason: 'not UTF-8' } };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: { code: 'door-json', reason: `not JSON: ${(error as Error).message.slice(0, 200)}` } };
  }
  if (!isDeeperThan(MAX_DEPTH, value)) return { value };
  return { fault: { code: 'door-json', reason: `nested deeper than ${MAX_DEPTH} levels` } };
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) if (isDeeperThan(levels - 1, (value as Record<string, unknown>)[name])) return true;
  return false;
}

function validatorOf(kind: DoorKind): ValidateFunction {
  const known = validators.get(kind);
  if (known) return known;
  ajv ??= withSchema();
  const made = ajv.compile({ $ref: `${DOOR_SCHEMA_ID}#/$defs/${kind}` });
  validators.set(kind, made);
  return made;
}

function withSchema(): Ajv2020 {
  const made = new Ajv2020({
    allErrors: false,
    verbose: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
  });
  made.addFormat('date-time', (text) => inRange(isoTimeMs(text)));
  made.addSchema(doorEventSchema);
  return made;
}

function sentence(error: ErrorObject | undefined): string {
  if (!error) return 'not a door event';
  const { keyword, params, instancePath } = error;
  const where = instancePath || '/';
  if (keyword === 'additionalProperties')
    return `${where} has an unknown property ${JSON.stringify(params.additionalProperty)}`;
  if (keyword === 'enum') return `${where} must be one of ${(params.allowedValues as string[]).join(', ')}`;
  if (keyword === 'format') return `${where} is no time with seconds and an offset, such as 2026-11-23T08:30:00+01:00`;
  if (keyword === 'pattern' && params.pattern === PRINTABLE) return `${where} must hold no control characters`;
  if (keyword === 'anyOf' && error.schemaPath.includes('tracking'))
    return 'a tracking event needs packageId or scanned, and scanType or one of the business steps that imply one';
  if (keyword === 'anyOf') {
    const names = (error.schema as { required: string[] }[]).flatMap(({ required }) => required);
    return `one of ${names.join(', ')} is needed`;
  }
  return `${where} ${error.message ?? keyword}`;
}

function inRange(ms: number | undefined): boolean {
  return ms !== undefined && ms >= Date.parse('0001-01-01T00:00:00Z') && ms <= Date.UTC(9999, 11, 31);
}

function invalid(reason: string): Checked {
  return { fault: { code: 'door-invalid', reason } };
}
