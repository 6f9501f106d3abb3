import { expect, it } from 'vitest';
import { Listeners } from './listeners.ts';

const ACK = 'milepost/v1/gw/down/ack';
const first = () => {};
const second = () => {};

it('knows who subscribed to a topic by its name, until they leave', () => {
  const listeners = new Listeners();
  expect(listeners.of(ACK)).toEqual(new Set());
  listeners.add(ACK, first);
  listeners.add(ACK, second);
  expect(listeners.of(ACK)).toEqual(new Set([first, second]));
  expect(listeners.of('milepost/v1/gw/down/config')).toEqual(new Set());
  listeners.remove(ACK, first);
  expect(listeners.of(ACK)).toEqual(new Set([second]));
  listeners.remove(ACK, second);
  expect(listeners.of(ACK)).toEqual(new Set());
});

// Filters and topics as MQTT 3.1.1 has them in 4.7.1.2 and 4.7.1.3.
it.each([
  ['#', ACK, true],
  ['milepost/v1/gw/down/ack/#', ACK, true],
  ['milepost/v1/+/down/#', ACK, true],
  ['milepost/v1/+/down/+', ACK, true],
  ['+/+/+/+/+', ACK, true],
  ['milepost/v1/+/down', ACK, false],
  ['milepost/v1/+/up/#', ACK, false],
  ['+/+/+/+', ACK, false],
  ['+/+/+/+/+/+', ACK, false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['sport/#', 'sport', true],
  ['+/+', '/finance', true],
])('does not know who hears what %s may match: %s, %s', (filter, topic, isMatch) => {
  const listeners = new Listeners();
  listeners.add(filter, first);
  listeners.add(filter, second);
  listeners.remove(filter, first);
  expect(listeners.of(topic)).toEqual(isMatch ? undefined : new Set());
  listeners.remove(filter, second);
  expect(listeners.of(topic)).toEqual(new Set());
});

it('never knows what a session that outlives its connection waits for', () => {
  const listeners = new Listeners();
  for (const filter of [ACK, 'a/+']) {
    listeners.keep(filter);
    listeners.add(filter, first);
    listeners.remove(filter, first);
  }
  expect([ACK, 'a/b', 'b/a'].map((topic) => listeners.of(topic))).toEqual([undefined, undefined, new Set()]);
});

it('does not look through many filters', () => {
  const listeners = new Listeners();
  for (let n = 0; n < 16; n++) listeners.add(`${n}/+`, first);
  expect(listeners.of(ACK)).toEqual(new Set());
  listeners.add('16/+', first);
  expect(listeners.of(ACK)).toBe(undefined);
});
