/** The two gateways of the demo as an operator would write them; checked by the same code as any other configuration. */

export interface DemoAddresses {
  /** Folder of the simulators' links. */
  runDir: string;
  stateDir: string;
  hubUrl: string;
  /** `host:port` of the RFID portal. */
  portal: string;
}

export function facilityConfig({ runDir, stateDir, hubUrl, portal }: DemoAddresses): string {
  const colon = portal.lastIndexOf(':');
  return `
gateway: { id: sort-hub-1, facility: DC-BER-1, latitude: 52.531, longitude: 13.381, stateDir: ${stateDir}/sort-hub-1 }
hub: { url: ${hubUrl} }
readPoints:
  - { id: induction-1, businessStep: accepting }
  - { id: dock-7-out, businessStep: staging_outbound, tagDepartedAfter: 20s, tagDepartures: false }
devices:
  - { id: induction-scanner, driver: serial-barcode, readPoint: induction-1, options: { path: ${runDir}/induction-scanner } }
  - id: dock-portal
    driver: llrp
    antennas: { "1": dock-7-out, "2": dock-7-out }
    options: { host: ${portal.slice(0, colon)}, port: ${portal.slice(colon + 1)}, antennas: [1, 2] }
  - id: cold-zone-thermometer
    driver: modbus-rtu
    changes: [{ quantity: temperatureCelsius, deadband: 0.05, maxInterval: 10s }]
    options: { path: ${runDir}/cold-zone-thermometer, intervalMs: 1000, units: [{ unitId: 1, map: xy-md02 }] }
thresholds:
  - { id: cold-zone, device: cold-zone-thermometer, quantity: temperatureCelsius, low: 2, high: 8, hysteresis: 0.5, dwell: 3s, severity: critical }
log: { level: info }
`;
}

export function vanConfig({ runDir, stateDir, hubUrl }: DemoAddresses): string {
  return `
gateway: { id: van-7, vehicle: van-7, stateDir: ${stateDir}/van-7 }
hub: { url: ${hubUrl} }
readPoints:
  - { id: van-7-load, businessStep: loading }
  - { id: van-7-delivery, businessStep: delivering }
devices:
  - { id: van-loader, driver: serial-barcode, readPoint: van-7-load, options: { path: ${runDir}/van-loader } }
  - { id: van-handheld, driver: serial-barcode, readPoint: van-7-delivery, options: { path: ${runDir}/van-handheld } }
  - { id: van-shock, driver: witmotion, options: { path: ${runDir}/van-shock, sampleRateHz: 200, shortestPulseMs: 50, thresholdG: 3 } }
  - id: van-thermometer
    driver: modbus-rtu
    options: { path: ${runDir}/van-thermometer, intervalMs: 1000, units: [{ unitId: 1, map: xy-md02 }] }
  - { id: van-gps, driver: nmea, options: { path: ${runDir}/van-gps, intervalMs: 1000 } }
thresholds:
  - { id: van-cold-chain, device: van-thermometer, quantity: temperatureCelsius, low: 2, high: 8, hysteresis: 0.5, dwell: 2s, severity: critical }
  - { id: van-shock-limit, device: van-shock, quantity: peakG, high: 5, hysteresis: 1, severity: warning }
log: { level: info }
`;
}
