/** What is published in `package-states` is what protocols/uplink/package-state.schema.json says, and what the API says of a package. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { isoTimeMs } from '../../protocols/base/iso-time.ts';
import { openapi } from '../api/openapi.ts';
import { sampleEvent } from './sample-event.ts';
import { fold } from './state.ts';

interface Schema {
  properties: Record<string, Schema>;
}

const published = new URL('../../protocols/uplink/package-state.schema.json', import.meta.url);
const schema = JSON.parse(readFileSync(published, 'utf8')) as Schema;
const packageId = 'sscc:1';
const at = (minute: number) => new Date(Date.UTC(2026, 0, 5, 8, minute)).toISOString();
const arrival = sampleEvent({ packageId, sequence: 1, occurredAt: at(0), scanType: 'ARRIVAL', otherIds: ['ups:1Z'] });
const load = sampleEvent({
  packageId,
  sequence: 2,
  occurredAt: at(10),
  scanType: 'LOAD',
  location: { vehicleId: 'VAN-7', latitude: 52.5, longitude: 13.4 },
  employeeId: 'e-7',
});
/** A thousand kilometres away, five minutes later. */
const elsewhere = sampleEvent({
  packageId,
  sequence: 3,
  occurredAt: at(15),
  location: { facilityId: 'HUB-B', latitude: 44, longitude: 3 },
});
const warm = sampleEvent({
  packageId,
  sequence: 4,
  occurredAt: at(20),
  eventType: 'EXCEPTION_OCCURRED',
  data: {
    scanned: '',
    exception: {
      exceptionId: '00000000-0000-5000-8000-000000000001',
      kind: 'TEMPERATURE_EXCEPTION',
      phase: 'began',
      revision: 1,
      severity: 'critical',
      quantity: 'temperatureCelsius',
      value: 9,
      limit: 8,
      beganAt: at(12),
      message: 'warm',
    },
  },
});

it.each([
  ['a journey', [arrival, load]],
  ['a contradiction', [arrival, load, elsewhere]],
  ['an exception', [arrival, load, elsewhere, warm]],
])('%s', (_, events) => {
  const state = JSON.parse(JSON.stringify(fold(events))) as object;
  const ajv = new Ajv2020({ strict: true, formats: { 'date-time': (text: string) => isoTimeMs(text) !== undefined } });
  const validate = ajv.compile(schema);
  expect(validate(state), JSON.stringify(validate.errors)).toBe(true);
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(state)));
});

it('every property that it may have was there above', () => {
  const state = fold([arrival, load, elsewhere, warm]) ?? {};
  const seen = Object.keys(JSON.parse(JSON.stringify(state)));
  expect(Object.keys(schema.properties).sort()).toEqual([...new Set([...seen, 'inspection'])].sort());
});

it('says of a package what the API says', () => {
  const names = new Set(Object.keys(openapi.components.schemas.Package.properties as object));
  expect(Object.keys(schema.properties).filter((name) => !names.delete(name))).toEqual(['sighting']);
  expect([...names]).toEqual([]);
});
