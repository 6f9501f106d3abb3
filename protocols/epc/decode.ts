/**
 * Bits of an EPC memory bank → what they say. Total: a value or a CodecError.
 * Source: GS1 EPC Tag Data Standard 2.3 (2025), clauses 14.4, 14.5 and 15.2.
 */
import { fromHex, toHex } from '../base/bytes.ts';
import { type CodecError, isCodecError } from '../base/codec-error.ts';
import { readAidcData } from './aidc-data.ts';
import { BitReader } from './bits.ts';
import { controlFields, decodeControl, hexByte, type ProtocolControl } from './control.ts';
import { epcFault } from './faults.ts';
import { readHostname } from './hostname.ts';
import { digitalLinkOf, type EpcElement, type EpcKeys, elementStringOf, elementsOfParts, keysOf } from './keys.ts';
import { dateYymmdd } from './plus-methods.ts';
import { DATE_AIS, type PlusScheme, type PlusSchemeName, plusSchemeOfHeader } from './plus-schemes.ts';
import { type Identity, type Scheme, type SchemeName, schemeOfHeader } from './schemes.ts';

/** An EPC. What its scheme does not define is `undefined`. */
export interface Epc {
  scheme: SchemeName | PlusSchemeName;
  /** The identity behind the scheme: `sgtin` for sgtin-96, sgtin-198, sgtin+, dsgtin+, sgtin++ and dsgtin++. */
  identity: Identity;
  /** Bits of the encoding, without padding and without further data. */
  bits: number;
  filter: number | undefined;
  /** `urn:epc:tag:…`; the `+` and `++` schemes have none. */
  tagUri: string | undefined;
  /** `urn:epc:id:…`; the `+` and `++` schemes have none. */
  pureUri: string | undefined;
  /** The GS1 Application Identifiers that the EPC stands for; empty for GID, USDOD and ADI. */
  elements: EpcElement[];
  /** `(01)…(21)…` */
  elementString: string | undefined;
  keys: EpcKeys;
  digitalLink: string | undefined;
  /** `++` schemes only. */
  hostname: string | undefined;
  /** `+` and `++` schemes that say so: the data behind the EPC. */
  aidc: { elements: EpcElement[]; fault: CodecError | undefined } | undefined;
}

/** What is no EPC, or none that can be read: the bits as a URI. */
export interface RawEpc {
  scheme: 'raw';
  bits: number;
  /** `urn:epc:raw:…` */
  rawUri: string;
  /** Why it is not an EPC. */
  fault: CodecError;
}

export interface DecodeOptions {
  /** Protocol control word (LLRP C1G2PC): bounds the EPC and adds control fields to the tag URI. */
  pc?: number | undefined;
}

/**
 * @param input the EPC from bit 20h of the bank on; bytes, or hexadecimal digits (also an odd number of them).
 * @throws CodecError `epc-header` for what is no EPC scheme, `epc-not-epc` when the control word says so, else the fault
 *   of the scheme's own rules.
 */
export function decodeEpc(input: string | Uint8Array, options: DecodeOptions = {}): Epc {
  const bank = openBank(input, options);
  if (bank.control?.isUii) {
    throw epcFault('epc-not-epc', `a UII of application family ${hexByte(bank.control.attributes)}, not an EPC`);
  }
  const from = new BitReader(bank.bytes, bank.bits);
  const header = from.number(8);
  const scheme = schemeOfHeader(header);
  if (scheme !== undefined) return decodeScheme(from, scheme, bank.control);
  const plus = plusSchemeOfHeader(header);
  if (plus !== undefined) return decodePlus(from, plus);
  const why = header === 0 ? 'the tag is not programmed' : 'it is reserved';
  throw epcFault('epc-header', `header ${hexByte(header)} names no EPC scheme: ${why}`);
}

/** As decodeEpc, but gives the raw URI of what is no valid EPC (clause 15.2.2). @throws CodecError for bad hexadecimal. */
export function readEpc(input: string | Uint8Array, options: DecodeOptions = {}): Epc | RawEpc {
  try {
    return decodeEpc(input, options);
  } catch (fault) {
    if (!isCodecError(fault) || !fault.code.startsWith('epc-')) throw fault;
    const { bytes, bits, control } = openBank(input, {});
    const said = options.pc === undefined ? undefined : decodeControl(options.pc);
    const length = said === undefined ? bits : Math.min(bits, said.bits);
    const hex = toHex(bytes)
      .slice(0, length / 4)
      .toUpperCase();
    const family = said?.isUii ? `x${hexByte(said.attributes)}.` : '';
    const rawUri = `urn:epc:raw:${controlFields(said ?? control)}${length}.${family}x${hex}`;
    return { scheme: 'raw', bits: length, rawUri, fault };
  }
}

interface Bank {
  bytes: Uint8Array;
  bits: number;
  control: ProtocolControl | undefined;
}

function openBank(input: string | Uint8Array, { pc }: DecodeOptions): Bank {
  const { bytes, bits } = typeof input === 'string' ? bytesOfHex(input) : { bytes: input, bits: input.length * 8 };
  if (pc === undefined) return { bytes, bits, control: undefined };
  const control = decodeControl(pc);
  if (control.bits > bits) {
    throw epcFault('epc-truncated', `the control word says ${control.bits} bits, only ${bits} are here`, bits);
  }
  return { bytes, bits: control.bits, control };
}

/** Standards print EPCs whose last byte is half: the other half is zero. */
function bytesOfHex(hex: string): { bytes: Uint8Array; bits: number } {
  const digits = hex.replace(/^\s*0x/i, '').replace(/[\s:-]/g, '');
  return { bytes: fromHex(digits.length % 2 === 0 ? digits : `${digits}0`), bits: digits.length * 4 };
}

function decodeScheme(
  from: BitReader,
  scheme: Scheme & { name: SchemeName },
  control: ProtocolControl | undefined,
): Epc {
  if (scheme.bits !== undefined && from.end < scheme.bits) {
    throw epcFault('epc-truncated', `${scheme.name} has ${scheme.bits} bits, only ${from.end} are here`, from.end);
  }
  const filter = scheme.filterBits === 0 ? undefined : from.number(scheme.filterBits);
  const parts = scheme.segments.flatMap((segment) => segment.read(from));
  const body = parts.join('.');
  const elements = elementsOfParts(scheme.identity, parts);
  const isGs1 = elements.length > 0;
  return {
    scheme: scheme.name,
    identity: scheme.identity,
    bits: from.at,
    filter,
    tagUri: `urn:epc:tag:${controlFields(control)}${scheme.name}:${filter === undefined ? '' : `${filter}.`}${body}`,
    pureUri: `urn:epc:id:${scheme.identity}:${body}`,
    elements,
    elementString: isGs1 ? elementStringOf(elements) : undefined,
    keys: keysOf(elements),
    digitalLink: isGs1 ? digitalLinkOf(elements) : undefined,
    hostname: undefined,
    aidc: undefined,
  };
}

function decodePlus(from: BitReader, scheme: PlusScheme & { name: PlusSchemeName }): Epc {
  const hasAidcData = from.number(1) === 1;
  const filter = from.number(3);
  const date = scheme.dated ? [readPrioritisedDate(from)] : [];
  const elements = readFields(from, scheme);
  const hostname = scheme.hostname ? readHostname(from) : undefined;
  const bits = from.at;
  const aidc = hasAidcData ? tryAidcData(from) : undefined;
  const all = [...elements, ...date];
  return {
    scheme: scheme.name,
    identity: identityOf(scheme.name),
    bits,
    filter,
    tagUri: undefined,
    pureUri: undefined,
    elements: all,
    elementString: elementStringOf(all),
    keys: keysOf(all),
    digitalLink: digitalLinkOf(elements, [...date, ...(aidc?.elements ?? [])], hostname),
    hostname,
    aidc,
  };
}

function readPrioritisedDate(from: BitReader): EpcElement {
  const start = from.at;
  const ai = DATE_AIS[from.number(4)];
  if (ai === undefined) throw epcFault('epc-reserved', 'a date type that is reserved', start);
  return { ai, value: dateYymmdd.read(from) };
}

function readFields(from: BitReader, scheme: PlusScheme): EpcElement[] {
  const elements: EpcElement[] = [];
  for (const field of scheme.fields) {
    const value = field.method.read(from);
    const previous = elements.at(-1);
    if (previous?.ai === field.ai) previous.value += value;
    else if (value !== field.absentAs) elements.push({ ai: field.ai, value });
  }
  return elements;
}

/** The EPC stands, whatever is wrong with what follows it. */
function tryAidcData(from: BitReader): NonNullable<Epc['aidc']> {
  const elements: EpcElement[] = [];
  try {
    readAidcData(from, elements);
    return { elements, fault: undefined };
  } catch (fault) {
    if (!isCodecError(fault)) throw fault;
    return { elements, fault };
  }
}

function identityOf(name: PlusSchemeName): Identity {
  return name.replace(/^d?(.*?)\++$/, '$1') as Identity;
}
