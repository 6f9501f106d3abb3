/** WitMotion value → frame, for simulators. What lies outside a field's range is held at its end, as the device does. */
import {
  WITMOTION_FRAME_BYTES,
  WITMOTION_HEADER,
  type WitmotionMessage,
  type WitmotionScale,
  witmotionSum,
} from './witmotion.ts';

const FULL_SCALE = 32768;

export function encodeWitmotion(message: WitmotionMessage, scale: WitmotionScale = {}): Buffer {
  const frame = Buffer.alloc(WITMOTION_FRAME_BYTES);
  frame[0] = WITMOTION_HEADER;
  frame[1] = typeOf(message);
  payload(message, scale).copy(frame, 2);
  frame[10] = witmotionSum(frame);
  return frame;
}

function typeOf(message: WitmotionMessage): number {
  if (message.kind === 'unknown') return message.type;
  return {
    time: 0x50,
    acceleration: 0x51,
    'angular-velocity': 0x52,
    angle: 0x53,
    'magnetic-field': 0x54,
    'port-status': 0x55,
    pressure: 0x56,
    position: 0x57,
    'ground-speed': 0x58,
    quaternion: 0x59,
    'gps-accuracy': 0x5a,
    registers: 0x5f,
  }[message.kind];
}

function payload(message: WitmotionMessage, scale: WitmotionScale): Buffer {
  switch (message.kind) {
    case 'time': {
      const { year, month, day, hour, minute, second, millisecond } = message;
      return Buffer.of(year - 2000, month, day, hour, minute, second, millisecond & 0xff, millisecond >> 8);
    }
    case 'acceleration': {
      const perG = FULL_SCALE / (scale.accelerationRangeG ?? 16);
      return signed(message.xG * perG, message.yG * perG, message.zG * perG, message.temperatureCelsius * 100);
    }
    case 'angular-velocity': {
      const perUnit = FULL_SCALE / (scale.angularRangeDegreesPerSecond ?? 2000);
      return signed(
        message.xDegreesPerSecond * perUnit,
        message.yDegreesPerSecond * perUnit,
        message.zDegreesPerSecond * perUnit,
        message.auxiliary,
      );
    }
    case 'angle': {
      const perDegree = FULL_SCALE / 180;
      const { rollDegrees, pitchDegrees, yawDegrees, version } = message;
      const angles = signed(rollDegrees * perDegree, pitchDegrees * perDegree, yawDegrees * perDegree, 0);
      angles.writeUInt16LE(version, 6);
      return angles;
    }
    case 'magnetic-field':
      return signed(message.x, message.y, message.z, message.temperatureCelsius * 100);
    case 'port-status':
      return unsigned(message.ports);
    case 'pressure':
      return long(message.pressurePascals, message.heightMeters * 100);
    case 'position':
      return long(fromDegrees(message.longitude ?? 0), fromDegrees(message.latitude ?? 0));
    case 'ground-speed': {
      const data = Buffer.alloc(8);
      signed(message.heightMeters * 10, 0, 0, 0).copy(data);
      data.writeUInt16LE(Math.round(message.courseDegrees * 10), 2);
      data.writeUInt32LE(Math.round(message.speedMetersPerSecond * 3600), 4);
      return data;
    }
    case 'quaternion':
      return signed(message.w * FULL_SCALE, message.x * FULL_SCALE, message.y * FULL_SCALE, message.z * FULL_SCALE);
    case 'gps-accuracy':
      return unsigned([message.satellites, message.pdop * 100, message.hdop * 100, message.vdop * 100]);
    case 'registers':
      return unsigned(message.values);
    case 'unknown':
      return Buffer.from(message.data);
  }
}

function signed(...values: [number, number, number, number]): Buffer {
  const data = Buffer.alloc(8);
  values.forEach((value, i) => {
    data.writeInt16LE(clamp(value, -FULL_SCALE, FULL_SCALE - 1), 2 * i);
  });
  return data;
}

function unsigned(values: readonly [number, number, number, number]): Buffer {
  const data = Buffer.alloc(8);
  values.forEach((value, i) => {
    data.writeUInt16LE(clamp(value, 0, 0xffff), 2 * i);
  });
  return data;
}

function long(first: number, second: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeInt32LE(Math.round(first), 0);
  data.writeInt32LE(Math.round(second), 4);
  return data;
}

function fromDegrees(value: number): number {
  const degrees = Math.trunc(value);
  return degrees * 1e7 + (value - degrees) * 60 * 1e5;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Math.round(value)));
}
