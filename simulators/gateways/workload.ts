/**
 * What simulated gateways observe: packages with SSCC labels that are scanned at four gateways each, temperatures, and alerts that
 * are raised and cleared in pairs.
 *
 * So many packages as `packages` are under way at a time, scanned in turn; a package that was delivered makes room for a new one. Which gateway makes a scan
 * is chance, decided by the seed.
 */
import { formatPackageId } from '../../protocols/barcode/package-id.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Payload, ScanType } from '../../protocols/uplink/model.ts';
import { makeParcel } from '../parcels.ts';
import type { Random } from '../random.ts';

const COMPANY_PREFIX = '4012345';
const EXTENSION_DIGIT = 7;
const STEPS: readonly { scanType: ScanType; businessStep: string }[] = [
  { scanType: 'INDUCTION', businessStep: 'accepting' },
  { scanType: 'ARRIVAL', businessStep: 'receiving' },
  { scanType: 'LOAD', businessStep: 'loading' },
  { scanType: 'DELIVERY', businessStep: 'delivering' },
];
const LIMIT_CELSIUS = 8;

export class Workload {
  readonly #packages: number;
  readonly #firstSerial: number;
  #scans = 0;
  /** Alerts raised so far, by gateway; the last of them is open when the number is odd. */
  readonly #alerts = new Map<string, number>();

  constructor(options: { packages: number; random: Random }) {
    this.#packages = options.packages;
    this.#firstSerial = options.random.integer(0, 899_999_999);
  }

  next(lane: Lane, gatewayId: string, random: Random): Payload {
    if (lane === 'tracking') return this.#scan(gatewayId);
    if (lane === 'alert') return this.#alert(gatewayId);
    const temperatureCelsius = Math.round((5 + random.gaussian()) * 100) / 100;
    return { kind: 'temperature', deviceId: 'thermometer', place: { facilityId: gatewayId }, temperatureCelsius };
  }

  #scan(gatewayId: string): Payload {
    const scan = this.#scans++;
    const round = Math.floor(scan / this.#packages);
    const delivered = Math.floor(round / STEPS.length) * this.#packages;
    const serial = this.#firstSerial + delivered + (scan % this.#packages);
    const step = round % STEPS.length;
    const { sscc, text, aim } = makeParcel({ companyPrefix: COMPANY_PREFIX, extensionDigit: EXTENSION_DIGIT, serial });
    const { scanType, businessStep } = STEPS[step] ?? { scanType: 'INVENTORY', businessStep: 'inspecting' };
    return {
      kind: 'tracking',
      deviceId: 'scanner',
      packageId: formatPackageId('sscc', sscc),
      otherIds: [],
      eventType: 'PACKAGE_SCANNED',
      scanType,
      businessStep,
      place: { readPoint: 'door-1', facilityId: gatewayId },
      scanned: text,
      aim,
    };
  }

  #alert(gatewayId: string): Payload {
    const count = this.#alerts.get(gatewayId) ?? 0;
    this.#alerts.set(gatewayId, count + 1);
    const phase = count % 2 === 0 ? 'raised' : 'cleared';
    const value = phase === 'raised' ? LIMIT_CELSIUS + 1 : LIMIT_CELSIUS - 1;
    return {
      kind: 'alert',
      alertId: `${gatewayId}/cold-zone/${this.#firstSerial + Math.floor(count / 2)}`,
      phase,
      ruleId: 'cold-zone',
      severity: 'warning',
      deviceId: 'thermometer',
      place: { facilityId: gatewayId },
      quantity: 'temperatureCelsius',
      value,
      limit: LIMIT_CELSIUS,
      message: phase === 'raised' ? 'above the limit' : 'within the limit again',
    };
  }
}
