/**
 * What a reader without Milepost code finds in Kafka: records with their headers, in JSON and in Protobuf, states of packages; read with kcat,
 * protobufjs and the example under deploy/kafka.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import { kcat } from '../servers/kcat.ts';
import { describeWith } from '../servers/needs.ts';
import { eventually, startWholeHub } from './whole-hub.ts';

const ROOT = join(import.meta.dirname, '../..');
const TOKEN = 'a-token-of-a-partner';

interface Message {
  key: string;
  payload: string;
  headers: string[];
}

describeWith(['kafka', 'kcat'], 'the Kafka contract', ({ kafka }) => {
  const messages = async (topic: string): Promise<Message[]> =>
    String(await kcat({ brokers: kafka.url, topic, json: true }))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Message);
  const send = async (format: 'json' | 'protobuf', packageId: string) => {
    const hub = await startWholeHub(
      `dataDir: memory
mqtt: { listen: '127.0.0.1:0' }
http: { listen: '127.0.0.1:0' }
kafka: { brokers: '${kafka.url}', format: ${format}, partitions: 2 }
door: { tokens: { partner: ${TOKEN} } }
`,
    );
    try {
      const response = await fetch(`${hub.httpUrl}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          eventId: `${packageId}-1`,
          packageId,
          scanType: 'ARRIVAL',
          location: { readPoint: 'dock-4' },
        }),
      });
      expect(response.status).toBe(202);
      await eventually(
        async () => (await fetch(`${hub.httpUrl}/v1/packages/${encodeURIComponent(packageId)}`)).ok || undefined,
      );
      await eventually(async () => (await messages('package-states')).find(({ key }) => key === packageId));
    } finally {
      await hub.stop();
    }
  };
  const headersOf = ({ headers }: Message) =>
    Object.fromEntries(Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at], headers[2 * at + 1]]));

  it('JSON: identity, schema and version in headers, the package as key; the example prints it once', async () => {
    const packageId = `sscc:json-${process.pid}`;
    await send('json', packageId);
    const ours = (await messages('package-events')).filter(({ key }) => key === packageId);
    expect(ours).toHaveLength(1);
    const event = JSON.parse(ours[0]?.payload ?? '') as {
      source: { epoch: string; sequence: number };
    };
    expect(headersOf(ours[0] as Message)).toMatchObject({
      identity: `partner/${event.source.epoch}/tracking/${event.source.sequence}`,
      schema: 'tracking-event/1+json',
    });
    const [state] = (await messages('package-states')).filter(({ key }) => key === packageId);
    expect(JSON.parse(state?.payload ?? '')).toMatchObject({
      packageId,
      eventCount: 1,
      version: headersOf(state as Message).version,
    });
    const example = spawn(process.execPath, [join(ROOT, 'deploy/kafka/follow-packages.mjs'), kafka.url, '--exit'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = (await text(example.stdout)).split('\n').filter((line) => line.includes(packageId));
    expect(lines.map((line) => line.split('\t').slice(1))).toEqual([[packageId, 'ARRIVAL', 'dock-4']]);
  });

  it('Protobuf: others decode it with the published .proto', async () => {
    const packageId = `sscc:protobuf-${process.pid}`;
    await send('protobuf', packageId);
    // One record between marks: %S is its length, %s its bytes.
    const bytes = await kcat({ brokers: kafka.url, topic: 'package-events', format: '<<%k|%S|%s' });
    const mark = Buffer.from(`<<${packageId}|`);
    const at = bytes.indexOf(mark) + mark.length;
    const bar = bytes.indexOf('|', at);
    const value = bytes.subarray(bar + 1, bar + 1 + Number(bytes.toString('utf8', at, bar)));
    const type = protobuf
      .loadSync(join(ROOT, 'protocols/uplink/messages.proto'))
      .lookupType('milepost.messages.v1.TrackingEvent');
    expect(type.toObject(type.decode(value))).toMatchObject({
      packageId,
      scanType: 'ARRIVAL',
      location: { readPoint: 'dock-4' },
    });
  });
});
