/**
 * An R200 UHF RFID module (MagicRF M100) on a serial line.
 *
 * It answers information, region, power, single and multiple poll, stop (MagicRF M100/QM100 firmware command manual, clause 4); any other command with
 * error 17. While it polls it sends a notice per tag and round, or error 15 after an empty round, and stops when its rounds are done. It has one
 * antenna. Commands: see uhf-module.ts; `error code=20` is "frequency hopping timed out".
 */
import { z } from 'zod';
import { crc16Ccitt } from '../../protocols/base/crc.ts';
import { encodeR200, R200Command, type R200Frame, R200Framer } from '../../protocols/rfid-serial/index.ts';
import type { Simulator } from '../simulator.ts';
import { type ModuleFirmware, type Read, UhfModule } from '../uhf-module.ts';

const NO_TAG = 0x15;
const UNKNOWN_COMMAND = 0x17;
const ANTENNA = [1];
const REGIONS: ReadonlySet<number> = new Set([1, 2, 3, 4, 6]);
const INFORMATION: ReadonlyMap<number, string> = new Map([
  [0x00, 'M100 26dBm V1.0'],
  [0x01, 'V2.3.5'],
  [0x02, 'MagicRf'],
]);

export const r200Options = z.strictObject({
  path: z.string().min(1).optional(),
  maximumPowerDbm: z.number().min(10).max(33).default(26),
});
export type R200Options = z.infer<typeof r200Options>;

export const R200_KIND = 'r200';

export function r200Module(id: string, options: R200Options, readPoints: ReadonlyMap<number, string>): Simulator {
  return {
    kind: R200_KIND,
    id,
    start(context) {
      const { path } = options;
      const parts = { kind: R200_KIND, id, path, antennas: 1, readPoints, checksumAt: 2, context };
      return new UhfModule(parts, (module) => new Firmware(module, options)).open();
    },
  };
}

class Firmware implements ModuleFirmware {
  readonly #module: UhfModule;
  readonly #options: R200Options;
  readonly #framer = new R200Framer();
  #roundsLeft = 0;
  #region = 0x01;
  #centiDbm: number;

  constructor(module: UhfModule, options: R200Options) {
    this.#module = module;
    this.#options = options;
    this.#centiDbm = options.maximumPowerDbm * 100;
  }

  take(bytes: Buffer): void {
    for (const frame of this.#framer.push(bytes)) {
      const answer = frame.type === 'command' ? this.#execute(frame) : undefined;
      if (answer) this.#module.send(answer);
    }
  }

  /** Region and power are kept; an inventory is not. */
  powerUp(): void {
    this.#roundsLeft = 0;
    this.#framer.idle();
  }

  round(): void {
    if (this.#roundsLeft === 0) return;
    this.#roundsLeft--;
    this.#poll();
  }

  #poll(): void {
    const error = this.#module.takeError();
    const reads = error === undefined ? this.#module.inventory(ANTENNA) : [];
    if (reads.length === 0) this.#module.send(errorFrame(error ?? NO_TAG));
    for (const read of reads) this.#module.send(notice(read), [read]);
  }

  /** The answer; an inventory's comes by itself. */
  #execute({ command, parameters }: R200Frame): Buffer | undefined {
    switch (command) {
      case R200Command.moduleInfo: {
        const text = INFORMATION.get(parameters[0] ?? 0);
        if (text === undefined) return errorFrame(UNKNOWN_COMMAND);
        return response(command, Buffer.concat([parameters.subarray(0, 1), Buffer.from(text, 'latin1')]));
      }
      case R200Command.singlePoll:
        this.#poll();
        return undefined;
      case R200Command.multiPoll:
        this.#roundsLeft = parameters.length === 3 ? parameters.readUInt16BE(1) : 0;
        return undefined;
      case R200Command.stopMultiPoll:
        this.#roundsLeft = 0;
        return response(command, Buffer.of(0));
      case R200Command.setRegion: {
        const region = parameters[0] ?? 0;
        if (!REGIONS.has(region)) return errorFrame(UNKNOWN_COMMAND);
        this.#region = region;
        return response(command, Buffer.of(0));
      }
      case R200Command.getRegion:
        return response(command, Buffer.of(this.#region));
      case R200Command.setPower: {
        const centiDbm = parameters.length === 2 ? parameters.readUInt16BE(0) : Number.POSITIVE_INFINITY;
        if (centiDbm > this.#options.maximumPowerDbm * 100) return errorFrame(UNKNOWN_COMMAND);
        this.#centiDbm = centiDbm;
        return response(command, Buffer.of(0));
      }
      case R200Command.getPower:
        return response(command, Buffer.of(this.#centiDbm >> 8, this.#centiDbm & 0xff));
      default:
        return errorFrame(UNKNOWN_COMMAND);
    }
  }
}

function response(command: number, parameters: Buffer): Buffer {
  return encodeR200({ type: 'response', command, parameters });
}

function errorFrame(code: number): Buffer {
  return response(R200Command.error, Buffer.of(code));
}

/** RSSI, PC (the EPC's length in words in its five highest bits), EPC, the tag's CRC over PC and EPC. */
function notice({ epc, rssiDbm }: Read): Buffer {
  const pc = (epc.length / 2) << 11;
  const told = Buffer.concat([Buffer.of(rssiDbm & 0xff, pc >> 8, pc & 0xff), epc]);
  const crc = crc16Ccitt(told, { start: 1, xorOut: 0xffff });
  const parameters = Buffer.concat([told, Buffer.of(crc >> 8, crc & 0xff)]);
  return encodeR200({ type: 'notice', command: R200Command.singlePoll, parameters });
}
