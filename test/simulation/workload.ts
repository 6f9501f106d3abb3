/** What devices report in the simulation: payloads that carry a serial number, so that whatever comes out can be traced to what went in. */
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { REFUSED_ABOVE_CELSIUS } from './sim-series.ts';

/** Where the hub must put it. */
export type Destination = 'package-events' | 'alerts' | 'time-series' | 'dead-letters';

export interface Offered {
  serial: number;
  lane: Lane;
  deviceId: string;
  destination: Destination;
  payload: Buffer;
}

const PACKAGES = 12;
const NONSENSE = Buffer.from('0a05', 'hex');

export function offer(serial: number, lane: Lane, random: () => number): Offered {
  const deviceId = `d${Math.floor(random() * 2)}`;
  const filler = 'x'.repeat(Math.floor(random() ** 2 * 150));
  if (random() < 0.02) {
    const payload = Buffer.concat([NONSENSE, Buffer.from([serial & 0x7f])]);
    return { serial, lane, deviceId, destination: 'dead-letters', payload };
  }
  if (lane === 'tracking') {
    const packageId = `P${Math.floor(random() * PACKAGES)}`;
    return {
      serial,
      lane,
      deviceId,
      destination: 'package-events',
      payload: scan({ serial, deviceId, packageId, filler }),
    };
  }
  if (lane === 'alert')
    return { serial, lane, deviceId, destination: 'alerts', payload: alarm(serial, deviceId, filler) };
  const isRefused = random() < 0.02;
  const payload = encodePayload({
    kind: 'temperature',
    deviceId,
    place: { facilityId: 'DC' },
    temperatureCelsius: isRefused ? REFUSED_ABOVE_CELSIUS + serial : serial,
  });
  return { serial, lane, deviceId, destination: isRefused ? 'dead-letters' : 'time-series', payload };
}

function scan(of: { serial: number; deviceId: string; packageId: string; filler: string }): Buffer {
  const payload: Payload = {
    kind: 'tracking',
    deviceId: of.deviceId,
    packageId: of.packageId,
    otherIds: [],
    eventType: 'PACKAGE_SCANNED',
    scanType: 'LOAD',
    businessStep: 'loading',
    place: { readPoint: 'dock', facilityId: 'DC' },
    scanned: `${of.serial} ${of.filler}`,
  };
  return encodePayload(payload);
}

function alarm(serial: number, deviceId: string, filler: string): Buffer {
  const payload: Payload = {
    kind: 'alert',
    alertId: `alarm-${serial}`,
    phase: 'raised',
    ruleId: 'too-warm',
    severity: 'warning',
    deviceId,
    place: {},
    quantity: 'temperatureCelsius',
    value: serial,
    limit: 8,
    message: `too warm ${filler}`,
  };
  return encodePayload(payload);
}
