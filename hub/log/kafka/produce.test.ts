import type { Producer } from 'node-rdkafka';
import { expect, it } from 'vitest';
import { produce } from './produce.ts';

it('asks for the partitions of a topic once, and with each producer, whether or not it is answered', () => {
  const asked: string[] = [];
  const producer = (name: string) => {
    const made = {
      produce: () => true,
      getMetadata({ topic }: { topic?: string }, answer: (error: Error) => void) {
        asked.push(`${name}: ${topic}`);
        answer(new Error('timed out'));
        return made;
      },
    } as unknown as Producer;
    return made;
  };
  const [a, b] = [producer('a'), producer('b')];
  const record = (topic: string) => ({ topic, key: 'k', value: Buffer.from('v') });
  for (const topic of ['uplink', 'alerts', 'uplink']) produce(a, record(topic));
  produce(b, record('uplink'));
  expect(asked).toEqual(['a: uplink', 'a: alerts', 'b: uplink']);
});
