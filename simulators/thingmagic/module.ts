/**
 * A ThingMagic Mercury module on a serial line: an M6e, or an M5e, which knows no reading without end.
 *
 * After power-up it is in its boot loader and knows only version, current program and boot. It reads nothing without region and protocol. While it
 * streams it sends a record per tag, antenna and round, and "no tag" at the end of each cycle; otherwise it reads into a buffer of BUFFER_MAX tags, which
 * the host takes. Commands: see uhf-module.ts; `error code=504` is "too hot", 503 "no antenna", 505 "high return loss".
 */
import { z } from 'zod';
import {
  encodeMercury,
  MERCURY_ALL_METADATA,
  MERCURY_GEN2,
  MERCURY_REGIONS,
  type MercuryFrame,
  MercuryFramer,
  MercuryMetadata,
  MercuryOpcode,
} from '../../protocols/rfid-serial/index.ts';
import type { Simulator, SimulatorContext } from '../simulator.ts';
import { type ModuleFirmware, type Read, UhfModule } from '../uhf-module.ts';
import { tagRecord } from './tag-record.ts';

const STATUS = {
  success: 0x0000,
  wrongLength: 0x0100,
  invalidOpcode: 0x0101,
  powerTooHigh: 0x0103,
  invalidParameter: 0x0105,
  invalidRegion: 0x010b,
  noTag: 0x0400,
  noProtocol: 0x0401,
  noAntenna: 0x0503,
} as const;

const BOOT_LOADER = 0x11;
const APPLICATION = 0x12;
const BOOT_MS = 650;
const BUFFER_MAX = 200;
/** What fits into a reply of 250 bytes with room to spare. */
const TAGS_PER_REPLY = 5;
const TYPE_TAG = 0x01;
const KNOWN_REGIONS: ReadonlySet<number> = new Set(Object.values(MERCURY_REGIONS));
/** Boot loader, hardware, date, firmware, protocols; the hardware's first byte is the model. */
const versionOf = (model: ModuleOptions['model']) =>
  Buffer.from(`14120800${model === 'm5e' ? '00' : '30'}00000220150310010301470000 0010`.replace(' ', ''), 'hex');

export const moduleOptions = z.strictObject({
  path: z.string().min(1).optional(),
  model: z.enum(['m6e', 'm5e']).default('m6e'),
  antennas: z.int().min(1).max(4).default(2),
  maximumPowerDbm: z.number().min(10).max(33).default(27),
});
export type ModuleOptions = z.infer<typeof moduleOptions>;

export const THINGMAGIC_KIND = 'thingmagic';

export function thingMagicModule(
  id: string,
  options: ModuleOptions,
  readPoints: ReadonlyMap<number, string>,
): Simulator {
  return {
    kind: THINGMAGIC_KIND,
    id,
    start(context) {
      const { path, antennas } = options;
      const parts = { kind: THINGMAGIC_KIND, id, path, antennas, readPoints, checksumAt: 1, context };
      return new UhfModule(parts, (module) => new Firmware(module, options, context)).open();
    },
  };
}

interface State {
  program: number;
  region: number;
  protocol: number;
  antennas: number[];
  centiDbm: number;
}

interface Stream {
  metadata: number;
  cycleUs: number;
  cycleStartUs: number;
}

class Firmware implements ModuleFirmware {
  readonly #module: UhfModule;
  readonly #options: ModuleOptions;
  readonly #context: SimulatorContext;
  readonly #framer = new MercuryFramer('command');
  readonly #buffer = new Map<string, Read & { count: number }>();
  #state: State;
  #stream: Stream | undefined;
  #busy = false;

  constructor(module: UhfModule, options: ModuleOptions, context: SimulatorContext) {
    this.#module = module;
    this.#options = options;
    this.#context = context;
    this.#state = this.#fresh();
  }

  take(bytes: Buffer): void {
    for (const frame of this.#framer.push(bytes)) {
      const answer = this.#busy ? undefined : this.#execute(frame);
      if (answer) this.#module.send(answer);
    }
  }

  powerUp(): void {
    this.#state = this.#fresh();
    this.#stream = undefined;
    this.#busy = false;
    this.#buffer.clear();
    this.#framer.idle();
  }

  round(): void {
    const stream = this.#stream;
    if (!stream) return;
    const nowUs = this.#context.clock.monotonicUs();
    const error = this.#readError();
    if (error !== undefined) this.#module.send(reply(MercuryOpcode.readTagMultiple, error));
    else for (const read of this.#module.inventory(this.#state.antennas)) this.#report(read, stream, nowUs);
    if (nowUs - stream.cycleStartUs < stream.cycleUs) return;
    stream.cycleStartUs = nowUs;
    this.#module.send(reply(MercuryOpcode.readTagMultiple, STATUS.noTag));
  }

  #fresh(): State {
    return {
      program: BOOT_LOADER,
      region: 0,
      protocol: 0,
      antennas: [1],
      centiDbm: this.#options.maximumPowerDbm * 100,
    };
  }

  #report(read: Read, { metadata, cycleStartUs }: Stream, nowUs: number): void {
    const sinceCycleMs = Math.floor((nowUs - cycleStartUs) / 1000);
    const record = tagRecord({ ...read, count: 1, sinceCycleMs }, metadata);
    const head = Buffer.of(0x10, 0x00, 0x1b, metadata >> 8, metadata & 0xff, TYPE_TAG);
    const data = Buffer.concat([head, record]);
    this.#module.send(encodeMercury({ opcode: MercuryOpcode.readTagMultiple, status: 0, data }), [read]);
  }

  /** Why nothing can be read at the moment. */
  #readError(): number | undefined {
    if (this.#state.region === 0) return STATUS.invalidRegion;
    if (this.#state.protocol !== MERCURY_GEN2) return STATUS.noProtocol;
    const error = this.#module.takeError();
    if (error !== undefined) return error;
    return this.#state.antennas.some((antenna) => this.#module.isConnected(antenna)) ? undefined : STATUS.noAntenna;
  }

  /** The answer; those to commands that take time come when they are done. */
  #execute({ opcode, data }: MercuryFrame): Buffer | undefined {
    const { program, region, protocol, centiDbm } = this.#state;
    switch (opcode) {
      case MercuryOpcode.getVersion:
        return reply(opcode, STATUS.success, versionOf(this.#options.model));
      case MercuryOpcode.getCurrentProgram:
        return reply(opcode, STATUS.success, Buffer.of(program));
      case MercuryOpcode.bootFirmware:
        return this.#boot();
    }
    if (program === BOOT_LOADER) return reply(opcode, STATUS.invalidOpcode);
    switch (opcode) {
      case MercuryOpcode.getRegion:
        return reply(opcode, STATUS.success, Buffer.of(region));
      case MercuryOpcode.getTagProtocol:
        return reply(opcode, STATUS.success, Buffer.of(0, protocol));
      case MercuryOpcode.getTxPower:
        return reply(opcode, STATUS.success, Buffer.of(data[0] ?? 0, centiDbm >> 8, centiDbm & 0xff));
      case MercuryOpcode.setReaderOption:
        return reply(opcode, STATUS.success);
      case MercuryOpcode.setRegion:
      case MercuryOpcode.setTagProtocol:
      case MercuryOpcode.setTxPower:
      case MercuryOpcode.setAntennaPort:
        return reply(opcode, this.#set(opcode, data));
      case MercuryOpcode.clearTagBuffer:
        this.#buffer.clear();
        return reply(opcode, STATUS.success);
      case MercuryOpcode.readTagMultiple:
        return this.#readIntoBuffer(data);
      case MercuryOpcode.getTagBuffer:
        return this.#tellBuffer(data);
      case MercuryOpcode.multiProtocolTagOperation:
        return this.#options.model === 'm5e' ? reply(opcode, STATUS.invalidOpcode) : this.#operate(data);
      default:
        return reply(opcode, STATUS.invalidOpcode);
    }
  }

  #boot(): Buffer | undefined {
    if (this.#state.program !== BOOT_LOADER) {
      return reply(MercuryOpcode.bootFirmware, STATUS.invalidOpcode);
    }
    this.#busy = true;
    this.#context.wireClock.after(BOOT_MS, () => {
      if (!this.#busy) return;
      this.#busy = false;
      this.#state.program = APPLICATION;
      this.#module.send(reply(MercuryOpcode.bootFirmware, STATUS.success, versionOf(this.#options.model)));
    });
    return undefined;
  }

  #set(opcode: number, data: Buffer): number {
    switch (opcode) {
      case MercuryOpcode.setRegion:
        if (!KNOWN_REGIONS.has(data[0] ?? 0)) return STATUS.invalidRegion;
        this.#state.region = data[0] ?? 0;
        return STATUS.success;
      case MercuryOpcode.setTagProtocol:
        if (data[1] !== MERCURY_GEN2) return STATUS.noProtocol;
        this.#state.protocol = MERCURY_GEN2;
        return STATUS.success;
      case MercuryOpcode.setTxPower: {
        if (data.length !== 2) return STATUS.wrongLength;
        if (data.readInt16BE(0) > this.#options.maximumPowerDbm * 100) return STATUS.powerTooHigh;
        this.#state.centiDbm = data.readInt16BE(0);
        return STATUS.success;
      }
      default: {
        // Option 02: a list of pairs, sending and receiving port.
        const antennas = [...data.subarray(1)].filter((_, index) => index % 2 === 0);
        const exist =
          antennas.length > 0 && antennas.every((antenna) => antenna >= 1 && antenna <= this.#module.antennas);
        if (data[0] !== 0x02 || !exist) return STATUS.invalidParameter;
        this.#state.antennas = antennas;
        return STATUS.success;
      }
    }
  }

  #operate(data: Buffer): Buffer {
    const opcode = MercuryOpcode.multiProtocolTagOperation;
    if (data[2] === 0x02) {
      this.#stream = undefined;
      return reply(opcode, STATUS.success, Buffer.of(0x02));
    }
    // Option 01, sub-command 22 with search flags, protocol, length; then that command: 22, option, search flags, cycle, metadata flags.
    if (data[2] !== 0x01 || data[3] !== MercuryOpcode.readTagMultiple || data.length < 16) {
      return reply(opcode, STATUS.invalidParameter);
    }
    this.#stream = {
      cycleUs: data.readUInt16BE(12) * 1000,
      metadata: data.readUInt16BE(14) & MERCURY_ALL_METADATA,
      cycleStartUs: this.#context.clock.monotonicUs(),
    };
    return reply(opcode, STATUS.success, Buffer.from('01220000', 'hex'));
  }

  #readIntoBuffer(data: Buffer): Buffer | undefined {
    const opcode = MercuryOpcode.readTagMultiple;
    if (data.length < 5) return reply(opcode, STATUS.wrongLength);
    const durationMs = data.readUInt16BE(3);
    this.#busy = true;
    this.#context.wireClock.after(durationMs, () => {
      if (!this.#busy) return;
      this.#busy = false;
      this.#module.send(this.#readResult(data));
    });
    return undefined;
  }

  #readResult(request: Buffer): Buffer {
    const opcode = MercuryOpcode.readTagMultiple;
    const error = this.#readError();
    if (error !== undefined) return reply(opcode, error);
    for (const read of this.#module.inventory(this.#state.antennas)) this.#keep(read);
    const count = this.#buffer.size;
    if (count === 0) return reply(opcode, STATUS.noTag);
    return reply(opcode, STATUS.success, Buffer.of(...request.subarray(0, 3), count));
  }

  #keep(read: Read): void {
    const key = `${read.antenna} ${read.tag.sighting.epcHex}`;
    const known = this.#buffer.get(key);
    if (known) known.count = Math.min(0xff, known.count + 1);
    else if (this.#buffer.size < BUFFER_MAX) this.#buffer.set(key, { ...read, count: 1 });
  }

  #tellBuffer(data: Buffer): Buffer | undefined {
    const opcode = MercuryOpcode.getTagBuffer;
    if (data.length !== 3) return reply(opcode, STATUS.wrongLength);
    const flags = data.readUInt16BE(0) & MERCURY_ALL_METADATA & ~MercuryMetadata.phase;
    const taken = [...this.#buffer].slice(0, TAGS_PER_REPLY);
    if (taken.length === 0) return reply(opcode, STATUS.noTag);
    for (const [key] of taken) this.#buffer.delete(key);
    const reads = taken.map(([, read]) => read);
    const records = reads.map((read) => tagRecord({ ...read, sinceCycleMs: 0 }, flags));
    const head = Buffer.of(flags >> 8, flags & 0xff, data[2] ?? 0, reads.length);
    this.#module.send(encodeMercury({ opcode, status: 0, data: Buffer.concat([head, ...records]) }), reads);
    return undefined;
  }
}

function reply(opcode: number, status: number, data: Buffer = Buffer.alloc(0)): Buffer {
  return encodeMercury({ opcode, status, data });
}
