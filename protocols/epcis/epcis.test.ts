/**
 * Expected values are computed by hand from GS1's own texts: EPCIS 2.0 (ISO/IEC 19987) example 9.6.1, TDS 2.3 Annex E and the General
 * Specifications (check digits).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import { readEpcisDocument } from './document.ts';
import { cbvWord, packageIdsOfUri, placeOf } from './names.ts';

const document = (...eventList: unknown[]) => ({
  '@context': ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld'],
  type: 'EPCISDocument',
  schemaVersion: '2.0',
  creationDate: '2005-07-11T11:30:47.0Z',
  epcisBody: { eventList },
});

const shipping = {
  eventID: 'ni:///sha-256;df7bb3c352fef055578554f09f5e2aa41782150ced7bd0b8af24dd3ccb30ba69?ver=CBV2.0',
  type: 'ObjectEvent',
  action: 'OBSERVE',
  bizStep: 'shipping',
  disposition: 'in_transit',
  epcList: ['urn:epc:id:sgtin:0614141.107346.2017', 'https://id.gs1.org/00/106141412345678908'],
  eventTime: '2005-04-03T20:33:31.116000-06:00',
  eventTimeZoneOffset: '-06:00',
  readPoint: { id: 'urn:epc:id:sgln:0614141.07346.1234' },
};

it('an ObjectEvent is one tracking event for each EPC', () => {
  const [item] = readEpcisDocument(document(shipping));
  expect(item?.fault).toBeUndefined();
  expect(item?.events).toMatchObject([
    {
      kind: 'tracking',
      packageId: 'sgtin:10614141073464.2017',
      scanType: 'DEPARTURE',
      businessStep: 'shipping',
      occurredAt: '2005-04-04T02:33:31.116Z',
      location: { readPoint: 'gln:0614141073467.1234', facilityId: 'gln:0614141073467' },
    },
    { packageId: 'sscc:106141412345678908', scanned: 'https://id.gs1.org/00/106141412345678908' },
  ]);
  expect(new Set(item?.events.map(({ eventId }) => eventId)).size).toBe(2);
});

it('the same event gives the same ids, with an event id or without', () => {
  const ids = (event: object) =>
    readEpcisDocument(document(event)).flatMap(({ events }) => events.map(({ eventId }) => eventId));
  expect(ids({ ...shipping, bizStep: 'urn:epcglobal:cbv:bizstep:shipping' })).toEqual(ids(shipping));
  const { eventID: _id, ...anonymous } = shipping;
  expect(ids(anonymous)).toEqual(ids(Object.fromEntries(Object.entries(anonymous).reverse())));
  expect(ids(anonymous)).not.toEqual(ids({ ...anonymous, bizStep: 'arriving' }));
});

it('an AggregationEvent is one for its parent and each child', () => {
  const [item] = readEpcisDocument(
    document({
      type: 'AggregationEvent',
      action: 'ADD',
      eventTime: '2013-06-08T14:58:56.591Z',
      parentID: 'urn:epc:id:sscc:0614141.1234567890',
      childEPCs: ['urn:epc:id:sgtin:0614141.107346.2017', 'urn:epc:id:sgtin:0614141.107346.2018'],
      bizStep: 'https://ref.gs1.org/cbv/BizStep-receiving',
      bizLocation: { id: 'https://id.gs1.org/414/0614141073467' },
    }),
  );
  expect(item?.events).toMatchObject([
    { packageId: 'sscc:106141412345678908', scanType: 'ARRIVAL', location: { facilityId: 'gln:0614141073467' } },
    { packageId: 'sgtin:10614141073464.2017' },
    { packageId: 'sgtin:10614141073464.2018' },
  ]);
});

it('says what is missing; the number that drafts had for the version is one', () => {
  const { schemaVersion: _version, ...none } = document(shipping);
  expect(() => readEpcisDocument(none)).toThrow("schemaVersion is missing: '2.0' was expected");
  expect(() => readEpcisDocument({ ...none, schemaVersion: '1.2' })).toThrow('schemaVersion is "1.2"');
  expect(readEpcisDocument({ ...none, schemaVersion: 2.0 })[0]?.events).toHaveLength(2);
  const [item] = readEpcisDocument(document({ ...shipping, eventTime: undefined }));
  expect(item?.fault?.reason).toContain('eventTime is missing');
});

it('sensor reports become telemetry, in degrees Celsius', () => {
  const [item] = readEpcisDocument(
    document({
      type: 'ObjectEvent',
      action: 'OBSERVE',
      eventTime: '2019-04-02T15:00:00.000+01:00',
      epcList: [],
      bizLocation: { id: 'geo:52.5,13.4' },
      sensorElementList: [
        {
          sensorMetadata: { deviceID: 'urn:epc:id:giai:4000001.111', time: '2019-04-02T14:05:00.000+01:00' },
          sensorReport: [
            { type: 'gs1:Temperature', value: 77, uom: 'FAH' },
            { type: 'RelativeHumidity', value: 12.1, uom: 'P1' },
            { type: 'Speed', value: 160, uom: 'KMH' },
          ],
        },
      ],
    }),
  );
  expect(item?.events).toMatchObject([
    {
      kind: 'temperature',
      temperatureCelsius: 25,
      occurredAt: '2019-04-02T13:05:00.000Z',
      location: { latitude: 52.5, longitude: 13.4 },
    },
    { kind: 'humidity', relativeHumidityPercent: 12.1, deviceId: 'urn:epc:id:giai:4000001.111' },
  ]);
});

describe('what is answered with a reason', () => {
  it.each([
    ['epcis-unsupported', { ...shipping, type: 'TransformationEvent' }],
    ['epcis-unsupported', { ...shipping, type: 'AssociationEvent' }],
    ['epcis-unsupported', { ...shipping, errorDeclaration: { declarationTime: '2020-01-01T00:00:00Z' } }],
    [
      'epcis-unsupported',
      { ...shipping, epcList: [], quantityList: [{ epcClass: 'urn:epc:class:lgtin:4012345.012345.998877' }] },
    ],
    ['epcis-invalid', { ...shipping, eventTime: '2005-04-03T20:33:31' }],
    ['epcis-invalid', { ...shipping, action: 'LOOK' }],
    ['epcis-invalid', { ...shipping, epcList: ['not a uri'] }],
    ['epcis-invalid', { ...shipping, type: 'ParcelEvent' }],
    ['epcis-invalid', 'event'],
  ])('%s', (code, event) => {
    const [item] = readEpcisDocument(document(event, shipping));
    expect(item?.fault?.code).toBe(code);
    expect(item?.events).toEqual([]);
  });

  it.each([
    [null],
    [{ type: 'EPCISDocument' }],
    [{ ...document(), schemaVersion: '1.2' }],
    [{ ...document(), type: 'Other' }],
  ])('%o is no document', (value) => {
    expect(() => readEpcisDocument(value)).toThrowError(expect.objectContaining({ code: 'epcis-document' }));
  });

  it('any JSON is items or a CodecError', () => {
    const anything = fc.anything({ maxDepth: 3 });
    const event = fc.record(
      Object.fromEntries(
        Object.keys(shipping).map((key) => [
          key,
          fc.oneof(fc.constant(shipping[key as keyof typeof shipping]), anything),
        ]),
      ),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          event.map((each) => document(each)),
        ),
        (value) => {
          try {
            readEpcisDocument(value);
          } catch (error) {
            expect(isCodecError(error)).toBe(true);
          }
        },
      ),
      { seed: 6, numRuns: 300 },
    );
  });
});

it.each([
  ['urn:epc:id:sscc:0614141.1234567890', 'sscc:106141412345678908'],
  ['https://example.com/00/106141412345678908', 'sscc:106141412345678908'],
  ['https://id.gs1.org/01/10614141073464/21/2017', 'sgtin:10614141073464.2017'],
  ['https://example.com/parcels/7', 'epc:https://example.com/parcels/7'],
  ['urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'epc:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
])('%s is %s', (uri, packageId) => {
  expect(packageIdsOfUri(uri)[0]).toBe(packageId);
});

it('words of the CBV in each of their spellings', () => {
  for (const each of [
    'receiving',
    'urn:epcglobal:cbv:bizstep:receiving',
    'https://ref.gs1.org/cbv/BizStep-receiving',
    'cbv:BizStep-receiving',
  ])
    expect(cbvWord('BizStep', each)).toBe('receiving');
  expect(cbvWord('Disp', 'urn:epcglobal:cbv:disp:damaged')).toBe('damaged');
  expect(cbvWord('BizStep', 'http://example.com/step')).toBeUndefined();
});

it('an asset is a vehicle', () => {
  expect(placeOf({ readPoint: { id: 'urn:epc:id:giai:4000001.111' } })).toEqual({ vehicleId: 'giai:4000001111' });
});
