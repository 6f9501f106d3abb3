import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { crc16Modbus } from '../base/crc.ts';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import { decodeWitmotion, encodeWitmotion, WitmotionFramer, type WitmotionMessage } from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    ax?: number;
    ay?: number;
    az?: number;
    tempC?: number;
    roll?: number;
    pitch?: number;
    yaw?: number;
    clipped?: boolean;
    checksumOk?: boolean;
    frames?: number;
    type?: number;
    crcOk?: boolean;
  };
}

const vectors = JSON.parse(readFileSync(new URL('./fixtures/witmotion.json', import.meta.url), 'utf8')) as Vector[];
const frames = vectors.filter((vector) => vector.expected.crcOk === undefined && vector.expected.frames === undefined);
const valid = frames.filter((vector) => vector.expected.checksumOk !== false);
const FUZZ = { seed: 20261122, numRuns: 500 };

describe('outside frames', () => {
  it.each(valid.map((vector) => [vector.name, vector.input, vector.expected] as const))(
    '%s %s',
    (_n, input, expected) => {
      const message = decodeWitmotion(fromHex(input));
      if (expected.ax !== undefined) {
        expect(message.kind).toBe('acceleration');
        if (message.kind !== 'acceleration') return;
        expect(message.xG).toBeCloseTo(expected.ax, 4);
        expect(message.yG).toBeCloseTo(expected.ay ?? 0, 4);
        expect(message.zG).toBeCloseTo(expected.az ?? 0, 4);
        expect(message.clipped).toBe(expected.clipped ?? false);
        if (expected.tempC !== undefined) expect(message.temperatureCelsius).toBe(expected.tempC);
      } else {
        expect(message.kind).toBe('angle');
        if (message.kind !== 'angle') return;
        expect(message.rollDegrees).toBeCloseTo(expected.roll ?? Number.NaN, 4);
        expect(message.pitchDegrees).toBeCloseTo(expected.pitch ?? Number.NaN, 4);
        expect(message.yawDegrees).toBeCloseTo(expected.yaw ?? Number.NaN, 4);
      }
      expect(toHex(encodeWitmotion(message))).toBe(input);
    },
  );

  it('refuses the frame with the wrong sum', () => {
    const bad = frames.filter((vector) => vector.expected.checksumOk === false);
    expect(bad).toHaveLength(1);
    for (const vector of bad) expect(faultOf(() => decodeWitmotion(fromHex(vector.input)))).toBe('witmotion-sum@10');
  });

  // The WTVB01-485 speaks Modbus RTU; its frames are in this collection of the same maker.
  it.each(vectors.filter((vector) => vector.expected.crcOk !== undefined))('$name', ({ input, expected }) => {
    const bytes = fromHex(input);
    expect(crc16Modbus(bytes, 0, bytes.length - 2) === bytes.readUInt16LE(bytes.length - 2)).toBe(expected.crcOk);
  });
});

describe('formulas of the data sheet', () => {
  it.each<[string, WitmotionMessage]>([
    [
      '5550160b160c1e2db00176',
      { kind: 'time', year: 2022, month: 11, day: 22, hour: 12, minute: 30, second: 45, millisecond: 432 },
    ],
    [
      '555200400080ff7f000066',
      {
        kind: 'angular-velocity',
        xDegreesPerSecond: 1000,
        yDegreesPerSecond: -2000,
        zDegreesPerSecond: (2000 * 32767) / 32768,
        auxiliary: 0,
      },
    ],
    ['55540100feff0300c40960', { kind: 'magnetic-field', x: 1, y: -2, z: 3, temperatureCelsius: 25 }],
    ['555501000200ffff0080b2', { kind: 'port-status', ports: [1, 2, 65535, 32768] }],
    ['5556cd8b010090d003009d', { kind: 'pressure', pressurePascals: 101325, heightMeters: 2500 }],
    ['5559ff7f000000000000' + '2c', { kind: 'quaternion', w: 32767 / 32768, x: 0, y: 0, z: 0 }],
    ['555a0c009600640096004b', { kind: 'gps-accuracy', satellites: 12, pdop: 1.5, hdop: 1, vdop: 1.5 }],
    ['555f0100020003000400be', { kind: 'registers', values: [1, 2, 3, 4] }],
    ['555b0102030405060708d4', { kind: 'unknown', type: 0x5b, data: fromHex('0102030405060708') }],
    ['55570000000000000000ac', { kind: 'position' }],
  ])('%s', (hex, message) => {
    const body = fromHex(hex).subarray(0, 10);
    const sum = body.reduce((total, byte) => total + byte, 0) & 0xff;
    const bytes = Buffer.concat([body, Buffer.of(sum)]);
    expect(decodeWitmotion(bytes)).toEqual(message);
    expect(toHex(encodeWitmotion(message))).toBe(toHex(bytes));
  });

  it('position: ddmm.mmmmm without the point, south and west negative', () => {
    // 33° 54.12345' S, 118° 24.54321' W
    const message = decodeWitmotion(withSum('5557', int32(-1182454321), int32(-335412345)));
    expect(message.kind).toBe('position');
    if (message.kind !== 'position') return;
    expect(message.longitude).toBeCloseTo(-(118 + 24.54321 / 60), 9);
    expect(message.latitude).toBeCloseTo(-(33 + 54.12345 / 60), 9);
    expect(toHex(encodeWitmotion(message))).toBe(toHex(withSum('5557', int32(-1182454321), int32(-335412345))));
  });

  it('what is no place on earth is no position', () => {
    expect(decodeWitmotion(withSum('5557', int32(1900000000), int32(100000000)))).toEqual({ kind: 'position' });
    expect(decodeWitmotion(withSum('5557', int32(100000000), int32(900000001)))).toEqual({ kind: 'position' });
    expect(decodeWitmotion(withSum('5557', int32(106100000), int32(100000000)))).toEqual({ kind: 'position' });
  });

  it('ground speed: tenths of a meter, tenths of a degree, thousandths of km/h', () => {
    const message = decodeWitmotion(withSum('55588913dc05', int32(36000)));
    expect(message).toMatchObject({ kind: 'ground-speed', heightMeters: 500.1, courseDegrees: 150 });
    if (message.kind === 'ground-speed') expect(message.speedMetersPerSecond).toBeCloseTo(10, 9);
  });

  it('takes another full scale', () => {
    const half = withSum('55510040000000000000');
    expect(decodeWitmotion(half, { accelerationRangeG: 4 })).toMatchObject({ xG: 2 });
    const sent = encodeWitmotion(decodeWitmotion(half, { accelerationRangeG: 4 }), { accelerationRangeG: 4 });
    expect(toHex(sent)).toBe(toHex(half));
  });

  it('holds what is out of range at its end, as clipped', () => {
    const hit = { kind: 'acceleration', xG: 40, yG: -40, zG: 1, temperatureCelsius: 20, clipped: false } as const;
    expect(decodeWitmotion(encodeWitmotion(hit))).toMatchObject({ xG: (16 * 32767) / 32768, yG: -16, clipped: true });
  });

  function int32(value: number): string {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return toHex(bytes);
  }

  function withSum(...parts: string[]): Buffer {
    const body = fromHex(parts.join(''));
    return Buffer.concat([body, Buffer.of(body.reduce((total, byte) => total + byte, 0) & 0xff)]);
  }
});

describe('faults', () => {
  it.each([
    ['', 'witmotion-length@0'],
    ['5551', 'witmotion-length@2'],
    ['55510000000000000000a600', 'witmotion-length@11'],
    ['54510000000000000000a5', 'witmotion-header@0'],
    ['55490000000000000000a6', 'witmotion-type@1'],
  ])('%s: %s', (hex, fault) => {
    expect(faultOf(() => decodeWitmotion(fromHex(hex)))).toBe(fault);
  });

  it('any bytes give a message or a CodecError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 14 }), fc.boolean(), (bytes, repair) => {
        const frame = repair ? Buffer.concat([fromHex('5557'), bytes, Buffer.alloc(11)]).subarray(0, 11) : bytes;
        if (repair) frame[10] = frame.subarray(0, 10).reduce((total, byte) => total + byte, 0) & 0xff;
        try {
          const message = decodeWitmotion(frame);
          expect(decodeWitmotion(encodeWitmotion(message))).toEqual(message);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      FUZZ,
    );
  });
});

describe('WitmotionFramer', () => {
  const noise = fromHex('00ff5512555055');

  it.each(valid.map((vector) => [vector.name, vector.input] as const))(
    '%s %s, split at every offset, in noise',
    (_n, input) => {
      const frame = fromHex(input);
      const stream = Buffer.concat([noise, frame, frame, noise.subarray(0, 3), frame, fromHex('aabb')]);
      for (let cut = 0; cut <= stream.length; cut++) {
        const framer = new WitmotionFramer();
        const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut)), ...framer.idle()];
        expect(found.map(toHex)).toEqual([input, input, input]);
        expect(framer.stats).toMatchObject({ bytes: stream.length, frames: 3, discardedBytes: noise.length + 5 });
      }
    },
  );

  it('finds the one frame of the outside stream', () => {
    const stream = vectors.find((vector) => vector.expected.frames !== undefined);
    const found = new WitmotionFramer().push(fromHex(stream?.input ?? ''));
    expect(found).toHaveLength(stream?.expected.frames ?? Number.NaN);
    expect(found[0]?.[1]).toBe(stream?.expected.type);
  });

  it('counts a wrong sum and goes on with the next frame', () => {
    const framer = new WitmotionFramer();
    expect(framer.push(fromHex('55510000000000000000a755510000000000000000a6'))).toHaveLength(1);
    expect(framer.stats).toMatchObject({ checksumErrors: 1, discardedBytes: 11 });
  });

  it('frames do not depend on the chunks, and no byte is lost from the books', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 15 }),
      fc.constantFrom(...valid.map((vector) => fromHex(vector.input))),
      fc.constant(fromHex('5551')),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), sizes, (parts, cuts) => {
        const stream = Buffer.concat(parts);
        const whole = new WitmotionFramer();
        const cut = new WitmotionFramer();
        const expected = whole.push(stream).map(toHex);
        const found: string[] = [];
        for (let at = 0, i = 0; at < stream.length; at += cuts[i++ % cuts.length] ?? 1) {
          found.push(...cut.push(stream.subarray(at, at + (cuts[i % cuts.length] ?? 1))).map(toHex));
        }
        expect(found).toEqual(expected);
        expect(cut.stats).toEqual(whole.stats);
        whole.idle();
        expect(whole.stats.bytes).toBe(11 * expected.length + whole.stats.discardedBytes);
      }),
      FUZZ,
    );
  });
});
