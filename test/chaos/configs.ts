/** The configurations of the gateways and hubs of a chaos run: as in the field, with time-outs short enough to be met within minutes. */

export function edgeConfig(options: { id: string; stateDir: string; hubUrl: string; cables: string }): string {
  const { id, stateDir, hubUrl, cables } = options;
  const scanner = (name: string) =>
    `  - { id: ${name}, driver: serial-barcode, readPoint: door, options: { path: ${cables}/${name}, baudRate: 921600 } }`;
  return `gateway: { id: ${id}, facility: DC-1, stateDir: ${stateDir} }
hub: { url: '${hubUrl}', keepalive: 5s }
outbox: { maxSize: 12MiB, segmentSize: 256KiB }
uplink: { acknowledgeTimeout: 1s }
readPoints: [{ id: door, businessStep: receiving }]
devices:
${scanner('scanner-1')}
${scanner('scanner-2')}
  - id: thermometer
    driver: modbus-rtu
    options: { path: ${cables}/thermometer, intervalMs: 200, timeoutMs: 300, units: [{ unitId: 1, map: xy-md02 }] }
thresholds:
  - { id: too-warm, device: thermometer, quantity: temperatureCelsius, high: 6, hysteresis: 0.5, severity: critical }
  - { id: too-cold, device: thermometer, quantity: temperatureCelsius, low: 4, hysteresis: 0.5 }
`;
}

export function hubConfig(options: {
  name: string;
  mqtt: { url: string } | { listen: string };
  kafka: string;
  postgres: string;
  influx: { url: string; bucket: string };
  httpPort: number;
}): string {
  const { name, mqtt, kafka, postgres, influx, httpPort } = options;
  const broker = 'url' in mqtt ? `url: '${mqtt.url}', clientId: ${name}` : `listen: '${mqtt.listen}'`;
  return `mqtt: { ${broker} }
kafka: { brokers: '${kafka}', instance: ${name} }
postgres: { url: '${postgres}' }
influx: { url: '${influx.url}', bucket: ${influx.bucket}, query: influxql }
http: { listen: '127.0.0.1:${httpPort}' }
`;
}
