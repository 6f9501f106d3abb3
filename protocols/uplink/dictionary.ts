/**
 * The preset dictionary (RFC 1951 has no checksum of it: it must never change) of uplink format version 1: what typical
 * records hold, most frequent last. A change is a new format version; dictionary.golden holds its hash in the tests.
 */
export const DICTIONARY_V1: Buffer = Buffer.from(
  [
    'device-offline port-missing port-lost nonsense',
    'temperatureCelsius relativeHumidityPercent above below the limit of ',
    'vehicle facility sensor gps shock door thermometer gateway',
    'storing transporting departing arriving unloading shipping picking packing inspecting',
    'retail_selling delivering accepting receiving loading sorting',
    'dock-1-out dock-2-in dock-4 induction-1 outbound inbound sorter cold-zone van hub load deliver',
    'handheld-1 scanner-2 portal-1 reader-1',
    'urn:epc:id:sgtin: urn:epc:id:sscc: epc: code: s10: fedex: usps: dhl: ups:1Z',
    'sgtin:0 ]d2 ]Q3 ]Q1 ]e0 ]C1',
    '3074257bf7194e40000030340000000031',
    ']C100sscc:00340123450000000',
  ].join('\u0000'),
  'utf8',
);
