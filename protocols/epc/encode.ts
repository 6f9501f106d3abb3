/**
 * EPC URIs and GS1 keys → bits of an EPC memory bank.
 * Source: GS1 EPC Tag Data Standard 2.3 (2025), clauses 12.3, 14.3, 14.5 and 15.1.
 */
import { isCodecError } from '../base/codec-error.ts';
import { writeAidcData } from './aidc-data.ts';
import { BitWriter } from './bits.ts';
import { encodeControl, parseControlFields } from './control.ts';
import { epcFault } from './faults.ts';
import { writeHostname } from './hostname.ts';
import type { EpcElement } from './keys.ts';
import { dateYymmdd } from './plus-methods.ts';
import { DATE_AIS, type PlusScheme, type PlusSchemeName, plusSchemeNamed } from './plus-schemes.ts';
import { type Scheme, type SchemeName, schemeNamed, schemesOfIdentity } from './schemes.ts';

export interface EncodedEpc {
  /** Whole 16-bit words, as a tag stores them: the last bits may be padding. */
  bytes: Buffer;
  /** Bits of the encoding. */
  bits: number;
  /** The protocol control word that belongs to it. */
  pc: number;
}

export interface EncodeOptions {
  /** For a pure identity URI: the scheme; the shortest that takes it unless given. */
  scheme?: SchemeName;
  /** For a pure identity URI. Default 0. */
  filter?: number;
}

/** An EPC of a `+` or `++` scheme. */
export interface PlusEpc {
  scheme: PlusSchemeName;
  /** Default 0. */
  filter?: number;
  /** The scheme's own AIs, its date for the dated ones, and further data, which is written behind the EPC. */
  elements: readonly EpcElement[];
  /** Needed by the `++` schemes. */
  hostname?: string;
}

/**
 * @param source `urn:epc:tag:…`, `urn:epc:id:…`, `urn:epc:raw:…`, or the elements of a `+` scheme.
 * @throws CodecError `epc-uri` for a URI that is not well-formed, `epc-value` for what the scheme cannot hold.
 */
export function encodeEpc(source: string | PlusEpc, options: EncodeOptions = {}): EncodedEpc {
  if (typeof source !== 'string') return encodePlus(source);
  if (source.startsWith(TAG)) return encodeTagUri(source.slice(TAG.length));
  if (source.startsWith(RAW)) return encodeRawUri(source.slice(RAW.length));
  if (source.startsWith(PURE)) return encodePureUri(source.slice(PURE.length), options);
  throw epcFault('epc-uri', `'${source}' does not begin with ${TAG}, ${PURE} or ${RAW}`);
}

const TAG = 'urn:epc:tag:';
const PURE = 'urn:epc:id:';
const RAW = 'urn:epc:raw:';

function encodeTagUri(uri: string): EncodedEpc {
  const { hasUserMemory, attributes, rest } = parseControlFields(uri);
  const [name = '', body] = splitOnce(rest, ':');
  const scheme = schemeNamed(name);
  if (scheme === undefined || body === undefined) throw epcFault('epc-uri', `'${rest}' names no scheme of a tag URI`);
  const to = encodeBody(scheme, body);
  return finish(to, { hasUserMemory, attributes, isUii: false });
}

/** Schemes are tried from the shortest on; the fault of the last is the one that is told. */
function encodePureUri(uri: string, options: EncodeOptions): EncodedEpc {
  const [identity = '', body = ''] = splitOnce(uri, ':');
  const schemes = schemesOfIdentity(identity).filter(({ name }) => (options.scheme ?? name) === name);
  let fault: unknown = epcFault('epc-uri', `'${identity}' has no ${options.scheme ?? 'binary'} encoding`);
  for (const scheme of schemes) {
    try {
      const filter = scheme.filterBits === 0 ? '' : `${options.filter ?? 0}.`;
      return finish(encodeBody(scheme, filter + body), { hasUserMemory: false, attributes: 0, isUii: false });
    } catch (error) {
      if (!isCodecError(error)) throw error;
      fault = error;
    }
  }
  throw fault;
}

function encodeBody(scheme: Scheme, body: string): BitWriter {
  const to = new BitWriter();
  to.number(scheme.header, 8);
  const wanted = scheme.segments.reduce((sum, segment) => sum + segment.parts, scheme.filterBits === 0 ? 0 : 1);
  // Only the last component may hold dots of its own.
  const parts = body.split('.');
  const components = [...parts.slice(0, wanted - 1), parts.slice(wanted - 1).join('.')];
  if (parts.length < wanted) throw epcFault('epc-uri', `'${body}': ${wanted} components were expected`);
  if (scheme.filterBits > 0) writeFilter(to, components.shift() ?? '', scheme.filterBits);
  for (const segment of scheme.segments) segment.write(to, components.splice(0, segment.parts));
  return to;
}

function writeFilter(to: BitWriter, filter: string, bits: number): void {
  if (!/^(0|[1-9]\d*)$/.test(filter) || Number(filter) >= 2 ** bits) {
    throw epcFault('epc-value', `filter value '${filter}' is not 0–${2 ** bits - 1}`);
  }
  to.number(Number(filter), bits);
}

function encodeRawUri(uri: string): EncodedEpc {
  const { hasUserMemory, attributes, rest } = parseControlFields(uri);
  const match = /^([1-9]\d*)\.(?:x([0-9A-F]+)\.)?(?:x([0-9A-F]*)|(0|[1-9]\d*))$/.exec(rest);
  if (match === null) throw epcFault('epc-uri', `'${rest}' is not a length and a payload`);
  const [, length, family, hex, decimal] = match;
  if (family !== undefined && decimal !== undefined) throw epcFault('epc-uri', `'${rest}': a UII is hexadecimal`);
  const bits = Number(length);
  const payload = BigInt(decimal ?? `0x${hex || '0'}`);
  const afi = family === undefined ? undefined : Number.parseInt(family, 16);
  if (bits > 496 || payload >> BigInt(bits) !== 0n || (afi ?? 0) > 0xff) {
    throw epcFault('epc-value', `'${rest}': the payload does not fit its length, or the AFI eight bits`);
  }
  const to = new BitWriter();
  to.integer(payload, bits);
  return finish(to, { hasUserMemory, attributes: afi ?? attributes, isUii: afi !== undefined });
}

function encodePlus(epc: PlusEpc): EncodedEpc {
  const scheme = plusSchemeNamed(epc.scheme);
  if (scheme === undefined) throw epcFault('epc-value', `'${epc.scheme}' is not a '+' scheme`);
  const values = new Map(epc.elements.map(({ ai, value }) => [ai, value]));
  const date = scheme.dated ? epc.elements.find(({ ai }) => DATE_AIS.includes(ai)) : undefined;
  const own = new Set([...scheme.fields.map(({ ai }) => ai), ...(date ? [date.ai] : [])]);
  const further = epc.elements.filter(({ ai }) => !own.has(ai));

  const to = new BitWriter();
  to.number(scheme.header, 8);
  to.number(further.length > 0 ? 1 : 0, 1);
  writeFilter(to, (epc.filter ?? 0).toString(), 3);
  if (scheme.dated) {
    if (date === undefined) throw epcFault('epc-value', `${epc.scheme} needs a date of AI ${DATE_AIS.join(', ')}`);
    to.number(DATE_AIS.indexOf(date.ai), 4);
    dateYymmdd.write(to, date.value);
  }
  writeFields(to, scheme, values);
  if (scheme.hostname) writeHostname(to, epc.hostname ?? '');
  const bits = to.length;
  writeAidcData(to, further);
  return { ...finish(to, { hasUserMemory: false, attributes: 0, isUii: false }), bits };
}

function writeFields(to: BitWriter, scheme: PlusScheme, values: ReadonlyMap<string, string>): void {
  const written = new Map<string, number>();
  for (const { ai, method, length, absentAs } of scheme.fields) {
    const value = values.get(ai) ?? absentAs;
    if (value === undefined) throw epcFault('epc-value', `${scheme.name} needs AI ${ai}`);
    const start = written.get(ai) ?? 0;
    const end = length === undefined ? value.length : start + length;
    method.write(to, value.slice(start, end));
    written.set(ai, end);
  }
}

function finish(to: BitWriter, control: { hasUserMemory: boolean; attributes: number; isUii: boolean }): EncodedEpc {
  return { bytes: to.toBytes(16), bits: to.length, pc: encodeControl({ ...control, bits: to.length }) };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
