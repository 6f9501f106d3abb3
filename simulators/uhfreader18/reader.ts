/**
 * A UHFReader18 on a serial line (user's manual V2.0).
 *
 * It answers its own address and the broadcast; information, region, scan time, power, work mode, inventory and single inventory; any other command with status
 * FE, one of the wrong length with FD. Its settings are kept without power. An inventory takes SCAN_MS and comes in as many frames as its tags need. In
 * scan mode it reports each tag unasked (EE), and executes no inventory. It has one antenna. Commands: see uhf-module.ts; `error code=f8` is an antenna error.
 */
import { z } from 'zod';
import {
  encodeUhfReader18,
  UhfReader18Command,
  type UhfReader18Frame,
  UhfReader18Framer,
  uhfReader18InventoryReplies,
} from '../../protocols/rfid-serial/index.ts';
import type { Simulator, SimulatorContext } from '../simulator.ts';
import { type ModuleFirmware, UhfModule } from '../uhf-module.ts';

const SCAN_MS = 60;
const ANTENNA = [1];
const BROADCAST = 0xff;
const SCAN_MODE = 0x01;
const SUCCESS = 0x00;
const WRONG_LENGTH = 0xfd;
const ILLEGAL_COMMAND = 0xfe;
const WRONG_PARAMETER = 0xff;
const VERSION = [2, 36];
const TYPE = 0x09;
/** ISO 18000-6C. */
const PROTOCOLS = 0x02;
const WIEGAND = [1, 30, 10, 15];
const ACCURACY_AND_OFFSET = [8, 0];

export const uhfReader18Options = z.strictObject({
  path: z.string().min(1).optional(),
  address: z.int().min(0).max(0xfe).default(0),
  powerDbm: z.int().min(0).max(30).default(30),
  /** It was left in scan mode. */
  scanMode: z.boolean().default(false),
});
export type UhfReader18Options = z.infer<typeof uhfReader18Options>;

export const UHF_READER18_KIND = 'uhfreader18';

export function uhfReader18(
  id: string,
  options: UhfReader18Options,
  readPoints: ReadonlyMap<number, string>,
): Simulator {
  return {
    kind: UHF_READER18_KIND,
    id,
    start(context) {
      const { path } = options;
      const parts = { kind: UHF_READER18_KIND, id, path, antennas: 1, readPoints, checksumAt: 1, context };
      return new UhfModule(parts, (module) => new Firmware(module, options, context)).open();
    },
  };
}

class Firmware implements ModuleFirmware {
  readonly #module: UhfModule;
  readonly #context: SimulatorContext;
  readonly #address: number;
  readonly #framer = new UhfReader18Framer();
  /** Highest and lowest frequency, power, scan time: as command 21 tells them. */
  #settings: [maximum: number, minimum: number, power: number, scanTime: number];
  #workMode: number[];
  #scanning = false;

  constructor(module: UhfModule, options: UhfReader18Options, context: SimulatorContext) {
    this.#module = module;
    this.#context = context;
    this.#address = options.address;
    this.#settings = [0x31, 0x80, options.powerDbm, 10];
    this.#workMode = [options.scanMode ? SCAN_MODE : 0, 0x02, 0x04, 0, 1, 0];
  }

  take(bytes: Buffer): void {
    for (const frame of this.#framer.push(bytes)) {
      // The reader executes one command at a time: what is sent meanwhile is lost (clause 2).
      if (this.#scanning || (frame.address !== this.#address && frame.address !== BROADCAST)) continue;
      const answer = this.#execute(frame);
      if (answer) this.#module.send(answer);
    }
  }

  powerUp(): void {
    this.#scanning = false;
    this.#framer.idle();
  }

  round(): void {
    if (!this.#inScanMode) return;
    for (const read of this.#module.inventory(ANTENNA)) {
      const body = Buffer.concat([Buffer.of(SUCCESS), read.epc]);
      this.#module.send(this.#frame(UhfReader18Command.tagReport, body), [read]);
    }
  }

  get #inScanMode(): boolean {
    return ((this.#workMode[0] ?? 0) & 0x03) !== 0;
  }

  /** The answer; an inventory's comes when it is done. */
  #execute({ command, body }: UhfReader18Frame): Buffer | undefined {
    switch (command) {
      case UhfReader18Command.inventory:
      case UhfReader18Command.singleInventory:
        if (!this.#inScanMode) this.#inventory(command);
        return undefined;
      case UhfReader18Command.readerInformation:
        return this.#answer(command, SUCCESS, [...VERSION, TYPE, PROTOCOLS, ...this.#settings]);
      case UhfReader18Command.setRegion:
        return this.#set(command, body, 2, ([maximum = 0, minimum = 0]) => {
          this.#settings = [maximum, minimum, this.#settings[2], this.#settings[3]];
          return true;
        });
      case UhfReader18Command.setScanTime:
        return this.#set(command, body, 1, ([time = 0]) => {
          this.#settings[3] = time < 3 ? 10 : time;
          return true;
        });
      case UhfReader18Command.setPower:
        return this.#set(command, body, 1, ([power = 0]) => {
          if (power <= 30) this.#settings[2] = power;
          return power <= 30;
        });
      case UhfReader18Command.getWorkMode:
        return this.#answer(command, SUCCESS, [...WIEGAND, ...this.#workMode, ...ACCURACY_AND_OFFSET]);
      case UhfReader18Command.setWorkMode:
        return this.#set(command, body, 6, (mode) => {
          this.#workMode = mode;
          return true;
        });
      default:
        return this.#answer(0x00, ILLEGAL_COMMAND);
    }
  }

  #set(command: number, body: Buffer, length: number, apply: (values: number[]) => boolean): Buffer {
    if (body.length !== length) return this.#answer(command, WRONG_LENGTH);
    return this.#answer(command, apply([...body]) ? SUCCESS : WRONG_PARAMETER);
  }

  #inventory(command: number): void {
    this.#scanning = true;
    this.#context.wireClock.after(SCAN_MS, () => {
      if (!this.#scanning) return;
      this.#scanning = false;
      const error = this.#module.takeError() ?? (this.#module.isConnected(1) ? undefined : 0xf8);
      if (error === undefined) this.#tell(command);
      else this.#module.send(this.#answer(command, error));
    });
  }

  /** The frames of several say each how many tags they have: their reads go with them. */
  #tell(command: number): void {
    const found = this.#module.inventory(ANTENNA);
    const reads = command === UhfReader18Command.singleInventory ? found.slice(0, 1) : found;
    let told = 0;
    for (const reply of uhfReader18InventoryReplies(
      this.#address,
      reads.map(({ epc }) => epc),
    )) {
      const count = reads.length === 0 ? 0 : reply.readUInt8(4);
      const frame = this.#frame(command, reply.subarray(3, -2));
      this.#module.send(frame, reads.slice(told, told + count));
      told += count;
    }
  }

  #answer(command: number, status: number, data: readonly number[] = []): Buffer {
    return this.#frame(command, Buffer.of(status, ...data));
  }

  #frame(command: number, body: Buffer): Buffer {
    return encodeUhfReader18({ address: this.#address, command, body });
  }
}
