/**
 * The settings of a Honeywell scanner and the serial commands that change them (Xenon 1900 User Guide, chapter 11).
 *
 * A command line is `SYN M CR`, commands separated by `;` (another tag) or `,` (another subtag of the same tag), and `.` (kept) or `!` (until
 * power off). The answer repeats it with ACK, ENQ (no such setting) or NAK (no such value) ahead of each separator and of the end. `?`, `^`
 * and `*` in place of a value ask for the value that holds, the factory's, and the values that are possible.
 */

const ACK = '\x06';
const ENQ = '\x05';
const NAK = '\x15';

interface Setting {
  factory: number;
  most: number;
}

/** Decode header, good read beep, trigger mode. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  DECHDR: { factory: 0, most: 1 },
  BEPBEP: { factory: 1, most: 1 },
  TRGMOD: { factory: 0, most: 5 },
};

export class Menu {
  readonly #kept = new Map<string, number>();
  #held = new Map<string, number>();

  /** @param kept what was stored before, as by a bar code of the maker's */
  constructor(kept: Readonly<Record<string, number>> = {}) {
    for (const [name, value] of Object.entries(kept)) this.#kept.set(name, value);
  }

  value(name: string): number {
    return this.#held.get(name) ?? this.#kept.get(name) ?? SETTINGS[name]?.factory ?? 0;
  }

  powerOff(): void {
    this.#held = new Map();
  }

  /** @param line commands with the end that says where they are stored */
  answer(line: string): string {
    const end = line.at(-1) ?? '.';
    let tag = '';
    let answer = '';
    for (const [, command = '', separator = ''] of line.slice(0, -1).matchAll(/([^;,]*)([;,]|$)/g)) {
      if (command === '' && separator === '') continue;
      const full = (command.length < 6 || tag !== '' ? tag : '') + command.toUpperCase();
      answer += this.#one(full, command, end === '.') + separator;
      tag = separator === ',' ? full.slice(0, 3) : '';
    }
    return answer + end;
  }

  #one(full: string, said: string, isKept: boolean): string {
    const name = full.slice(0, 6);
    const data = full.slice(6);
    const setting = SETTINGS[name];
    if (!setting) return said + ENQ;
    const echoed = said.slice(0, said.length - data.length).toUpperCase();
    if (data === '?') return `${echoed}${this.value(name)}${ACK}`;
    if (data === '^') return `${echoed}${setting.factory}${ACK}`;
    if (data === '*') return `${echoed}0-${setting.most}${ACK}`;
    if (!/^\d$/.test(data) || Number(data) > setting.most) return said + NAK;
    (isKept ? this.#kept : this.#held).set(name, Number(data));
    if (isKept) this.#held.delete(name);
    return said + ACK;
  }
}
