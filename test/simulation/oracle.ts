/**
 * The oracle: knows what the app was promised, looks at everything that becomes durable at the hub, and compares (design, section 3).
 *
 * At every step
 * - a sequence is given out once; what comes out is what was put in, under the identity that was promised, once;
 * - what the hub has seen is in its log, and stays seen; what a gateway counts as delivered is in the hub's log;
 * - each lane's ledger balances; only damage to a disk, never a crash, lets an accepted record be stated as quarantined;
 * - nothing is published while disconnected; per-device order in package-events where the log had it (see `#inOrder`).
 * At the end, when everything has drained
 * - every accepted record came out exactly once, or the gateway has stated it as evicted or quarantined;
 * - both sides' ledgers agree with each other and with what the oracle counted; no gap alarm is open (gap-oracle.ts).
 */
import { isBalanced } from '../../edge/ops/report.ts';
import type { Outbox } from '../../edge/outbox/outbox.ts';
import { type StoredRecord, TOPICS } from '../../hub/log/event-log.ts';
import type { Processor } from '../../hub/process/processor.ts';
import type { Point } from '../../hub/timeseries/time-series.ts';
import { fold } from '../../hub/tracking/state.ts';
import { IntervalSet } from '../../protocols/base/intervals.ts';
import { readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { eventIdOf, LANES } from '../../protocols/uplink/identity.ts';
import type { RangePayload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { GapOracle } from './gap-oracle.ts';
import type { DiskFault } from './sim-disk.ts';
import type { LogWitness } from './sim-log.ts';
import { REFUSED_ABOVE_CELSIUS } from './sim-series.ts';
import type { Destination, Offered } from './workload.ts';
import type { World } from './world.ts';

/** What the oracle looks at of a box, and of the hub, when it compares. */
export interface Box {
  id: string;
  outbox: Outbox | undefined;
  disk: { damaged: boolean };
}

interface Claim {
  gatewayId: string;
  offered: Offered;
  fate: 'open' | 'accepted' | 'rejected';
  key: string;
  sequence: number;
  /** Lives of the gateway that had ended when it was offered or rejected. */
  deaths: number;
  out: Destination | undefined;
}

/** One lane of one epoch of a gateway. */
interface LaneRecord {
  promised: Map<number, Claim>;
  highestPromised: number;
  /** In the hub's topic `uplink`. */
  logged: IntervalSet;
  /** By the gateway, as it reached the log. */
  stated: Record<RangePayload['fate'], IntervalSet>;
  /** The hub's book as it was committed. */
  seen: IntervalSet;
  lost: IntervalSet;
  /** Sequences that came out of the log's transactions as something. */
  out: Set<number>;
}

export interface OracleCounts {
  offered: number;
  accepted: number;
  rejected: number;
  delivered: number;
  stated: number;
  gapAlarms: number;
}

export class Oracle implements LogWitness {
  readonly counts: OracleCounts = { offered: 0, accepted: 0, rejected: 0, delivered: 0, stated: 0, gapAlarms: 0 };
  /** The first thing found wrong. */
  failure: string | undefined;
  readonly gaps: GapOracle;
  readonly #world: World;
  readonly #strictOrder: boolean;
  readonly #claims = new Map<string, Claim>();
  readonly #lanes = new Map<string, LaneRecord>();
  readonly #boxes = new Map<string, Box>();
  readonly #deaths = new Map<string, number>();
  readonly #outIds = new Set<string>();
  /** Event id → where it stands, of what the alert lane holds. */
  readonly #alertIds = new Map<string, { key: string; sequence: number }>();
  readonly #points = new Map<string, string>();
  readonly #pointOf = new Map<string, string>();
  readonly #lastOfDevice = new Map<string, number>();
  readonly #events: TrackingEvent[] = [];

  constructor(world: World, options: { strictOrder: boolean }) {
    this.#world = world;
    this.#strictOrder = options.strictOrder;
    this.gaps = new GapOracle(world, (reason) => this.fault(reason));
  }

  fault(reason: string): void {
    if (this.failure !== undefined) return;
    this.failure = `at ${(this.#world.nowUs / 1e6).toFixed(3)} s: ${reason}`;
    this.#world.note(`FAULT ${reason}`);
  }

  watch(box: Box): void {
    this.#boxes.set(box.id, box);
  }

  // What the app and the gateway say.

  offered(gatewayId: string, offered: Offered): void {
    this.counts.offered++;
    const deaths = this.#deathsOf(gatewayId);
    const claim: Claim = { gatewayId, offered, fate: 'open', key: '', sequence: 0, deaths, out: undefined };
    this.#claims.set(claimName(gatewayId, offered.serial), claim);
  }

  accepted(gatewayId: string, serial: number, at: { epoch: string; sequence: number }): void {
    const claim = this.#claimOf(gatewayId, serial);
    if (!claim) {
      this.fault(`${gatewayId}: something was accepted that nobody offered`);
      return;
    }
    this.counts.accepted++;
    Object.assign(claim, {
      fate: 'accepted',
      key: `${gatewayId}/${at.epoch}/${claim.offered.lane}`,
      sequence: at.sequence,
    });
    const lane = this.#lane(claim.key);
    const { promised, logged } = lane;
    const known = promised.get(at.sequence);
    if (known) this.fault(`${claim.key} ${at.sequence} was promised to ${known.offered.serial} and to ${serial}`);
    if (logged.has(at.sequence) && this.#isStale(claim)) {
      this.fault(`${claim.key} ${at.sequence} was given to ${serial}, but the hub knows another record by it`);
    }
    promised.set(at.sequence, claim);
    lane.highestPromised = Math.max(lane.highestPromised, at.sequence);
    this.#world.note(`${claim.key} ${at.sequence} accepted: ${serial}`);
  }

  rejected(gatewayId: string, serial: number, { code, isOwed }: { code: string; isOwed: boolean }): void {
    const claim = this.#claimOf(gatewayId, serial);
    this.counts.rejected++;
    if (claim) Object.assign(claim, { fate: 'rejected', deaths: this.#deathsOf(gatewayId) });
    this.#world.note(`${gatewayId} ${serial} rejected: ${code}`);
    if (isOwed && code !== 'outbox-closed') this.fault(`${gatewayId} refuses a record for no reason: ${code}`);
  }

  started(gatewayId: string): void {
    this.#checkBox(gatewayId);
  }

  didNotStop(gatewayId: string, error: Error): void {
    this.fault(`${gatewayId} does not stop: ${error.stack}`);
  }

  didNotStart(gatewayId: string, why: { error: Error; diskFault: DiskFault | undefined }): void {
    if (why.diskFault === undefined) this.fault(`${gatewayId} does not start: ${why.error.stack}`);
  }

  died(gatewayId: string): void {
    this.#deaths.set(gatewayId, this.#deathsOf(gatewayId) + 1);
  }

  acknowledged(gatewayId: string): void {
    this.#checkBox(gatewayId);
  }

  publishedWhileDown(gatewayId: string, topic: string): void {
    this.fault(`${gatewayId} publishes on ${topic} while it is disconnected`);
  }

  heardStatus({ gatewayId, epoch, outbox }: GatewayStatus): void {
    if (!outbox) return;
    if (!isBalanced(outbox.lanes)) this.fault(`${gatewayId} reports a ledger that does not balance`);
    for (const lane of LANES) {
      const { logged } = this.#lane(`${gatewayId}/${epoch}/${lane}`);
      const { delivered, evicted, quarantined } = outbox.lanes[lane];
      if (delivered > logged.count() + evicted + quarantined) {
        this.fault(`${gatewayId} reports ${delivered} ${lane} delivered; the hub's log has ${logged.count()}`);
      }
    }
  }

  // What becomes durable at the hub.

  logged(record: StoredRecord): void {
    if (record.topic !== TOPICS.uplink || !record.value) return;
    const header = readBatchHeader(record.value);
    const { epoch, lane, firstSequence: first, count } = header;
    const last = first + count - 1;
    const key = `${record.key}/${epoch}/${lane}`;
    this.#world.note(`uplink ${record.partition}/${record.offset}: ${key} ${first}-${last}`);
    this.#lane(key).logged.add(first, last);
    const outbox = this.#boxes.get(record.key)?.outbox;
    const written = outbox?.epoch === epoch ? outbox.lastSequence(lane) : 0;
    // 0: a lane whose disk has not answered yet knows of nothing.
    if (written > 0 && written < last) this.fault(`${key} ${last} was never written`);
    if (lane === 'alert')
      for (const item of readBatchRecords(header)) if ('record' in item) this.#alertLogged(key, item);
  }

  committed(group: string, records: readonly StoredRecord[]): void {
    for (const record of records) {
      if (record.topic === TOPICS.packageEvents) this.#eventOut(record);
      else if (record.topic === TOPICS.alerts) this.#alertOut(JSON.parse(String(record.value)) as AlertMessage);
      else if (record.topic === TOPICS.deadLetters) this.#deadLetterOut(record);
      else if (record.topic === TOPICS.gatewaySequences) this.#bookOut(record, group);
    }
    this.#world.note(`${group} commits ${records.map(({ topic, key }) => `${topic}:${key}`).join(' ')}`);
  }

  disturbed(group: string): void {
    this.gaps.disturbed(group);
  }

  pointStored(place: string, { tags, fields, subMsNs }: Point): void {
    const gatewayId = tags.gateway ?? '';
    const name = claimName(gatewayId, Number(fields.temperatureCelsius));
    const there = this.#points.get(place);
    if (there !== undefined && there !== name) this.fault(`the point of ${there} is replaced by that of ${name}`);
    const elsewhere = this.#pointOf.get(name);
    if (elsewhere !== undefined && elsewhere !== place) this.fault(`${name} has two points: ${elsewhere} and ${place}`);
    this.#points.set(place, name);
    this.#pointOf.set(name, place);
    const claim = this.#claims.get(name);
    if (!claim) {
      this.fault(`a point that nobody offered: ${place}`);
      return;
    }
    if (claim.fate === 'accepted' && claim.sequence % 1_000_000 !== subMsNs)
      this.fault(`the point of ${name} has another's time`);
    this.#cameOut(claim, 'time-series');
  }

  /** Looked at now and then, with the world at rest. */
  check(): void {
    for (const gatewayId of this.#boxes.keys()) this.#checkBox(gatewayId);
    this.gaps.check();
  }

  // The end.

  /** Everything has drained: what was promised and what came out must be the same. */
  final(boxes: readonly Box[], processors: readonly Processor[]): void {
    for (const claim of this.#claims.values()) this.#finalClaim(claim);
    for (const box of boxes) this.#finalBox(box);
    this.#finalHub(processors);
    this.gaps.final();
    this.#finalFold();
  }

  #finalClaim({ gatewayId, offered, fate, key, sequence, deaths, out }: Claim): void {
    const name = `${key} ${sequence} (${claimName(gatewayId, offered.serial)})`;
    if (fate === 'open' && deaths === this.#deathsOf(gatewayId) && this.#boxes.get(gatewayId)?.outbox) {
      this.fault(`${name} was neither accepted nor rejected`);
      return;
    }
    if (fate !== 'accepted') return;
    if (out !== undefined) {
      this.counts.delivered++;
      return;
    }
    if (all(this.#lane(key).stated).has(sequence)) this.counts.stated++;
    else if (this.#isOfThisEpoch(key)) this.fault(`${name} was accepted, did not come out, and is not stated as lost`);
  }

  #finalBox({ id, outbox, disk }: Box): void {
    if (!outbox) {
      this.fault(`${id} is not running at the end`);
      return;
    }
    const ledger = outbox.ledger();
    const unused = outbox.unused();
    for (const lane of LANES) {
      const key = `${id}/${outbox.epoch}/${lane}`;
      const { logged, seen, lost, stated } = this.#lane(key);
      const { accepted, delivered, evicted, quarantined, pending } = ledger[lane];
      const highest = accepted + unused[lane];
      const told = `${key}: gateway ${JSON.stringify(ledger[lane])} unused ${unused[lane]}, hub seen ${text(seen)} lost ${text(lost)}, log ${text(logged)}`;
      if (pending !== 0) this.fault(`still pending; ${told}`);
      if (text(seen) !== text(logged)) this.fault(`the hub's log and its book differ; ${told}`);
      const known = union(seen, lost);
      if (text(known) !== (highest > 0 ? `1-${highest}` : '')) this.fault(`the ledgers differ; ${told}`);
      const given = all(stated);
      if (text(union(given, lost)) !== text(given)) this.fault(`the hub counts as lost what was not stated; ${told}`);
      // A box whose cursor was damaged counts anew from what it finds.
      if (disk.damaged) continue;
      if (delivered > seen.count()) this.fault(`more delivered than seen; ${told}`);
      if (evicted + quarantined + unused[lane] > given.count())
        this.fault(`more lost than stated (${text(given)}); ${told}`);
      if (accepted - delivered !== evicted + quarantined) this.fault(`does not balance; ${told}`);
    }
  }

  #finalHub(processors: readonly Processor[]): void {
    for (const lane of LANES) {
      const sum = { seen: 0, lost: 0, missing: 0 };
      for (const ledger of processors.filter(({ lanes }) => lanes.includes(lane)).map((each) => each.ledger()[lane])) {
        sum.seen += ledger.seen;
        sum.lost += ledger.lost;
        sum.missing += ledger.missing;
        if (ledger.highest !== ledger.seen + ledger.lost + ledger.missing)
          this.fault(`the hub's ledger of ${lane} does not balance`);
      }
      let seen = 0;
      let lost = 0;
      for (const [key, record] of this.#lanes) {
        if (!key.endsWith(`/${lane}`)) continue;
        seen += record.logged.count();
        lost += union(record.lost, record.seen).count() - record.seen.count();
      }
      if (sum.seen !== seen || sum.lost !== lost || sum.missing !== 0) {
        this.fault(
          `the hub's ledger of ${lane} says ${JSON.stringify(sum)}; counted: seen ${seen}, lost ${lost}, missing 0`,
        );
      }
    }
  }

  /** A package's state does not depend on the order in which its events came. */
  #finalFold(): void {
    const packages = new Map<string, TrackingEvent[]>();
    for (const event of this.#events) packages.set(event.packageId, [...(packages.get(event.packageId) ?? []), event]);
    for (const [packageId, events] of packages) {
      const there = JSON.stringify(fold(events));
      if (there !== JSON.stringify(fold([...events].reverse())))
        this.fault(`the state of ${packageId} depends on the order`);
    }
  }

  // Single outputs.

  #eventOut(record: StoredRecord): void {
    const event = JSON.parse(String(record.value)) as TrackingEvent;
    const { source } = event;
    const serial = Number.parseInt(event.data.scanned, 10);
    this.#once(event.eventId, `event of ${source.gatewayId} ${source.lane} ${source.sequence}`);
    if (eventIdOf(source) !== event.eventId) this.fault(`event ${event.eventId} is not named by its identity`);
    const claim = this.#claimOf(source.gatewayId, serial);
    if (!claim) {
      this.fault(`an event that nobody offered: ${source.gatewayId} ${event.data.scanned}`);
      return;
    }
    const key = `${source.gatewayId}/${source.epoch}/${source.lane}`;
    this.#identified(claim, key, source.sequence);
    this.#cameOut(claim, 'package-events');
    this.#inOrder(`${record.partition} ${key} ${source.deviceId}`, source.sequence);
    this.#events.push(event);
  }

  #alertOut(alert: AlertMessage): void {
    this.#once(alert.eventId, `alert ${alert.alertId} ${alert.phase}`);
    if (alert.ruleId === 'sequence-gap') {
      if (alert.phase === 'raised') this.counts.gapAlarms++;
      this.gaps.alarm(alert);
      return;
    }
    if (alert.ruleId === 'conservation') {
      // A damaged disk may have forgotten what the gateway knew of itself.
      if (!this.#boxes.get(alert.gatewayId)?.disk.damaged) this.fault(`the hub sees a violation: ${alert.message}`);
      return;
    }
    const claim = this.#claimOf(alert.gatewayId, alert.value);
    const at = this.#alertIds.get(alert.eventId);
    if (!claim || !at) {
      this.fault(`an alert that nobody offered: ${alert.gatewayId} ${alert.alertId}`);
      return;
    }
    this.#identified(claim, at.key, at.sequence);
    this.#cameOut(claim, 'alerts');
  }

  #deadLetterOut({ key: gatewayId, value, headers }: StoredRecord): void {
    const { epoch, lane, code } = headers ?? {};
    const sequence = Number(headers?.sequence);
    if (epoch === undefined || lane === undefined) {
      this.fault(`a batch of ${gatewayId} became a dead letter: ${code}`);
      return;
    }
    const key = `${gatewayId}/${epoch}/${lane}`;
    this.#once(`${key} ${sequence}`, `dead letter of ${key} ${sequence}`);
    const claim = this.#lane(key).promised.get(sequence) ?? this.#openClaimWith(gatewayId, value);
    if (!claim) {
      this.fault(`a dead letter that nobody offered: ${key} ${sequence} ${code}`);
      return;
    }
    if (value?.equals(claim.offered.payload) !== true)
      this.fault(`the dead letter of ${key} ${sequence} has lost its bytes`);
    this.#identified(claim, key, sequence);
    this.#cameOut(claim, 'dead-letters');
  }

  #bookOut(record: StoredRecord, group: string): void {
    const { seen: seenPairs, lost: lostPairs } = JSON.parse(String(record.value)) as Record<
      'seen' | 'lost',
      [number, number][]
    >;
    const lane = this.#lane(record.key);
    const seen = setOf(seenPairs);
    const lost = setOf(lostPairs);
    if (!holds(seen, lane.seen))
      this.fault(`${record.key}: the hub forgets what it has seen: ${text(lane.seen)}, now ${text(seen)}`);
    if (!holds(union(lost, seen), lane.lost)) this.fault(`${record.key}: the hub forgets what was stated lost`);
    if (!holds(lane.logged, seen)) this.fault(`${record.key}: seen ${text(seen)}, in the log ${text(lane.logged)}`);
    lane.seen = seen;
    lane.lost = lost;
    this.gaps.book(record.key, { seen, lost, group });
  }

  #alertLogged(key: string, { sequence, record }: { sequence: number; record: { payload: Buffer } }): void {
    const [gatewayId, epoch] = key.split('/') as [string, string];
    let payload: ReturnType<typeof decodePayload>;
    try {
      payload = decodePayload(record.payload);
    } catch {
      return;
    }
    if (payload.kind === 'alert') {
      this.#alertIds.set(eventIdOf({ gatewayId, epoch, lane: 'alert', sequence }), { key, sequence });
    } else if (payload.kind === 'range') this.#statement(gatewayId, epoch, payload);
  }

  #statement(gatewayId: string, epoch: string, { fate, lane, first, last, reason }: RangePayload): void {
    const key = `${gatewayId}/${epoch}/${lane}`;
    const record = this.#lane(key);
    record.stated[fate].add(first, last);
    this.#world.note(`${key} ${first}-${last} stated ${fate}: ${reason}`);
    if (fate === 'evicted' || this.#boxes.get(gatewayId)?.disk.damaged) return;
    for (const sequence of record.promised.keys()) {
      if (sequence < first || sequence > last) continue;
      this.fault(`${key} ${sequence} was accepted, and lost on a disk that is sound: ${reason}`);
    }
  }

  #once(id: string, what: string): void {
    if (this.#outIds.has(id)) this.fault(`twice: ${what}`);
    this.#outIds.add(id);
  }

  /** What comes out under an identity is what was promised under it. */
  #identified(claim: Claim, key: string, sequence: number): void {
    const name = claimName(claim.gatewayId, claim.offered.serial);
    if (claim.fate === 'accepted' && (claim.key !== key || claim.sequence !== sequence)) {
      this.fault(`${name} was accepted as ${claim.key} ${claim.sequence} and comes out as ${key} ${sequence}`);
    }
    const promised = this.#lane(key).promised.get(sequence);
    if (promised && promised !== claim)
      this.fault(`${key} ${sequence} is ${promised.offered.serial}; ${name} comes out`);
    if (claim.fate === 'rejected' && claim.deaths === this.#deathsOf(claim.gatewayId)) {
      this.fault(`${name} was rejected and comes out all the same`);
    }
    this.#lane(key).out.add(sequence);
  }

  #cameOut(claim: Claim, as: Destination): void {
    if (claim.offered.destination !== as) {
      this.fault(
        `${claimName(claim.gatewayId, claim.offered.serial)} belongs into ${claim.offered.destination} and is in ${as}`,
      );
    }
    claim.out = as;
  }

  #inOrder(device: string, sequence: number): void {
    const last = this.#lastOfDevice.get(device) ?? 0;
    if (sequence < last && this.#strictOrder) this.fault(`device ${device}: ${sequence} comes after ${last}`);
    this.#lastOfDevice.set(device, Math.max(last, sequence));
  }

  /** Of a lane as its gateway believes, and as the oracle knows. */
  #checkBox(gatewayId: string): void {
    const box = this.#boxes.get(gatewayId);
    const outbox = box?.outbox;
    if (!box || !outbox) return;
    const ledger = outbox.ledger();
    if (!isBalanced(ledger)) this.fault(`${gatewayId}: ${JSON.stringify(ledger)} does not balance`);
    for (const lane of LANES) {
      const key = `${gatewayId}/${outbox.epoch}/${lane}`;
      const { logged, highestPromised } = this.#lane(key);
      const last = outbox.lastSequence(lane);
      // A lane whose disk has not answered yet knows of nothing, and gives nothing out.
      if (last !== 0 && last < highestPromised)
        this.fault(`${key}: stands at ${last}, but ${highestPromised} was accepted`);
      const { evicted, quarantined } = ledger[lane];
      const lost = evicted + quarantined + outbox.unused()[lane];
      const freed = outbox.firstPending(lane) - 1;
      const unseen = logged.missing(1, freed).reduce((sum, { first, last }) => sum + last - first + 1, 0);
      // A box whose cursor was damaged has forgotten how it lost what is gone.
      if (unseen > lost && !box.disk.damaged) {
        this.fault(`${gatewayId} ${lane}: freed up to ${freed}, but the hub's log lacks ${unseen} of them`);
      }
    }
  }

  #openClaimWith(gatewayId: string, payload: Buffer | null): Claim | undefined {
    for (const claim of this.#claims.values()) {
      if (claim.gatewayId !== gatewayId || claim.fate === 'accepted' || claim.out !== undefined) continue;
      if (payload?.equals(claim.offered.payload)) return claim;
    }
    return undefined;
  }

  #isStale(claim: Claim): boolean {
    return claim.deaths > 0;
  }

  #isOfThisEpoch(key: string): boolean {
    const [gatewayId, epoch] = key.split('/') as [string, string];
    return this.#boxes.get(gatewayId)?.outbox?.epoch === epoch;
  }

  #claimOf(gatewayId: string, serial: number): Claim | undefined {
    return this.#claims.get(
      claimName(gatewayId, serial > REFUSED_ABOVE_CELSIUS ? serial - REFUSED_ABOVE_CELSIUS : serial),
    );
  }

  #deathsOf(gatewayId: string): number {
    return this.#deaths.get(gatewayId) ?? 0;
  }

  #lane(key: string): LaneRecord {
    let lane = this.#lanes.get(key);
    if (!lane) {
      const stated = { evicted: new IntervalSet(), quarantined: new IntervalSet(), unused: new IntervalSet() };
      lane = {
        promised: new Map(),
        highestPromised: 0,
        logged: new IntervalSet(),
        stated,
        seen: new IntervalSet(),
        lost: new IntervalSet(),
        out: new Set(),
      };
      this.#lanes.set(key, lane);
    }
    return lane;
  }
}

function claimName(gatewayId: string, serial: number): string {
  return `${gatewayId}#${serial}`;
}

function setOf(pairs: readonly [number, number][]): IntervalSet {
  return new IntervalSet(pairs.map(([first, last]) => ({ first, last })));
}

function union(a: IntervalSet, b: IntervalSet): IntervalSet {
  return new IntervalSet([...a.intervals, ...b.intervals]);
}

function all({ evicted, quarantined, unused }: LaneRecord['stated']): IntervalSet {
  return union(union(evicted, quarantined), unused);
}

function holds(whole: IntervalSet, part: IntervalSet): boolean {
  return part.intervals.every(({ first, last }) => whole.missing(first, last).length === 0);
}

function text(set: IntervalSet): string {
  return set.intervals.map(({ first, last }) => `${first}-${last}`).join(' ');
}
