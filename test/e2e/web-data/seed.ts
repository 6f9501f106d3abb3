/**
 * A hub's store filled with plausible data, for looking at the web pages and for their test: a sorting facility, a depot, two
 * vans on their tours, packages in every stage, a cold chain excursion, a hard impact, and a label with markup on it.
 */

import type { Store } from '../../../hub/store/store.ts';
import type { Point, TimeSeries } from '../../../hub/timeseries/time-series.ts';
import { alertProjection } from '../../../hub/tracking/alert-projection.ts';
import { packageProjection } from '../../../hub/tracking/package-projection.ts';
import { sampleAlert, sampleEvent } from '../../../hub/tracking/sample-event.ts';
import type { TrackingEvent } from '../../../protocols/uplink/tracking-event.ts';

const FACILITY = { facilityId: 'HUB-BERLIN', latitude: 52.5318, longitude: 13.2021 };
export const DEPOT = { facilityId: 'DEPOT-POTSDAM', latitude: 52.3906, longitude: 13.0645 };
/** What a bar code may hold. */
export const HOSTILE_ID = 'code128:<img src=x onerror="window.pwned=1">/../&amp;';
/** A package with a whole journey behind it. */
export const DELIVERED_ID = 'sscc:003401234500000001';
/** One that is on a van now. */
export const MOVING_ID = 'sscc:003401234500000002';

type Scan = TrackingEvent['scanType'];

const MINUTE = 60_000;
/** What a tour passes after the depot: the van's positions lie between these. */
const TOUR: [number, number][] = [
  [52.3906, 13.0645],
  [52.3962, 13.0581],
  [52.4013, 13.0478],
  [52.4041, 13.0311],
  [52.3989, 13.0192],
  [52.3927, 13.0248],
  [52.3869, 13.0357],
  [52.3812, 13.0442],
];
const LINE_HAUL: [number, number][] = [
  [52.5318, 13.2021],
  [52.5102, 13.1782],
  [52.4705, 13.1711],
  [52.4301, 13.1402],
  [52.4102, 13.1003],
  [52.3906, 13.0645],
];

const STEPS: {
  scan: Scan;
  minute: number;
  at: 'facility' | 'depot' | 'truck' | 'van';
  readPoint?: string;
  device: string;
  step: string;
}[] = [
  { scan: 'INDUCTION', minute: 0, at: 'facility', readPoint: 'induct-2', device: 'scanner-induct', step: 'accepting' },
  { scan: 'SORT', minute: 14, at: 'facility', readPoint: 'sorter-1', device: 'tunnel-1', step: 'sorting' },
  { scan: 'LOAD', minute: 34, at: 'facility', readPoint: 'dock-4-out', device: 'rfid-dock-4', step: 'loading' },
  { scan: 'DEPARTURE', minute: 40, at: 'truck', device: 'rfid-truck', step: 'departing' },
  { scan: 'ARRIVAL', minute: 88, at: 'depot', readPoint: 'dock-1-in', device: 'rfid-dock-1', step: 'receiving' },
  { scan: 'LOAD', minute: 112, at: 'van', device: 'rfid-van', step: 'loading' },
  { scan: 'OUT_FOR_DELIVERY', minute: 118, at: 'van', device: 'rfid-van', step: 'transporting' },
  { scan: 'DELIVERY', minute: 171, at: 'van', device: 'handheld-7', step: 'delivering' },
];

export class SampleNetwork {
  readonly #store: Store;
  readonly #timeSeries: TimeSeries;
  #sequence = 0;

  constructor(store: Store, timeSeries: TimeSeries) {
    this.#store = store;
    this.#timeSeries = timeSeries;
  }

  /** Everything as it stands at `nowMs`. */
  async seed(nowMs: number): Promise<void> {
    const startMs = nowMs - 180 * MINUTE;
    const events = [
      ...this.journey(DELIVERED_ID, startMs, STEPS.length),
      ...this.journey(MOVING_ID, nowMs - 140 * MINUTE, 7),
      ...this.journey(HOSTILE_ID, nowMs - 20 * MINUTE, 2),
    ];
    for (let n = 3; n <= 40; n++) {
      const steps = 1 + ((n * 5) % STEPS.length);
      const last = STEPS[steps - 1]?.minute ?? 0;
      events.push(
        ...this.journey(
          `sscc:00340123450000${String(n).padStart(4, '0')}`,
          nowMs - (last + ((n * 7) % 23)) * MINUTE - n * 1313,
          steps,
        ),
      );
    }
    events.push(
      this.event(
        'ups:1Z999AA10123456784',
        nowMs - 3 * MINUTE,
        { scan: 'SORT', minute: 0, at: 'facility', readPoint: 'sorter-1', device: 'tunnel-1', step: 'sorting' },
        {
          eventType: 'EXCEPTION_OCCURRED',
        },
      ),
    );
    await this.project(events);
    await this.#store.transaction((sql) => alertProjection.apply(sql, alerts(nowMs)));
    await this.#timeSeries.write(telemetry(startMs - 10 * MINUTE, nowMs));
  }

  journey(packageId: string, startMs: number, steps: number): TrackingEvent[] {
    return STEPS.slice(0, steps).map((step) => this.event(packageId, startMs + step.minute * MINUTE, step));
  }

  event(
    packageId: string,
    atMs: number,
    step: (typeof STEPS)[number],
    rest: Partial<TrackingEvent> = {},
  ): TrackingEvent {
    const { place, gatewayId, vehicleId } = whereabouts(step, atMs);
    const event = sampleEvent({
      packageId,
      sequence: ++this.#sequence,
      gatewayId,
      occurredAt: new Date(atMs).toISOString(),
      scanType: step.scan,
      businessStep: step.step,
      location: { ...place, ...(step.readPoint !== undefined && { readPoint: step.readPoint }) },
      ...(vehicleId !== undefined && { vehicleId }),
      ...(packageId === DELIVERED_ID && { otherIds: ['sgtin:4012345678901.7', 'ups:1Z999AA10199999991'] }),
      ...(step.device.startsWith('rfid') && { data: { scanned: '3034257bf7194e4000001a85', rssiDbm: -52, reads: 7 } }),
      ...(step.scan === 'DELIVERY' && { employeeId: 'E-1042' }),
      ...rest,
    });
    return { ...event, source: { ...event.source, deviceId: step.device } };
  }

  async project(events: readonly TrackingEvent[]) {
    return this.#store.transaction((sql) => packageProjection.apply(sql, events));
  }

  /** The next scan of the package's journey after `steps` of them. */
  nextEvent(packageId: string, steps: number, atMs: number): TrackingEvent | undefined {
    const step = STEPS[steps];
    return step && this.event(packageId, atMs, step);
  }
}

/** What the sensors measured in this time: every 20 seconds. */
export function telemetry(fromMs: number, toMs: number): Point[] {
  const points: Point[] = [];
  for (let atMs = Math.ceil(fromMs / 20_000) * 20_000; atMs <= toMs; atMs += 20_000) {
    const minutes = (toMs - atMs) / MINUTE;
    const wave = Math.sin(atMs / 400_000);
    const excursion = Math.max(0, 1 - Math.abs(minutes - 45) / 12);
    climate({ facility: 'HUB-BERLIN', read_point: 'sorter-1' }, 'climate-sorter', 18.5 + wave, 46 + 3 * wave);
    climate({ facility: 'HUB-BERLIN', read_point: 'dock-4-out' }, 'climate-dock-4', 14 + 2 * wave, 58 - 4 * wave);
    climate({ facility: 'DEPOT-POTSDAM' }, 'climate-depot', 12.5 + 1.5 * wave, 61 + 2 * wave);
    climate({ vehicle: 'TRUCK-3' }, 'climate-truck', 6 + 0.5 * wave, 55 + wave);
    climate({ vehicle: 'VAN-7' }, 'climate-van', 4.6 + 0.7 * wave + 5.2 * excursion, 52 + 5 * wave - 8 * excursion);
    for (const [vehicle, route, offset] of [
      ['TRUCK-3', LINE_HAUL, 0],
      ['VAN-7', TOUR, 7],
    ] as const) {
      const [latitude, longitude] = along(route, atMs + offset * MINUTE);
      add(
        'position',
        { vehicle },
        `gps-${vehicle.toLowerCase()}`,
        { latitude, longitude, speedMetersPerSecond: 9 + wave },
        atMs,
      );
    }
    if ((atMs / 20_000) % 13 === 0)
      add('shock', { vehicle: 'VAN-7' }, 'shock-van', { peakG: 1.4 + ((atMs / 20_000) % 7) / 3, durationMs: 12 }, atMs);
    if ((atMs / 20_000) % 41 === 0)
      add(
        'shock',
        { facility: 'HUB-BERLIN', read_point: 'sorter-1' },
        'shock-sorter',
        { peakG: 6.2, durationMs: 9 },
        atMs,
      );

    function climate(where: Record<string, string>, device: string, celsius: number, percent: number) {
      add('temperature', where, device, { temperatureCelsius: round(celsius) }, atMs);
      add('humidity', where, device, { relativeHumidityPercent: round(percent) }, atMs);
    }
  }
  return points;

  function add(
    measurement: string,
    where: Record<string, string>,
    device: string,
    fields: Point['fields'],
    atMs: number,
  ) {
    const gateway = `gw-${(where.vehicle ?? where.facility ?? '').toLowerCase()}`;
    points.push({ measurement, tags: { gateway, device, ...where }, fields, atMs, subMsNs: 0 });
  }
}

function alerts(nowMs: number) {
  const at = (minutes: number) => new Date(nowMs - minutes * MINUTE).toISOString();
  const cold = {
    alertId: 'cold-1',
    deviceId: 'climate-van',
    gatewayId: 'gw-van-7',
    location: { vehicleId: 'VAN-7' },
    limit: 8,
  };
  return [
    sampleAlert({ ...cold, sequence: 1, occurredAt: at(48), value: 8.2, message: 'Temperature 8.2 °C is above 8 °C' }),
    sampleAlert({
      ...cold,
      sequence: 2,
      occurredAt: at(42),
      value: 7.9,
      phase: 'cleared',
      message: 'Temperature is back at 7.9 °C',
    }),
    sampleAlert({
      sequence: 3,
      alertId: 'shock-1',
      deviceId: 'shock-sorter',
      gatewayId: 'gw-hub-berlin',
      location: { facilityId: 'HUB-BERLIN', readPoint: 'sorter-1' },
      ruleId: 'impact',
      severity: 'warning',
      quantity: 'peakG',
      value: 6.2,
      limit: 5,
      message: 'Impact of 6.2 g is above 5 g',
      occurredAt: at(6),
    }),
    sampleAlert({
      sequence: 4,
      alertId: 'door-1',
      deviceId: 'door-van-12',
      gatewayId: 'gw-van-12',
      location: { vehicleId: 'VAN-12' },
      ruleId: 'door-open',
      quantity: 'openSeconds',
      value: 340,
      limit: 300,
      message: 'Rear door of VAN-12 has been open for 340 s',
      occurredAt: at(2),
    }),
  ];
}

function whereabouts({ at }: (typeof STEPS)[number], atMs: number) {
  switch (at) {
    case 'facility':
      return { place: FACILITY, gatewayId: 'gw-hub-berlin' };
    case 'depot':
      return { place: DEPOT, gatewayId: 'gw-depot-potsdam' };
    case 'truck':
    case 'van': {
      const [vehicleId, route, offset] =
        at === 'truck' ? (['TRUCK-3', LINE_HAUL, 0] as const) : (['VAN-7', TOUR, 7] as const);
      const [latitude, longitude] = along(route, atMs + offset * MINUTE);
      return { place: { vehicleId, latitude, longitude }, gatewayId: `gw-${vehicleId.toLowerCase()}`, vehicleId };
    }
  }
}

/** A vehicle goes along its route and back in 100 minutes, for ever. */
function along(route: readonly [number, number][], atMs: number): [number, number] {
  const phase = (atMs / (100 * MINUTE)) % 1;
  const way = (phase < 0.5 ? phase * 2 : 2 - phase * 2) * (route.length - 1);
  const index = Math.min(route.length - 2, Math.floor(way));
  const from = route[index] ?? [0, 0];
  const to = route[index + 1] ?? from;
  const share = way - index;
  const wiggle = Math.sin(way * 9) * 0.0012;
  return [from[0] + (to[0] - from[0]) * share + wiggle, from[1] + (to[1] - from[1]) * share - wiggle];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
