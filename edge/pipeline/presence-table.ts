/**
 * Columns for the tags that are present: one slot per zone and tag, values in typed arrays, so that 50,000 of them cost a few megabytes and the
 * collector nothing. Slots are used again; `token` tells their tenants apart.
 */

/** What a slot is in. */
export const FREE = 0;
/** Seen, but where is not decided yet. */
export const SETTLING = 1;
/** Its arrival is on the way to the disk. */
export const ARRIVING = 2;
export const PRESENT = 3;

export const NO_RSSI = -32_768;
const FIRST_CAPACITY = 1024;

export class PresenceTable {
  readonly #slots: Map<string, number>[];
  readonly #epcs: string[] = [];
  readonly #free: number[] = [];
  /** How many read points share a zone at most: the width of `scores`. */
  readonly width: number;
  #nextToken = 1;
  /** Slots at and beyond this one were never used. */
  high = 0;
  size = 0;

  state = new Uint8Array(FIRST_CAPACITY);
  token = new Uint32Array(FIRST_CAPACITY);
  zone = new Uint16Array(FIRST_CAPACITY);
  /** Index of the read point. */
  point = new Uint16Array(FIRST_CAPACITY);
  /** Strongest read so far: antenna, index of the device, dBm. */
  antenna = new Uint16Array(FIRST_CAPACITY);
  device = new Uint16Array(FIRST_CAPACITY);
  rssiDbm = new Int16Array(FIRST_CAPACITY);
  reads = new Uint32Array(FIRST_CAPACITY);
  firstUs = new Float64Array(FIRST_CAPACITY);
  lastUs = new Float64Array(FIRST_CAPACITY);
  /** Since when nothing was heard of it: the last read, or later where nobody listened. */
  silentUs = new Float64Array(FIRST_CAPACITY);
  /** The longest pause between two reads, fading. */
  pauseUs = new Float32Array(FIRST_CAPACITY);
  /** `width` of each per slot: signal level, and the strongest read, at each read point of the zone. */
  scores: Float64Array;
  placeRssiDbm: Int16Array;
  placeAntenna: Uint16Array;
  placeDevice: Uint16Array;
  /** The read point that is about to take over, and since when. */
  rival = new Uint16Array(FIRST_CAPACITY);
  rivalUs = new Float64Array(FIRST_CAPACITY);

  constructor(zones: number, width: number) {
    this.#slots = Array.from({ length: zones }, () => new Map());
    this.width = width;
    this.scores = new Float64Array(FIRST_CAPACITY * width);
    this.placeRssiDbm = new Int16Array(FIRST_CAPACITY * width);
    this.placeAntenna = new Uint16Array(FIRST_CAPACITY * width);
    this.placeDevice = new Uint16Array(FIRST_CAPACITY * width);
  }

  find(zone: number, epcHex: string): number | undefined {
    return this.#slots[zone]?.get(epcHex);
  }

  epc(slot: number): string {
    return this.#epcs[slot] as string;
  }

  /** A cleared slot for this tag, which has none. */
  claim(zone: number, epcHex: string): number {
    const slot = this.#free.pop() ?? this.high++;
    if (slot >= this.state.length) this.#grow();
    this.#slots[zone]?.set(epcHex, slot);
    this.#epcs[slot] = epcHex;
    this.zone[slot] = zone;
    this.token[slot] = this.#nextToken;
    this.#nextToken = (this.#nextToken % 0xffff_ffff) + 1;
    this.rssiDbm[slot] = NO_RSSI;
    this.reads[slot] = 0;
    this.pauseUs[slot] = 0;
    this.rivalUs[slot] = Number.NaN;
    this.scores.fill(0, slot * this.width, (slot + 1) * this.width);
    this.placeRssiDbm.fill(NO_RSSI, slot * this.width, (slot + 1) * this.width);
    this.placeAntenna.fill(0, slot * this.width, (slot + 1) * this.width);
    this.size++;
    return slot;
  }

  release(slot: number): void {
    this.#slots[this.zone[slot] as number]?.delete(this.epc(slot));
    this.#epcs[slot] = '';
    this.state[slot] = FREE;
    this.#free.push(slot);
    this.size--;
  }

  #grow(): void {
    const capacity = this.state.length * 2;
    this.state = grown(this.state, new Uint8Array(capacity));
    this.token = grown(this.token, new Uint32Array(capacity));
    this.zone = grown(this.zone, new Uint16Array(capacity));
    this.point = grown(this.point, new Uint16Array(capacity));
    this.antenna = grown(this.antenna, new Uint16Array(capacity));
    this.device = grown(this.device, new Uint16Array(capacity));
    this.rssiDbm = grown(this.rssiDbm, new Int16Array(capacity));
    this.reads = grown(this.reads, new Uint32Array(capacity));
    this.firstUs = grown(this.firstUs, new Float64Array(capacity));
    this.lastUs = grown(this.lastUs, new Float64Array(capacity));
    this.silentUs = grown(this.silentUs, new Float64Array(capacity));
    this.pauseUs = grown(this.pauseUs, new Float32Array(capacity));
    this.scores = grown(this.scores, new Float64Array(capacity * this.width));
    this.placeRssiDbm = grown(this.placeRssiDbm, new Int16Array(capacity * this.width));
    this.placeAntenna = grown(this.placeAntenna, new Uint16Array(capacity * this.width));
    this.placeDevice = grown(this.placeDevice, new Uint16Array(capacity * this.width));
    this.rival = grown(this.rival, new Uint16Array(capacity));
    this.rivalUs = grown(this.rivalUs, new Float64Array(capacity));
  }
}

function grown<Column extends { set(from: Column): void }>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
