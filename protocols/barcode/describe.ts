/** A scan as one JSON object for people and tools: everything that can be said about it, in plain values. */
import { CodecError } from '../base/codec-error.ts';
import { matchTracking, type TrackingMatch } from './carriers/tracking-number.ts';
import { formatDigitalLink } from './gs1/digital-link.ts';
import { formatBracketed, type Gs1Element, type Gs1Message, hriOf } from './gs1/elements.ts';
import { decimalOf } from './gs1/measures.ts';
import { identify, type PackageIdentity, type Scan, type ScanContent } from './identity.ts';

export interface BarcodeDescription {
  aim?: string;
  symbology?: string;
  kind: ScanContent['kind'];
  /** False when association rules of a GS1 message are broken, or a Digital Link cannot be read; see `faults`. */
  valid: boolean;
  /** Bracketed element string. */
  ai?: string;
  hri?: string[];
  /** The message as a Digital Link URI of GS1's resolver, where it has a key. */
  digitalLink?: string;
  elements?: (Gs1Element & { decimal?: number })[];
  /** Broken association rules, or why a web address is no Digital Link. */
  faults?: { code: string; message: string }[];
  content?: unknown;
  /** Carriers' formats that the text fits, with the parts of the number. */
  tracking?: TrackingMatch[];
  /** The best candidate's package id. */
  packageId?: string;
  candidates: PackageIdentity[];
}

/** A web address that never meant to be a Digital Link is right as it stands. */
const NO_LINK: ReadonlySet<string> = new Set(['gs1-link-no-key', 'gs1-link-uri']);

/**
 * Describes a scan.
 * @throws CodecError `barcode-empty`, or the fault when its symbology identifier or header declares a structure that the
 *   data does not keep.
 */
export function describeBarcode(scan: Scan): BarcodeDescription {
  const { aim, content, fault, candidates } = identify(scan);
  if (scan.text === '') throw new CodecError({ code: 'barcode-empty', message: 'a scan without data' });
  const declared = aim?.modifier.fnc1 === 'gs1' || aim?.symbology === 'ean-upc' || scan.text.startsWith('[)>');
  if (fault && declared) throw new CodecError(fault);
  const [best] = candidates;
  const tracking = matchTracking(aim ? aim.data : scan.text);
  return {
    ...(aim && { aim: aim.aim, symbology: aim.symbology }),
    kind: content.kind,
    valid: 'faults' in content ? content.faults.length === 0 : !fault || NO_LINK.has(fault.code),
    ...(fault && { faults: [{ code: fault.code, message: fault.message }] }),
    ...describeContent(content),
    ...(tracking.length > 0 && { tracking }),
    ...(best && { packageId: best.packageId }),
    candidates,
  };
}

function describeContent(content: ScanContent): Partial<BarcodeDescription> {
  switch (content.kind) {
    case 'element-string':
      return describeMessage(content);
    case 'digital-link':
      return { ...describeMessage(content), content: { stem: content.stem } };
    case 'envelope':
      return { content: { ...content.envelope, ...(content.label && { label: content.label }) } };
    case 'gtin':
      return { content: { gtin14: content.gtin14 } };
    case 'text':
      return { content: { text: content.text } };
  }
}

function describeMessage({ elements, faults }: Gs1Message): Partial<BarcodeDescription> {
  const link = linkOf(elements);
  return {
    ai: formatBracketed(elements),
    hri: hriOf(elements),
    ...(link !== undefined && { digitalLink: link }),
    elements: elements.map((element) => {
      const decimal = decimalOf(element);
      return { ...element, ...(decimal !== undefined && { decimal }) };
    }),
    ...(faults.length > 0 && { faults: faults.map(({ code, message }) => ({ code, message })) }),
  };
}

function linkOf(elements: readonly Gs1Element[]): string | undefined {
  try {
    return formatDigitalLink(elements);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
