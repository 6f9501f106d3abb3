/**
 * What a reader sends for the symbologies that GS1 uses: symbology identifier, then an element string, an EAN/UPC number
 * (with a composite component as second message behind `|`), a Digital Link URI, or plain text.
 *
 * Source: GenSpecs 7.8.6 and the table of symbology identifiers in 5.1.
 */
import { CodecError } from '../../base/codec-error.ts';
import { aimScan, parseAim, stripEci } from '../aim.ts';
import { hasGs1CheckDigit } from './check-digits.ts';
import { isDigits } from './dates.ts';
import { isWebAddress, parseDigitalLink } from './digital-link.ts';
import { type Gs1Message, parseElementString } from './elements.ts';

export interface Gs1Scan {
  aim: string;
  symbology: string;
  kind: 'element-string' | 'digital-link' | 'ean' | 'text';
  /** What followed the identifier; for `ean` the number alone. */
  data: string;
  /** For `ean` with a composite component: the component's element string. */
  composite?: string;
  /** Elements and broken association rules; empty for a bare EAN/UPC number and for text. */
  message: Gs1Message;
}

/** Identifiers of symbols that carry plain data, which may be a Digital Link. */
const PLAIN = new Set([']d1', ']d4', ']J0', ']J3', ']Q1', ']Q2']);

/** How many digits the EAN/UPC identifiers stand for. */
const EAN_DIGITS: Record<string, number> = { ']E0': 13, ']E4': 8 };

/**
 * Parses a scan with its symbology identifier.
 * @throws CodecError `aim-missing`, `gs1-symbology` (not one that GS1 uses), `gs1-ean`, or the fault of the data.
 */
export function parseGs1Scan(text: string): Gs1Scan {
  const scan = parseAim(text);
  if (!scan) throw new CodecError({ code: 'aim-missing', message: 'expected a symbology identifier such as ]C1' });
  const { aim, symbology, modifier } = scan;
  const data = modifier.eci ? stripEci(scan.data) : scan.data;
  if (modifier.fnc1 === 'gs1' && symbology.startsWith('gs1-')) {
    return { aim, symbology, kind: 'element-string', data, message: parseElementString(data) };
  }
  if (EAN_DIGITS[aim] !== undefined) return { aim, symbology, kind: 'ean', ...readEan(aim, data) };
  if (!PLAIN.has(aim)) {
    throw new CodecError({ code: 'gs1-symbology', message: `${aim} (${symbology}) carries no GS1 data` });
  }
  if (isWebAddress(data)) return { aim, symbology, kind: 'digital-link', data, message: parseDigitalLink(data) };
  return { aim, symbology, kind: 'text', data, message: { elements: [], faults: [] } };
}

function readEan(aim: string, data: string): { data: string; composite?: string; message: Gs1Message } {
  const digits = EAN_DIGITS[aim] as number;
  const separator = data.indexOf('|');
  const number = separator < 0 ? data : data.slice(0, separator);
  const wrong = (message: string) => new CodecError({ code: 'gs1-ean', message, offset: aim.length });
  if (number.length !== digits || !isDigits(number)) throw wrong(`${aim} carries ${digits} digits, not '${number}'`);
  if (!hasGs1CheckDigit(number)) throw wrong(`check digit of '${number}' is wrong`);
  if (separator < 0) return { data: number, message: { elements: [], faults: [] } };
  const component = parseAim(data.slice(separator + 1)) ?? aimScan(']X0', '');
  if (component.aim !== ']e0') throw wrong('expected a composite component ]e0 behind the number');
  return { data: number, composite: component.data, message: parseElementString(component.data) };
}
