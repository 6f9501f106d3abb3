import { describe, expect, it } from 'vitest';
import { encodePoint, planReads, type RegisterPoint, readPoint, readPoints, XY_MD02, XY_MD02_CLONE } from './index.ts';

const input = { functionCode: 4, address: 0, unit: 'any', name: 'x' } as const;

function read(point: RegisterPoint, ...values: number[]) {
  const request = { kind: 'read', functionCode: point.functionCode, address: 0, quantity: values.length } as const;
  return readPoint(point, [{ request, values }]);
}

describe('raw registers to physical values', () => {
  // IEEE 754: 123.456 is 42F6E979, as in the SDM120 and most meter manuals.
  it.each<[string, Partial<RegisterPoint>, number[], number]>([
    ['int16', { type: 'int16', scale: 0.1 }, [0xff9b], -10.1],
    ['uint16', { type: 'uint16', scale: 0.1 }, [567], 56.7],
    ['offset', { type: 'uint16', scale: 0.01, offset: -40 }, [6550], 25.5],
    ['int32', { type: 'int32' }, [0xffff, 0xfffe], -2],
    ['uint32', { type: 'uint32' }, [0xffff, 0xfffe], 4294967294],
    ['int32 cdab', { type: 'int32', wordOrder: 'cdab' }, [0x0001, 0x0000], 1],
    ['float32', { type: 'float32' }, [0x42f6, 0xe979], 123.456],
    ['float32 cdab', { type: 'float32', wordOrder: 'cdab' }, [0xe979, 0x42f6], 123.456],
    ['float32 badc', { type: 'float32', wordOrder: 'badc' }, [0xf642, 0x79e9], 123.456],
    ['float32 dcba', { type: 'float32', wordOrder: 'dcba' }, [0x79e9, 0xf642], 123.456],
  ])('%s', (_name, given, registers, value) => {
    const point = { ...input, type: 'int16', ...given } as RegisterPoint;
    expect(read(point, ...registers)).toMatchObject({ ok: true, value });
    expect(encodePoint(point, value)).toEqual(registers);
  });

  it('reads bits as 0 and 1', () => {
    const door: RegisterPoint = { name: 'door', functionCode: 2, address: 5, type: 'bit', unit: 'open' };
    const request = { kind: 'read', functionCode: 2, address: 4, quantity: 2 } as const;
    expect(readPoint(door, [{ request, values: [false, true] }])).toMatchObject({ ok: true, value: 1 });
    expect(encodePoint(door, 1)).toEqual([1]);
  });

  it('refuses what is no value', () => {
    const point: RegisterPoint = { ...input, type: 'int16', scale: 0.1, invalid: [-32768], maximum: 125 };
    expect(read(point, 0x8000)).toEqual({ name: 'x', unit: 'any', ok: false, fault: 'invalid', raw: -32768 });
    expect(read(point, 1251)).toEqual({ name: 'x', unit: 'any', ok: false, fault: 'out-of-range', raw: 1251 });
    expect(read(point, 1250)).toMatchObject({ ok: true, value: 125 });
    expect(read({ ...point, address: 1 }, 1)).toMatchObject({ ok: false, fault: 'missing' });
    expect(read({ ...input, type: 'float32' }, 0x7fc0, 0)).toMatchObject({ ok: false, fault: 'not-finite' });
    expect(read({ ...input, type: 'float32' }, 0x7fc0)).toMatchObject({ ok: false, fault: 'missing' });
    expect(readPoint({ ...input, type: 'int16' }, [])).toMatchObject({ ok: false, fault: 'missing' });
  });
});

describe('planReads', () => {
  it('reads an XY-MD02 with one request, and its clone with another', () => {
    expect(planReads(XY_MD02)).toEqual([{ kind: 'read', functionCode: 4, address: 1, quantity: 2 }]);
    expect(planReads(XY_MD02_CLONE)).toEqual([{ kind: 'read', functionCode: 3, address: 0, quantity: 2 }]);
  });

  it('starts a new read at a hole, at another function and at 125 registers', () => {
    const point = (name: string, functionCode: 3 | 4, address: number, type: 'int16' | 'int32'): RegisterPoint => ({
      name,
      functionCode,
      address,
      type,
      unit: 'any',
    });
    const points = [
      point('d', 4, 0, 'int16'),
      point('c', 3, 10, 'int16'),
      point('b', 3, 2, 'int32'),
      point('a', 3, 0, 'int32'),
    ];
    const plan = (maxGap?: number) =>
      planReads({ name: 'm', points, ...(maxGap === undefined ? {} : { maxGap }) }).map((one) => [
        one.functionCode,
        one.address,
        one.quantity,
      ]);
    expect(plan()).toEqual([
      [3, 0, 4],
      [3, 10, 1],
      [4, 0, 1],
    ]);
    expect(plan(6)).toEqual([
      [3, 0, 11],
      [4, 0, 1],
    ]);
    const many = Array.from({ length: 130 }, (_, i) => point(`p${i}`, 3, i, 'int16'));
    expect(planReads({ name: 'm', points: many }).map((one) => one.quantity)).toEqual([125, 5]);
  });

  it('gives points in the order of the map whatever the order of the reads', () => {
    const [first] = planReads(XY_MD02);
    if (first === undefined) throw new Error('no read planned');
    expect(readPoints(XY_MD02, [{ request: first, values: [0xff9b, 567] }])).toEqual([
      { name: 'temperature', unit: 'celsius', ok: true, value: -10.1, raw: -101 },
      { name: 'humidity', unit: 'percent', ok: true, value: 56.7, raw: 567 },
    ]);
  });
});
