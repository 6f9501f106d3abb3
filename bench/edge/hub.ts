/** The other end of a gateway's uplink, in a process of its own: a broker whose hub acknowledges each batch at once. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openEmbeddedBroker } from '../../hub/broker/embedded.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { encodeAcknowledgement, readBatchHeader } from '../../protocols/uplink/batch.ts';
import { parseUpTopic, topics } from '../../protocols/uplink/topics.ts';

export async function startHub(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = fork(new URL(import.meta.url).pathname, ['--serve']);
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

if (process.argv[2] === '--serve' && process.send) {
  const broker = await openEmbeddedBroker({ host: '127.0.0.1', port: 0, users: new Map(), log: silentLog });
  await broker.start(async (topic, payload) => {
    const up = parseUpTopic(topic);
    if (up?.kind !== 'lane') return;
    const { epoch, lane, firstSequence: first, count } = readBatchHeader(payload);
    await broker.publish(
      topics.downAck(up.gatewayId),
      encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]),
    );
  });
  process.send(broker.url);
  process.on('disconnect', () => process.exit());
}
