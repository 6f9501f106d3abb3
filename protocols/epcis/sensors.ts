/**
 * Sensor reports of an EPCIS 2.0 event (ISO/IEC 19987:2024, 7.3.6; units: UN/ECE Recommendation 20): temperature and relative humidity. Others
 * are left out.
 */
import type { DoorEvent } from '../door/door-event.ts';
import type { Place } from '../uplink/model.ts';
import { isObject, type JsonObject, textOf } from './model.ts';
import { derivedId, timeOf } from './names.ts';

const CELSIUS: Readonly<Record<string, (value: number) => number>> = {
  CEL: (value) => value,
  KEL: (value) => value - 273.15,
  FAH: (value) => ((value - 32) * 5) / 9,
};

export function sensorEvents(event: JsonObject, of: { eventId: string; at: string; place: Place }): DoorEvent[] {
  const elements = Array.isArray(event.sensorElementList) ? event.sensorElementList.filter(isObject) : [];
  return elements.flatMap((element, nth) => {
    const metadata = isObject(element.sensorMetadata) ? element.sensorMetadata : {};
    const reports = Array.isArray(element.sensorReport) ? element.sensorReport.filter(isObject) : [];
    return reports.flatMap((report, index) => {
      const measured = measure(report);
      if (!measured) return [];
      const deviceId = textOf(report.deviceID) ?? textOf(metadata.deviceID);
      const common = {
        eventId: derivedId(of.eventId, `sensor ${nth}/${index}`),
        occurredAt: timeOf(report.time) ?? timeOf(metadata.time) ?? of.at,
        location: of.place,
        ...(deviceId !== undefined && { deviceId: deviceId.slice(0, 128) }),
      };
      return [{ ...common, ...measured }];
    });
  });
}

type Measured =
  | { kind: 'temperature'; temperatureCelsius: number }
  | { kind: 'humidity'; relativeHumidityPercent: number };

function measure({ type, value, uom }: JsonObject): Measured | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  const [, name] = /([A-Za-z]+)$/.exec(String(type)) ?? [];
  const toCelsius = CELSIUS[String(uom)];
  if (name === 'Temperature' && toCelsius) return { kind: 'temperature', temperatureCelsius: toCelsius(value) };
  // P1: per cent.
  if (name === 'RelativeHumidity' && uom === 'P1') return { kind: 'humidity', relativeHumidityPercent: value };
  return undefined;
}
