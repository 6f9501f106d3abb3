/** What a simulated gateway has at its ports, as its status and its reports tell. The workload's readings come from some of it. */
import type { Inventory } from '../../protocols/fleet/misfits.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';

const DEVICES: readonly { id: string; driver: string; quantities: string[] }[] = [
  { id: 'scanner', driver: 'serial-barcode', quantities: [] },
  { id: 'thermometer', driver: 'modbus-rtu', quantities: ['temperatureCelsius', 'relativeHumidityPercent'] },
  {
    id: 'shock',
    driver: 'witmotion',
    quantities: ['peakG', 'durationMs', 'velocityChangeMetersPerSecond', 'rmsG'],
  },
  { id: 'door', driver: 'modbus-tcp', quantities: ['open'] },
];

export const SIM_INVENTORY: Inventory = {
  devices: DEVICES.map(({ id, quantities }) => ({ id, quantities })),
  readPoints: ['door-1'],
};

/** Online, except those named. */
export function simDeviceStates(lost: readonly string[] = []): NonNullable<GatewayStatus['devices']> {
  return DEVICES.map(({ id, driver }) =>
    lost.includes(id)
      ? { id, driver, state: 'offline', code: 'port-missing', message: 'the port does not exist' }
      : { id, driver, state: 'online', code: '', message: '' },
  );
}
