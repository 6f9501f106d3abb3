import { expect, it } from 'vitest';
import { InOrder } from './in-order.ts';

it('lets each go when it may and all before it have gone', () => {
  const order = new InOrder();
  const gone: string[] = [];
  expect(order.isWaiting).toBe(false);
  const [a, b, c] = [order.announce(), order.announce(), order.announce()];
  c(() => gone.push('c'));
  b(() => gone.push('b'));
  expect([gone, order.isWaiting]).toEqual([[], true]);
  a(() => gone.push('a'));
  expect([gone, order.isWaiting]).toEqual([['a', 'b', 'c'], false]);
  order.announce()(() => gone.push('d'));
  expect(gone).toEqual(['a', 'b', 'c', 'd']);
});
