import { expect, it } from 'vitest';
import { EventIds, eventIdOf, uuidV5 } from './identity.ts';
import { parseUpTopic, topics } from './topics.ts';

it('gives event ids that never change', () => {
  // Computed with another UUIDv5 implementation.
  const identity = { gatewayId: 'gw-1', epoch: '00112233445566ff', lane: 'tracking', sequence: 42 } as const;
  expect(eventIdOf(identity)).toBe('bf524bc4-8971-5990-8940-b1dc0f80d0f8');
  // RFC 9562, A.4: www.example.com in the DNS namespace.
  const dns = Buffer.from('6ba7b8109dad11d180b400c04fd430c8', 'hex');
  expect(uuidV5(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

it('writes the ids of one gateway one after the other as it gives them one by one', () => {
  for (const gatewayId of ['gw-1', 'tür', 'g'.repeat(63)]) {
    const origin = { gatewayId, epoch: '00112233445566ff', lane: 'tracking' } as const;
    const ids = new EventIds(origin);
    const target = Buffer.alloc(40, '.');
    for (const sequence of [1, 42, 9, 10, 2 ** 48 - 1, 7]) {
      ids.write(sequence, target, 2);
      expect(target.toString('latin1')).toBe(`..${eventIdOf({ ...origin, sequence })}..`);
    }
  }
});

it('takes apart the topics that it spells and no others', () => {
  expect(parseUpTopic(topics.up('gw-1', 'alert'))).toEqual({ gatewayId: 'gw-1', kind: 'lane', lane: 'alert' });
  expect(parseUpTopic(topics.upStatus('gw-1'))).toEqual({ gatewayId: 'gw-1', kind: 'status' });
  expect(parseUpTopic(topics.upConfig('gw-1'))).toEqual({ gatewayId: 'gw-1', kind: 'config' });
  for (const foreign of [
    topics.downAck('gw-1'),
    'milepost/v2/gw-1/up/alert',
    'milepost/v1/a+b/up/alert',
    'milepost/v1//up/alert',
    'milepost/v1/gw-1/up/alert/x',
    '',
  ]) {
    expect(parseUpTopic(foreign), foreign).toBeUndefined();
  }
});
