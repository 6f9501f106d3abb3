/**
 * EPCIS's identifiers in our words: EPCs (pure identity URIs and GS1 Digital Link), places, and CBV's vocabulary in its three spellings
 * (bare words, URN, web URI). Pure, total.
 */
import { createHash } from 'node:crypto';
import { identify, packageIdOf } from '../barcode/identity.ts';
import { textValue } from '../barcode/package-id.ts';
import { isCodecError } from '../base/codec-error.ts';
import { isoTimeMs } from '../base/iso-time.ts';
import { decodeEpc, encodeEpc, packageIdsOfEpc } from '../epc/index.ts';
import type { Place } from '../uplink/model.ts';
import { isObject, textOf } from './model.ts';

const LONGEST_ID = 128;

/** Package ids of an EPC, best first; never empty. What is no GS1 key is known by its URI. */
export function packageIdsOfUri(uri: string): string[] {
  if (uri.startsWith('urn:epc:id:')) {
    try {
      return packageIdsOfEpc(decodeEpc(encodeEpc(uri).bytes));
    } catch (error) {
      if (!isCodecError(error)) throw error;
      return [`epc:${textValue(uri)}`];
    }
  }
  // A Digital Link names a key; any other web address is only an address.
  const named = /^https?:\/\//i.test(uri)
    ? identify({ text: uri })
        .candidates.filter(({ scheme }) => scheme !== 'plain')
        .map(packageIdOf)
    : [];
  return named.length > 0 ? named : [`epc:${textValue(uri)}`];
}

/**
 * `receiving` of `receiving`, `urn:epcglobal:cbv:bizstep:receiving`, `https://ref.gs1.org/cbv/BizStep-receiving` and `cbv:BizStep-receiving`.
 * Undefined for what is none of CBV's.
 */
export function cbvWord(kind: 'BizStep' | 'Disp', value: unknown): string | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const urn = kind === 'BizStep' ? 'bizstep' : 'disp';
  const [, word] =
    new RegExp(
      `^(?:urn:epcglobal:cbv:${urn}:|https?://ref\\.gs1\\.org/cbv/${kind}-|cbv:${kind}-)?([a-z][a-z0-9_]{0,63})$`,
    ).exec(text) ?? [];
  return word;
}

/**
 * Read point and business location as a place: a geographic location (RFC 5870) is coordinates, an asset (GIAI, GRAI) a vehicle, a location
 * number with extension a read point of the facility that has the number. Anything else is known by its URI.
 */
export function placeOf(event: { readPoint?: unknown; bizLocation?: unknown }): Place {
  const point = idOf(event.readPoint);
  const location = idOf(event.bizLocation);
  const place: Place = { ...geo(location), ...geo(point) };
  for (const uri of [location, point]) {
    if (uri === undefined || uri.startsWith('geo:')) continue;
    const id = placeId(uri);
    if (/^(giai|grai):/.test(id)) place.vehicleId = id;
    else if (uri === location) place.facilityId = id;
    else {
      place.readPoint = id;
      const [facility] = id.split('.');
      if (id.startsWith('gln:') && place.facilityId === undefined && facility) place.facilityId = facility;
    }
  }
  return place;
}

function placeId(uri: string): string {
  const [id = uri] = packageIdsOfUri(uri);
  return (id.startsWith('epc:') ? uri : id).slice(0, LONGEST_ID);
}

function idOf(value: unknown): string | undefined {
  return isObject(value) ? textOf(value.id) : textOf(value);
}

function geo(uri: string | undefined): Pick<Place, 'latitude' | 'longitude'> {
  const [, latitude, longitude] = /^geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)/.exec(uri ?? '') ?? [];
  if (latitude === undefined || longitude === undefined) return {};
  if (Math.abs(Number(latitude)) > 90 || Math.abs(Number(longitude)) > 180) return {};
  return { latitude: Number(latitude), longitude: Number(longitude) };
}

/** The door's event id of one part of an EPCIS event. */
export function derivedId(eventId: string, part: string): string {
  return `epcis:${createHash('sha256').update(`${eventId}\n${part}`).digest('hex').slice(0, 48)}`;
}

/** In the spelling that the door takes; undefined when it is no time with an offset. */
export function timeOf(value: unknown): string | undefined {
  const ms = isoTimeMs(textOf(value) ?? '');
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
