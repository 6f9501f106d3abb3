/**
 * Which tags are where: each RFID tag in the field of a read point is one stay, from its first read until it was silent for long enough.
 *
 *  - Monotonic time only. Silence counts only while the read point's reader is heard: a reader that is away observes no departures.
 *  - Silence that means departure is configured, or adaptive: three times the longest pause between two reads of that tag lately.
 *  - Read points that share a zone (two doors whose fields overlap) see a tag at one of them: the one with the stronger signal, summed over the
 *    reads of the last seconds. It is decided a moment after the first read, and revised only when another one was
 *    clearly stronger for a while, so that a tag between two doors does not flap.
 *  - Bounded by `maxTags`: beyond it those unseen for longest are stated as departed.
 *
 * A change counts when its owner says so (`confirm`), that is, when it is on disk: `stays` gives what is confirmed and nothing else.
 */
import { ARRIVING, FREE, NO_RSSI, PRESENT, PresenceTable, SETTLING } from './presence-table.ts';

export interface PresencePoint {
  id: string;
  tagDepartedAfterMs: number | 'adaptive';
  zone?: string;
}

export interface TagRead {
  epcHex: string;
  deviceId: string;
  antenna: number;
  rssiDbm?: number;
  reads: number;
}

/** A tag at a read point. Antenna, device and RSSI are those of the strongest read so far. */
export interface Stay extends TagRead {
  readPoint: string;
  firstUs: number;
  lastUs: number;
}

export interface PresenceChange extends Stay {
  kind: 'arrived' | 'departed';
  /** Names the stay for `confirm` and `takeBack`. */
  token: number;
  slot: number;
}

const DEFAULT_MAX_TAGS = 65_536;
/** A tag that nothing is known of yet is given `firstUs`; what is known fades with `fadeUs`. */
const ADAPTIVE = { firstUs: 5_000_000, leastUs: 1_000_000, mostUs: 30_000_000, pauses: 3, fadeUs: 30_000_000 };
const ZONE = { settleUs: 500_000, halfLifeUs: 1_000_000, clearlyStronger: 2, rivalUs: 1_000_000 };
/** Share of the tags that goes at once when there is no room, so that finding them is paid once. */
const EVICTED_SHIFT = 6;

export class TagPresence {
  readonly #points: readonly PresencePoint[];
  readonly #indexes: ReadonlyMap<string, number>;
  /** By point: its zone, its place in the zone, and whether its reader is away. */
  readonly #zones: Uint16Array;
  readonly #places: Uint16Array;
  readonly #deaf: Uint8Array;
  /** By zone: its points in the order of their places. */
  readonly #members: number[][];
  #silenceUs: Float64Array;
  readonly #table: PresenceTable;
  readonly #devices: string[] = [];
  /** Departures on their way to the disk, by token. */
  readonly #leaving = new Map<number, PresenceChange>();
  readonly #maxTags: number;
  /** Arrivals and departures confirmed, and reads taken, since the beginning. */
  readonly counts = { changes: 0, reads: 0 };

  constructor(points: readonly PresencePoint[], maxTags = DEFAULT_MAX_TAGS) {
    this.#points = points;
    this.#indexes = new Map(points.map(({ id }, index) => [id, index]));
    const zoneOf = new Map<string, number>();
    this.#members = [];
    this.#zones = new Uint16Array(points.length);
    this.#places = new Uint16Array(points.length);
    for (const [index, { id, zone }] of points.entries()) {
      const key = zone === undefined ? `point ${id}` : `zone ${zone}`;
      const number = zoneOf.get(key) ?? this.#members.push([]) - 1;
      zoneOf.set(key, number);
      this.#zones[index] = number;
      this.#places[index] = (this.#members[number]?.push(index) ?? 1) - 1;
    }
    this.#deaf = new Uint8Array(points.length);
    this.#silenceUs = Float64Array.from(points, silenceUsOf);
    const width = Math.max(0, ...this.#members.map(({ length }) => length));
    this.#table = new PresenceTable(this.#members.length, width > 1 ? width : 0);
    this.#maxTags = maxTags;
  }

  /** Other silences that mean departure, at the same read points; the tags stay. */
  configure(points: readonly PresencePoint[]): void {
    const byId = new Map(points.map((point) => [point.id, point]));
    this.#silenceUs = Float64Array.from(this.#points, (point) => silenceUsOf(byId.get(point.id) ?? point));
  }

  get size(): number {
    return this.#table.size;
  }

  /** Takes a read; gives what it changes. */
  see(readPoint: string, read: TagRead, atUs: number): PresenceChange[] {
    const point = this.#indexes.get(readPoint);
    if (point === undefined) throw new Error(`read point ${readPoint} is not in the configuration`);
    this.counts.reads++;
    const table = this.#table;
    const zone = this.#zones[point] as number;
    const known = table.find(zone, read.epcHex);
    const isOver = known !== undefined && this.#isOver(known, atUs);
    if (known !== undefined && !isOver) {
      this.#add(known, point, read, atUs);
      return this.#decide(known, atUs);
    }
    const changes = isOver ? [this.#depart(known)] : [];
    if (table.size >= this.#maxTags) this.#evict(changes);
    // What cannot be stated fills the table: this tag counts from its next read on.
    if (table.size >= this.#maxTags) return changes;
    const slot = table.claim(zone, read.epcHex);
    table.firstUs[slot] = atUs;
    table.lastUs[slot] = atUs;
    table.silentUs[slot] = atUs;
    table.pauseUs[slot] = ADAPTIVE.firstUs / ADAPTIVE.pauses;
    table.point[slot] = point;
    table.state[slot] = SETTLING;
    this.#add(slot, point, read, atUs);
    if ((this.#members[zone] as number[]).length === 1) changes.push(this.#arrive(slot, point));
    return changes;
  }

  /** What time alone changes: zones that are decided now, tags that were silent for long enough. */
  tick(nowUs: number): PresenceChange[] {
    const changes: PresenceChange[] = [];
    const { state, high } = this.#table;
    for (let slot = 0; slot < high; slot++) {
      if (state[slot] === FREE) continue;
      if (this.#isOver(slot, nowUs)) changes.push(this.#depart(slot));
      else if (state[slot] === SETTLING) changes.push(...this.#decide(slot, nowUs));
    }
    return changes;
  }

  /** The change is on disk. */
  confirm({ kind, slot, token }: PresenceChange): void {
    this.counts.changes++;
    if (kind === 'departed') this.#leaving.delete(token);
    else if (this.#table.token[slot] === token && this.#table.state[slot] === ARRIVING)
      this.#table.state[slot] = PRESENT;
  }

  /** The change could not be stored: a tag that was to arrive counts anew with its next read, a departure is given up. */
  takeBack({ kind, slot, token }: PresenceChange): void {
    if (kind === 'departed') this.#leaving.delete(token);
    else if (this.#table.token[slot] === token && this.#table.state[slot] === ARRIVING) this.#table.release(slot);
  }

  /** Whether the reader of a read point is heard. When it is again, every silence begins anew. */
  listen(readPoint: string, isHeard: boolean, nowUs: number): void {
    const point = this.#indexes.get(readPoint);
    if (point === undefined || this.#deaf[point] === (isHeard ? 0 : 1)) return;
    this.#deaf[point] = isHeard ? 0 : 1;
    if (!isHeard) return;
    const { high, silentUs } = this.#table;
    for (let slot = 0; slot < high; slot++) {
      if (this.#table.point[slot] === point) silentUs[slot] = Math.max(silentUs[slot] as number, nowUs);
    }
  }

  /** The confirmed stays. */
  *stays(): Iterable<Stay> {
    for (const change of this.#leaving.values()) {
      const slot = this.#table.find(this.#zoneOf(change.readPoint), change.epcHex);
      if (slot === undefined || this.#table.state[slot] !== PRESENT) yield change;
    }
    for (let slot = 0; slot < this.#table.high; slot++) {
      if (this.#table.state[slot] === PRESENT) yield this.#stay(slot);
    }
  }

  /** A stay from before a restart; its silence begins now. False where its read point is gone, or there is no room. */
  restore(stay: Stay, nowUs: number): boolean {
    const point = this.#indexes.get(stay.readPoint);
    if (point === undefined) return false;
    const table = this.#table;
    const zone = this.#zones[point] as number;
    const known = table.find(zone, stay.epcHex);
    if (known === undefined && table.size >= this.#maxTags) return false;
    const slot = known ?? table.claim(zone, stay.epcHex);
    table.firstUs[slot] = stay.firstUs;
    table.lastUs[slot] = stay.lastUs;
    table.silentUs[slot] = nowUs;
    table.reads[slot] = stay.reads;
    table.point[slot] = point;
    table.antenna[slot] = stay.antenna;
    table.device[slot] = this.#deviceIndex(stay.deviceId);
    table.rssiDbm[slot] = stay.rssiDbm ?? NO_RSSI;
    // How often it is read is not known any more.
    table.pauseUs[slot] = ADAPTIVE.firstUs / ADAPTIVE.pauses;
    table.state[slot] = PRESENT;
    return true;
  }

  /** A departure from before a restart. */
  remove(readPoint: string, epcHex: string): void {
    const slot = this.#table.find(this.#zoneOf(readPoint), epcHex);
    if (slot !== undefined && this.#points[this.#table.point[slot] as number]?.id === readPoint)
      this.#table.release(slot);
  }

  #zoneOf(readPoint: string): number {
    return this.#zones[this.#indexes.get(readPoint) ?? -1] ?? -1;
  }

  #isOver(slot: number, nowUs: number): boolean {
    const { state, point, silentUs } = this.#table;
    const at = point[slot] as number;
    if (state[slot] !== PRESENT || this.#deaf[at]) return false;
    return nowUs - (silentUs[slot] as number) > this.#silenceOf(slot, at);
  }

  #silenceOf(slot: number, point: number): number {
    const configured = this.#silenceUs[point] as number;
    if (!Number.isNaN(configured)) return configured;
    const silence = (this.#table.pauseUs[slot] as number) * ADAPTIVE.pauses;
    return Math.min(ADAPTIVE.mostUs, Math.max(ADAPTIVE.leastUs, silence));
  }

  #add(slot: number, point: number, read: TagRead, atUs: number): void {
    const table = this.#table;
    const passedUs = Math.max(0, atUs - (table.lastUs[slot] as number));
    const pauseUs = Math.max(0, atUs - (table.silentUs[slot] as number));
    table.pauseUs[slot] = Math.max((table.pauseUs[slot] as number) * Math.exp(-passedUs / ADAPTIVE.fadeUs), pauseUs);
    table.lastUs[slot] = Math.max(table.lastUs[slot] as number, atUs);
    table.silentUs[slot] = Math.max(table.silentUs[slot] as number, atUs);
    table.reads[slot] = Math.min(0xffff_ffff, (table.reads[slot] as number) + read.reads);
    const rssiDbm = read.rssiDbm === undefined ? NO_RSSI : Math.round(read.rssiDbm);
    if (table.width > 0) this.#weigh({ slot, point, read, passedUs, rssiDbm });
    // What is told of a stay is told of its own read point.
    if (table.point[slot] !== point) return;
    if (table.reads[slot] === read.reads || rssiDbm > (table.rssiDbm[slot] as number)) {
      table.rssiDbm[slot] = rssiDbm;
      table.antenna[slot] = read.antenna;
      table.device[slot] = this.#deviceIndex(read.deviceId);
    }
  }

  /** Signal power of the last seconds, by read point of the zone. Without RSSI each read weighs as one of −60 dBm. */
  #weigh(at: { slot: number; point: number; read: TagRead; passedUs: number; rssiDbm: number }): void {
    const table = this.#table;
    const { scores, width } = table;
    const start = at.slot * width;
    const fade = 2 ** (-at.passedUs / ZONE.halfLifeUs);
    for (let index = start; index < start + width; index++) scores[index] = (scores[index] as number) * fade;
    const own = start + (this.#places[at.point] as number);
    const weight = 10 ** (((at.read.rssiDbm ?? -60) + 60) / 10) * at.read.reads;
    scores[own] = (scores[own] as number) + weight;
    if (table.placeAntenna[own] !== 0 && at.rssiDbm <= (table.placeRssiDbm[own] as number)) return;
    table.placeRssiDbm[own] = at.rssiDbm;
    table.placeAntenna[own] = at.read.antenna;
    table.placeDevice[own] = this.#deviceIndex(at.read.deviceId);
  }

  /** In a zone: the first decision, and a move to another read point. */
  #decide(slot: number, nowUs: number): PresenceChange[] {
    const table = this.#table;
    const members = this.#members[table.zone[slot] as number] as number[];
    if (members.length === 1) return [];
    const strongest = this.#strongest(slot, members);
    if (table.state[slot] === SETTLING) {
      return nowUs - (table.firstUs[slot] as number) < ZONE.settleUs ? [] : [this.#arrive(slot, strongest)];
    }
    const point = table.point[slot] as number;
    if (table.state[slot] !== PRESENT || strongest === point || !this.#isClearlyStronger(slot, strongest, point)) {
      table.rivalUs[slot] = Number.NaN;
      return [];
    }
    const since = table.rivalUs[slot] as number;
    if (table.rival[slot] !== strongest || Number.isNaN(since)) {
      table.rival[slot] = strongest;
      table.rivalUs[slot] = nowUs;
      return [];
    }
    if (nowUs - since < ZONE.rivalUs) return [];
    return this.#move(slot, strongest, since);
  }

  #strongest(slot: number, members: readonly number[]): number {
    const { scores, width } = this.#table;
    let best = 0;
    for (let place = 1; place < members.length; place++) {
      if ((scores[slot * width + place] as number) > (scores[slot * width + best] as number)) best = place;
    }
    return members[best] as number;
  }

  #isClearlyStronger(slot: number, rival: number, point: number): boolean {
    const { scores, width } = this.#table;
    const scoreOf = (each: number) => scores[slot * width + (this.#places[each] as number)] as number;
    return scoreOf(rival) > scoreOf(point) * ZONE.clearlyStronger;
  }

  /** The tag went from one read point of the zone to another, at the moment from which the other one was stronger. */
  #move(slot: number, to: number, sinceUs: number): PresenceChange[] {
    const table = this.#table;
    const from = slot * table.width;
    const scores = table.scores.slice(from, from + table.width);
    const own = from + (this.#places[to] as number);
    const rssiDbm = table.placeRssiDbm[own] as number;
    const antenna = table.placeAntenna[own] as number;
    const device = table.placeDevice[own] as number;
    const lastUs = table.lastUs[slot] as number;
    const silentUs = table.silentUs[slot] as number;
    const pauseUs = table.pauseUs[slot] as number;
    const departed = this.#depart(slot);
    departed.lastUs = Math.max(departed.firstUs, sinceUs);
    // The same slot again most likely, with another tenant.
    const next = table.claim(this.#zones[to] as number, departed.epcHex);
    table.scores.set(scores, next * table.width);
    const place = next * table.width + (this.#places[to] as number);
    table.placeRssiDbm[place] = rssiDbm;
    table.placeAntenna[place] = antenna;
    table.placeDevice[place] = device;
    table.firstUs[next] = sinceUs;
    table.lastUs[next] = lastUs;
    table.silentUs[next] = silentUs;
    table.pauseUs[next] = pauseUs;
    table.reads[next] = 1;
    return [departed, this.#arrive(next, to)];
  }

  #arrive(slot: number, point: number): PresenceChange {
    const table = this.#table;
    if (table.width > 0) {
      const place = slot * table.width + (this.#places[point] as number);
      table.rssiDbm[slot] = table.placeRssiDbm[place] as number;
      table.antenna[slot] = table.placeAntenna[place] as number;
      table.device[slot] = table.placeDevice[place] as number;
    }
    table.point[slot] = point;
    table.state[slot] = ARRIVING;
    return { kind: 'arrived', slot, token: table.token[slot] as number, ...this.#stay(slot) };
  }

  #depart(slot: number): PresenceChange {
    const change: PresenceChange = {
      kind: 'departed',
      slot,
      token: this.#table.token[slot] as number,
      ...this.#stay(slot),
    };
    this.#table.release(slot);
    this.#leaving.set(change.token, change);
    return change;
  }

  #evict(changes: PresenceChange[]): void {
    const { state, silentUs, high } = this.#table;
    const present: number[] = [];
    for (let slot = 0; slot < high; slot++) if (state[slot] === PRESENT) present.push(slot);
    present.sort((a, b) => (silentUs[a] as number) - (silentUs[b] as number));
    const count = Math.max(1, this.#maxTags >> EVICTED_SHIFT);
    for (const slot of present.slice(0, count)) changes.push(this.#depart(slot));
  }

  #stay(slot: number): Stay {
    const table = this.#table;
    const rssiDbm = table.rssiDbm[slot] as number;
    return {
      readPoint: this.#points[table.point[slot] as number]?.id ?? '',
      deviceId: this.#devices[table.device[slot] as number] ?? '',
      epcHex: table.epc(slot),
      antenna: table.antenna[slot] as number,
      ...(rssiDbm === NO_RSSI ? {} : { rssiDbm }),
      reads: table.reads[slot] as number,
      firstUs: table.firstUs[slot] as number,
      lastUs: table.lastUs[slot] as number,
    };
  }

  #deviceIndex(deviceId: string): number {
    const known = this.#devices.indexOf(deviceId);
    return known < 0 ? this.#devices.push(deviceId) - 1 : known;
  }
}

/** NaN: adaptive. */
function silenceUsOf({ tagDepartedAfterMs }: PresencePoint): number {
  return tagDepartedAfterMs === 'adaptive' ? Number.NaN : tagDepartedAfterMs * 1000;
}
