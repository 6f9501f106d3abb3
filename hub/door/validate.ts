/**
 * Bytes of the open door → events that the published schema allows, or why not. The schema is compiled when it is first asked for,
 * a function for each kind: a quarter of a second that a hub which is started again does not wait for.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { DOOR_KINDS, type DoorEvent, type DoorKind, doorKindOf } from '../../protocols/door/door-event.ts';
import { DOOR_SCHEMA_ID, doorEventSchema } from '../../protocols/door/door-event-schema.ts';

export interface DoorFault {
  code: 'door-json' | 'door-invalid';
  reason: string;
}

export type Checked = { event: DoorEvent; fault?: undefined } | { fault: DoorFault; event?: undefined };

/** More than this many events in one message are taken apart by whoever sends them. */
export const MAX_EVENTS = 10_000;

const ISO = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

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

/** The value of a text, or why it is none. */
export function parseJson(text: string): { value: unknown; fault?: undefined } | { fault: DoorFault } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: { code: 'door-json', reason: `not JSON: ${(error as Error).message.slice(0, 200)}` } };
  }
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
  const made = new Ajv2020({ allErrors: false, strict: true, strictRequired: false, allowUnionTypes: true });
  made.addFormat('date-time', (text) => ISO.test(text) && inRange(Date.parse(text)));
  made.addSchema(doorEventSchema);
  return made;
}

function sentence(error: ErrorObject | undefined): string {
  if (!error) return 'not a door event';
  const { keyword, params, instancePath } = error;
  if (keyword === 'additionalProperties')
    return `${instancePath || '/'} has an unknown property ${JSON.stringify(params.additionalProperty)}`;
  if (keyword === 'enum') return `${instancePath} must be one of ${(params.allowedValues as string[]).join(', ')}`;
  if (keyword === 'anyOf' && error.schemaPath.includes('tracking'))
    return 'a tracking event needs packageId or scanned, and scanType or one of the business steps that imply one';
  return `${instancePath || '/'} ${error.message ?? keyword}`;
}

function inRange(ms: number): boolean {
  return ms >= Date.parse('0001-01-01T00:00:00Z') && ms <= Date.UTC(9999, 11, 31);
}

function invalid(reason: string): Checked {
  return { fault: { code: 'door-invalid', reason } };
}
