/**
 * From a pty to Kafka and Influx through real processes, read with kcat and HTTP: nothing here decodes with our own code. How fast it is
 * stands in bench/end-to-end.ts.
 */
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { kcatFollowing } from '../servers/kcat.ts';
import { describeWith } from '../servers/needs.ts';
import { processBench } from './process-bench.ts';
import { healthy, Process, topicExists } from './stack.ts';

describeWith(
  ['kafka', 'kcat', 'postgres', 'influx', 'mosquitto'],
  'from a pty to Kafka and Influx',
  ({ kafka, postgres, influx, mosquitto }) => {
    const { file, keep, run } = processBench('spine');
    const kcat = (topic: string) => {
      const args = kcatFollowing({ brokers: kafka.url, topic, format: '%k %s\\n' });
      return keep(new Process('kcat', 'kcat', args));
    };

    it('every scan is one message with the package as its key, temperatures are in Influx', async () => {
      const gateway = `spine-${process.pid}`;
      const scanner = run('sim', 'run', 'serial-barcode', '--path', file('scanner'), '--rate', '50', '--json');
      const thermometer = run('sim', 'run', 'modbus-thermometer', '--path', file('thermometer'), '--json');
      await Promise.all([scanner.line(/"started"/), thermometer.line(/"started"/)]);
      await writeFile(
        file('hub.yaml'),
        `mqtt: { url: ${mosquitto.url}, clientId: ${gateway}-hub }
kafka: { brokers: '${kafka.url}', instance: ${gateway} }
postgres: { url: '${postgres.url}' }
influx: { url: '${influx.url}', bucket: spine, query: influxql }
http: { listen: '127.0.0.1:0' }
`,
      );
      await writeFile(
        file('edge.yaml'),
        `gateway: { id: ${gateway}, facility: DC-1, stateDir: ${file('state')} }
hub: { url: ${mosquitto.url} }
readPoints: [{ id: door, businessStep: receiving }]
devices:
  - { id: scanner, driver: serial-barcode, readPoint: door, options: { path: ${file('scanner')} } }
  - { id: thermometer, driver: modbus-rtu, options: { path: ${file('thermometer')}, intervalMs: 200, units: [{ unitId: 1, map: xy-md02 }] } }
`,
      );
      const hub = run('hub', 'run', '--config', file('hub.yaml'));
      await healthy(await hub.line(/pages and API at/));
      const edge = run('edge', 'run', '--config', file('edge.yaml'));
      await topicExists(kafka.url, 'package-events');
      const messages = kcat('package-events');
      const ours = () =>
        messages.lines.filter(({ text }) => text.includes(`"gatewayId":"${gateway}"`)).map(({ text }) => text);
      await messages.until(() => ours().length >= 200, '200 of our messages', 60_000);

      // The simulator goes, and comes back under the running daemon.
      scanner.write('unplug serial-barcode');
      await scanner.line(/"line":"unplug/);
      const before = ours().length;
      scanner.write('replug serial-barcode');
      await messages.until(() => ours().length >= before + 100, 'messages after the replug', 30_000);

      // Killed without warning, the daemon sends what its disk holds, once.
      await edge.kill9();
      const again = run('edge', 'run', '--config', file('edge.yaml'));
      await messages.until(() => ours().length >= before + 250, 'messages after the kill', 30_000);
      scanner.write('unplug serial-barcode');
      const status = async () => {
        const asked = run('edge', 'status', '--state-dir', file('state'), '--json');
        await asked.exited;
        return JSON.parse(asked.lines[0]?.text ?? '{}');
      };
      let report = await status();
      while (report.outbox.lanes.tracking.pending > 0) report = await status();
      const { accepted } = report.outbox.lanes.tracking;
      await messages.until(() => ours().length >= accepted, `${accepted} messages`, 30_000);
      expect(ours()).toHaveLength(accepted);
      const ids = new Set<string>();
      for (const text of ours()) {
        const [key = ''] = text.split(' ', 1);
        const event = JSON.parse(text.slice(key.length + 1));
        expect(event.packageId).toBe(key);
        expect(key).toMatch(/^sscc:\d{18}$/);
        expect(event.data.scanned).toBe(`00${key.slice(5)}`);
        ids.add(event.eventId);
      }
      expect(ids.size).toBe(accepted);

      const query = new URLSearchParams({
        db: 'spine',
        q: `SELECT count("temperatureCelsius") FROM temperature WHERE gateway='${gateway}'`,
      });
      const answer = (await (await fetch(`${influx.url}/query?${query}`)).json()) as {
        results: { series?: { values: [string, number][] }[] }[];
      };
      expect(answer.results[0]?.series?.[0]?.values[0]?.[1]).toBeGreaterThan(10);
      expect(await again.stop()).toBe(0);
      expect(await hub.stop()).toBe(0);
    }, 180_000);
  },
);
