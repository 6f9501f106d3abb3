/**
 * The public Modbus functions that no driver of ours uses (07, 08, 0B, 0C, 11, 14, 15, 16, 17, 18, 2B), taken apart for people: what a capture of
 * a foreign master and its slaves says. Requests and responses alike; what fits neither form is undefined.
 *
 * Source: MODBUS Application Protocol V1.1b3, clauses 6.7–6.10 and 6.13–6.21. Pure and total.
 */
import { toHex } from '../base/bytes.ts';

/** Fields by name; bytes without meaning to us are hexadecimal. */
export type FunctionFields = Readonly<
  Record<string, number | string | readonly number[] | Readonly<Record<string, string>>>
>;

export interface FunctionReadings {
  request?: FunctionFields;
  response?: FunctionFields;
}

type Form = (body: Buffer) => FunctionFields | undefined;

/** `body` begins behind the function code. Undefined when the function is not one of these. */
export function readOtherFunction(functionCode: number, body: Buffer): FunctionReadings | undefined {
  const forms = FORMS.get(functionCode);
  if (forms === undefined) return undefined;
  const [request, response] = forms.map((form) => form(body));
  return { ...(request && { request }), ...(response && { response }) };
}

/** Words of two bytes with these names and nothing behind. */
function words(...names: readonly string[]): Form {
  return (body) => {
    if (body.length !== 2 * names.length) return undefined;
    return Object.fromEntries(names.map((name, at) => [name, body.readUInt16BE(2 * at)]));
  };
}

const nothing: Form = (body) => (body.length === 0 ? {} : undefined);
const byte =
  (name: string): Form =>
  (body) =>
    body.length === 1 ? { [name]: body.readUInt8(0) } : undefined;

/** A count of one byte, and so many bytes. */
function counted(read: (data: Buffer) => FunctionFields | undefined): Form {
  return (body) => (body.length >= 1 && body.length === 1 + body.readUInt8(0) ? read(body.subarray(1)) : undefined);
}

const diagnostics: Form = (body) => {
  if (body.length < 2 || body.length % 2 !== 0) return undefined;
  return { subFunction: body.readUInt16BE(0), data: toHex(body.subarray(2)) };
};

const eventLog = counted((data) => {
  if (data.length < 6) return undefined;
  const [status, eventCount, messageCount] = [0, 2, 4].map((at) => data.readUInt16BE(at));
  return {
    status: status ?? 0,
    eventCount: eventCount ?? 0,
    messageCount: messageCount ?? 0,
    events: toHex(data.subarray(6)),
  };
});

const registersOf = (data: Buffer): number[] =>
  Array.from({ length: data.length / 2 }, (_, at) => data.readUInt16BE(2 * at));

const maskWrite = words('address', 'andMask', 'orMask');

const readWriteRequest: Form = (body) => {
  if (body.length < 9 || body.readUInt8(8) !== 2 * body.readUInt16BE(6) || body.length !== 9 + body.readUInt8(8)) {
    return undefined;
  }
  return {
    readAddress: body.readUInt16BE(0),
    readQuantity: body.readUInt16BE(2),
    writeAddress: body.readUInt16BE(4),
    values: registersOf(body.subarray(9)),
  };
};

const readWriteResponse = counted((data) => (data.length % 2 === 0 ? { values: registersOf(data) } : undefined));

const fifoResponse: Form = (body) => {
  if (body.length < 4 || body.readUInt16BE(0) !== body.length - 2) return undefined;
  return body.readUInt16BE(2) === (body.length - 4) / 2 ? { values: registersOf(body.subarray(4)) } : undefined;
};

const READ_DEVICE_IDENTIFICATION = 0x0e;
const OBJECT_NAMES = [
  'vendorName',
  'productCode',
  'majorMinorRevision',
  'vendorUrl',
  'productName',
  'modelName',
  'userApplicationName',
];

const identificationRequest: Form = (body) => {
  if (body[0] !== READ_DEVICE_IDENTIFICATION || body.length !== 3) return undefined;
  return { meiType: body.readUInt8(0), readDeviceIdCode: body.readUInt8(1), objectId: body.readUInt8(2) };
};

const identificationResponse: Form = (body) => {
  if (body[0] !== READ_DEVICE_IDENTIFICATION || body.length < 6) return undefined;
  const objects: Record<string, string> = {};
  let at = 6;
  for (let left = body.readUInt8(5); left > 0; left--) {
    const id = body[at];
    const length = body[at + 1];
    if (id === undefined || length === undefined || at + 2 + length > body.length) return undefined;
    objects[OBJECT_NAMES[id] ?? `object-${id}`] = body.toString('latin1', at + 2, at + 2 + length);
    at += 2 + length;
  }
  if (at !== body.length) return undefined;
  return {
    meiType: body.readUInt8(0),
    readDeviceIdCode: body.readUInt8(1),
    conformityLevel: body.readUInt8(2),
    moreFollows: body.readUInt8(3),
    nextObjectId: body.readUInt8(4),
    objects,
  };
};

const raw = counted((data) => ({ data: toHex(data) }));

const FORMS: ReadonlyMap<number, readonly [request: Form, response: Form]> = new Map([
  [0x07, [nothing, byte('status')]],
  [0x08, [diagnostics, diagnostics]],
  [0x0b, [nothing, words('status', 'eventCount')]],
  [0x0c, [nothing, eventLog]],
  [0x11, [nothing, raw]],
  [0x14, [raw, raw]],
  [0x15, [raw, raw]],
  [0x16, [maskWrite, maskWrite]],
  [0x17, [readWriteRequest, readWriteResponse]],
  [0x18, [words('address'), fifoResponse]],
  [0x2b, [identificationRequest, identificationResponse]],
]);
