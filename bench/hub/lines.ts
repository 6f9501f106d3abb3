/** Points to a v2 write endpoint that answers 204: our TimeSeries, the client's writePoints, and prebuilt lines in one POST. */
import { request } from 'node:http';
import { Point as ClientPoint, InfluxDB } from '@influxdata/influxdb-client';
import { toPoint } from '../../hub/process/to-messages.ts';
import { createInfluxTimeSeries } from '../../hub/timeseries/influx/influx.ts';
import { Lines } from '../../hub/timeseries/influx/line-protocol.ts';
import { silentLog } from '../../protocols/base/log.ts';
import type { Row } from '../row.ts';
import { EPOCH, temperatureOf, timeOf } from '../workload.ts';
import { startSink } from './influx-sink.ts';

const GROUP = 5_000;
const TURNS = 4;

export async function lines(points: number): Promise<Row> {
  const sink = await startSink();
  const options = { url: sink.url, org: 'o', bucket: 'b', query: 'influxql', log: silentLog } as const;
  const ours = await createInfluxTimeSeries({ ...options, gzip: false });
  const compressing = await createInfluxTimeSeries({ ...options, gzip: true });
  const api = new InfluxDB({ url: sink.url }).getWriteApi('o', 'b', 'ms', { maxRetries: 0, batchSize: GROUP });
  const groups = Math.ceil(points / GROUP);
  const at = (index: number) => {
    const identity = { gatewayId: 'chicago-dc-1', epoch: EPOCH, lane: 'telemetry', sequence: 1 + index } as const;
    return toPoint(temperatureOf(index), { identity, time: timeOf(index), corrected: false, receivedMs: 0 });
  };
  const group = Array.from({ length: GROUP }, (_, index) => at(index));
  const prebuilt = new Lines();
  for (const point of group) prebuilt.add(point);
  const text = prebuilt.between(0, GROUP).toString();
  const contestants: Record<string, () => Promise<void>> = {
    ours: async () => {
      await ours.write(group);
    },
    'ours, gzip': async () => {
      await compressing.write(group);
    },
    'writePoints of @influxdata/influxdb-client': async () => {
      api.writePoints(
        group.map(({ measurement, tags, fields, atMs }) => {
          const point = new ClientPoint(measurement).timestamp(atMs);
          for (const key in tags) point.tag(key, tags[key] ?? '');
          for (const key in fields) point.floatField(key, fields[key]);
          return point;
        }),
      );
      await api.flush();
    },
    'prebuilt lines posted': () => post(sink.url, text),
  };
  const best: Record<string, number> = {};
  try {
    for (let turn = 0; turn <= TURNS; turn++) {
      for (const [name, work] of Object.entries(contestants)) {
        const { user, system } = process.cpuUsage();
        for (let n = 0; n < groups; n++) await work();
        const used = process.cpuUsage({ user, system });
        const us = (used.user + used.system) / (groups * GROUP);
        if (turn > 0) best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, us);
      }
    }
  } finally {
    await api.close();
    await Promise.all([ours.close(), compressing.close()]);
    await sink.stop();
  }
  const { ours: mine = Number.NaN, ...beside } = best;
  return {
    path: 'line protocol: points to a v2 endpoint',
    unit: 'µs of CPU/point',
    ours: mine,
    beside,
    goals: [{ text: 'µs per point', value: mine, bound: 0.8, most: true }],
    note: `CPU of this process (all of its threads) in groups of ${GROUP}, not compressed but where it says so (the client compresses by itself); the endpoint is another process`,
  };
}

function post(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/api/v2/write?org=o&bucket=b&precision=ns`, { method: 'POST' }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve());
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
