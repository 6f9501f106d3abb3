/**
 * The protocol control word in front of an EPC (TDS 2.3, clauses 9.3, 15.1 and 15.2.4): bits 15–11 words of EPC,
 * 10 user memory, 9 extended control, 8 toggle (the EPC is an ISO/IEC 15961 UII), 7–0 attributes or AFI.
 */
import { epcFault } from './faults.ts';

export interface ProtocolControl {
  /** Bits of EPC or UII that the length field says. */
  bits: number;
  hasUserMemory: boolean;
  /** The bank holds no EPC but a UII of the application family `attributes`. */
  isUii: boolean;
  /** Attribute bits, or the AFI. */
  attributes: number;
}

export function decodeControl(pc: number): ProtocolControl {
  return {
    bits: (pc >> 11) * 16,
    hasUserMemory: (pc & 0x0400) !== 0,
    isUii: (pc & 0x0100) !== 0,
    attributes: pc & 0xff,
  };
}

export function encodeControl(control: ProtocolControl): number {
  const words = Math.ceil(control.bits / 16);
  if (words > 31) throw epcFault('epc-value', `${control.bits} bits do not fit the 31 words of an EPC bank`);
  const flags = (control.hasUserMemory ? 0x0400 : 0) | (control.isUii ? 0x0100 : 0);
  return (words << 11) | flags | control.attributes;
}

/** The control fields of a tag URI, with the colon after them; empty when there are none. */
export function controlFields(control: ProtocolControl | undefined): string {
  if (control === undefined) return '';
  const attributes = !control.isUii && control.attributes !== 0 ? `[att=x${hexByte(control.attributes)}]` : '';
  const fields = attributes + (control.hasUserMemory ? '[umi=1]' : '');
  return fields === '' ? '' : `${fields}:`;
}

export function hexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}

/** Splits the control fields off the body of a tag or raw URI. @throws CodecError `epc-uri` */
export function parseControlFields(body: string): { hasUserMemory: boolean; attributes: number; rest: string } {
  const control = { hasUserMemory: false, attributes: 0, rest: body };
  const match = /^((?:\[[^\]]*\])+):/.exec(body);
  if (match === null) return control;
  control.rest = body.slice(match[0].length);
  for (const [, name, value] of (match[1] ?? '').matchAll(/\[([^=\]]*)=?([^\]]*)\]/g)) {
    if (name === 'att' && /^x[0-9A-F]{2}$/.test(value ?? '')) control.attributes = Number(`0${value}`);
    else if (name === 'umi' && /^[01]$/.test(value ?? '')) control.hasUserMemory = value === '1';
    // Extended control is the tag's own; it cannot be written, so it is read over (clause 15.1.1).
    else if (!/^xpc(-w1)?$/.test(name ?? '')) throw epcFault('epc-uri', `'[${name}=${value}]' is not a control field`);
  }
  return control;
}
