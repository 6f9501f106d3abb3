/**
 * The programs that are compared: each reads one bar code reader from a pty and sends to the same broker, through a network of its own.
 * Configured as their manuals do, QoS 1 throughout.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { milepost, Process } from '../../test/e2e/stack.ts';
import { type Installed, NODE_RED_VERSION, TELEGRAF_VERSION } from './install.ts';

export interface Place {
  /** For configuration and state. */
  folder: string;
  /** Of the pty. */
  path: string;
  /** The broker, `host:port`. */
  broker: string;
  topic: string;
}

export interface System {
  id: string;
  title: string;
  /** Called again after each kill, on what the killed one left behind. */
  start(place: Place): Promise<Process>;
}

export const milepostEdge: System = {
  id: 'milepost',
  title: 'Milepost',
  async start({ folder, path, broker }) {
    const file = join(folder, 'edge.yaml');
    await writeFile(
      file,
      `gateway: { id: milepost, facility: DC-1, stateDir: ${folder}/state }
hub: { url: 'mqtt://${broker}' }
readPoints: [{ id: door, businessStep: receiving }]
devices: [{ id: scanner, driver: serial-barcode, readPoint: door, options: { path: ${path} } }]
`,
    );
    return milepost('edge', 'run', '--config', file);
  },
};

export const mqttJs: System = {
  id: 'mqtt-js',
  title: 'mqtt.js 5, in-memory store',
  async start({ path, broker, topic }) {
    const script = join(import.meta.dirname, 'mqtt-js-bridge.mjs');
    return new Process('mqtt.js', process.execPath, [script, path, `mqtt://${broker}`, topic]);
  },
};

export function nodeRed({ folder: installed }: Extract<Installed, { folder: string }>): System {
  return {
    id: 'node-red',
    title: `Node-RED ${NODE_RED_VERSION}`,
    async start({ folder, path, broker, topic }) {
      const [host = '', port = ''] = broker.split(':');
      const flow = [
        { id: 'tab', type: 'tab', label: 'scans' },
        {
          ...{ id: 'port', type: 'serial-port', serialport: path, serialbaud: '115200', databits: '8', parity: 'none' },
          ...{
            stopbits: '1',
            dtr: 'none',
            rts: 'none',
            cts: 'none',
            dsr: 'none',
            newline: '\\r',
            bin: 'false',
            out: 'char',
          },
        },
        {
          id: 'broker',
          type: 'mqtt-broker',
          broker: host,
          port,
          clientid: 'node-red',
          protocolVersion: '4',
          keepalive: '60',
        },
        { id: 'in', type: 'serial in', z: 'tab', serial: 'port', x: 100, y: 100, wires: [['out']] },
        {
          id: 'out',
          type: 'mqtt out',
          z: 'tab',
          topic,
          qos: '1',
          retain: 'false',
          broker: 'broker',
          x: 300,
          y: 100,
          wires: [],
        },
      ];
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'flows.json'), JSON.stringify(flow));
      const settings = `module.exports = { uiPort: 0, uiHost: '127.0.0.1', httpAdminRoot: false, flowFile: 'flows.json',
  nodesDir: ${JSON.stringify(join(installed, 'node_modules', 'node-red-node-serialport'))}, serialReconnectTime: 1000 };`;
      await writeFile(join(folder, 'settings.js'), settings);
      const program = join(installed, 'node_modules', 'node-red', 'red.js');
      const args = ['--userDir', folder, '--settings', join(folder, 'settings.js')];
      return new Process('Node-RED', process.execPath, [program, ...args]);
    },
  };
}

export function telegraf(
  { folder: installed }: Extract<Installed, { folder: string }>,
  buffer: 'memory' | 'disk',
): System {
  return {
    id: `telegraf-${buffer}`,
    title: `Telegraf ${TELEGRAF_VERSION}, ${buffer} buffer`,
    async start({ folder, path, broker, topic }) {
      const file = join(folder, 'telegraf.conf');
      const disk = buffer === 'disk' ? `buffer_strategy = "disk"\n  buffer_directory = "${folder}/buffer"` : '';
      await writeFile(
        file,
        `[agent]
  interval = "1s"
  flush_interval = "1s"
  omit_hostname = true
  skip_processors_after_aggregators = true
  ${disk}
[[inputs.execd]]
  command = ["sh", "-c", "stty -F ${path} raw -echo icrnl && exec cat ${path}"]
  restart_delay = "1s"
  data_format = "value"
  data_type = "string"
[[outputs.mqtt]]
  startup_error_behavior = "retry"
  servers = ["mqtt://${broker}"]
  topic = "${topic}"
  qos = 1
  data_format = "influx"
`,
      );
      return new Process('Telegraf', join(installed, 'telegraf'), ['--config', file]);
    },
  };
}
