/**
 * Compares what gateways say of their records with what this hub has seen of them (design, section 3.8): the conservation law across the wire.
 * A contradiction that lasts is an alert, raised once and cleared when the two agree again. What was reported stands in the page of the lane
 * (sequence-page.ts), which is committed with the alert: whoever takes the partition over goes on from there.
 *
 *  - What a gateway counts as delivered, the hub has seen: acknowledged records are in the log, and the log was read.
 *  - What the hub has seen, a gateway has accepted: nothing is invented.
 *  - Of a gateway with nothing pending, the hub lacks nothing, and knows no more as lost than the gateway gave up or skipped. (Less it may: what
 *    was given up may have arrived before, its acknowledgement lost. Losses are told in the alert lane, so nothing may be pending there.)
 *
 * Statuses are older than batches, and batches older than what was read of the log: a contradiction counts once it has stood for `graceMs`
 * though the log was read to its end, and against statuses that were heard for half of that after it began. Pure.
 */
import type { GatewayStatus, LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { BookKey, Claim, HubLedger } from './sequence-book.ts';

export interface Contradiction extends BookKey {
  message: string;
}

/** A lane as the hub knows it. */
export interface Audited {
  key: BookKey;
  ledger: HubLedger;
  /** Reported, and not yet cleared. */
  contradicted?: Claim | undefined;
}

/** A lane as its gateway counts it. */
type Claimed = LaneLedger & {
  unused: number;
  /** Pending in the alert lane: among them may be what it has to say of its losses. */
  statements: number;
};

interface Heard {
  epoch: string;
  lane(lane: Lane): Claimed;
  atMs: number;
  /** Names the status itself: a repetition has the same. */
  said: string | undefined;
}

interface Doubt {
  sinceMs: number;
  /** Of the moment when the doubt began: a claim is judged against its own. */
  claim: Claim;
  /** When a status was first heard after that. It may still have been said before: queues give late what they hold. */
  newsMs: number | undefined;
}

const MAX_GATEWAYS = 200_000;

export class LedgerAudit {
  readonly #graceMs: number;
  readonly #heard = new Map<string, Heard>();
  readonly #doubts = new Map<string, Doubt>();

  constructor(options: { graceMs?: number } = {}) {
    this.#graceMs = options.graceMs ?? 60_000;
  }

  /** A gateway said what it knows of itself, at `nowMs` (monotonic). */
  heard(status: GatewayStatus, nowMs: number): void {
    const { gatewayId, epoch, outbox } = status;
    if (epoch === undefined || outbox === undefined) return;
    if (!this.#heard.has(gatewayId) && this.#heard.size >= MAX_GATEWAYS) return;
    const statements = outbox.lanes.alert.pending;
    const lane = (name: Lane) => ({ ...outbox.lanes[name], unused: outbox.unused?.[name] ?? 0, statements });
    const said = status.atMs === undefined ? undefined : `${status.bootId}/${status.atMs}`;
    const heard: Heard = { epoch, lane, atMs: nowMs, said };
    const before = this.#heard.get(gatewayId);
    if (before?.epoch !== epoch || isNews(heard, before)) this.#heard.set(gatewayId, heard);
  }

  /**
   * @param ledgers What the hub knows, of the partitions that this process holds.
   * @param caughtUp Whether the log was read to its end.
   * @returns What is to be reported, and marked in its page: raised with its claim.
   */
  review(
    nowMs: number,
    ledgers: Iterable<Audited>,
    caughtUp: boolean,
  ): { raised: (Contradiction & { claim: Claim })[]; cleared: Contradiction[] } {
    const raised: (Contradiction & { claim: Claim })[] = [];
    const cleared: Contradiction[] = [];
    for (const { key, ledger, contradicted } of ledgers) {
      const heard = this.#heard.get(key.gatewayId);
      const theirs = heard?.epoch === key.epoch ? heard.lane(key.lane) : undefined;
      if (!heard || !theirs) continue;
      const name = `${key.gatewayId}/${key.epoch}/${key.lane}`;
      let doubt = this.#doubts.get(name);
      if (contradicted && !doubt) {
        // Reported by whoever held the partition before: what was heard so far may be older than that.
        doubt = { sinceMs: nowMs, claim: contradicted, newsMs: undefined };
        this.#doubts.set(name, doubt);
      }
      if (doubt && heard.atMs > doubt.sinceMs) doubt.newsMs ??= heard.atMs;
      const message = contradiction(theirs, ledger, contradicted ?? doubt?.claim);
      const isOld = doubt !== undefined && nowMs - doubt.sinceMs >= this.#graceMs;
      if (contradicted) {
        if (message !== undefined || !isOld) continue;
        this.#doubts.delete(name);
        cleared.push({ ...key, message: 'gateway and hub agree again' });
      } else if (message === undefined) {
        this.#doubts.delete(name);
      } else if (!doubt) {
        const claim = { delivered: theirs.delivered, highest: ledger.highest };
        this.#doubts.set(name, { sinceMs: nowMs, claim, newsMs: undefined });
      } else if (isOld && caughtUp && this.#isHeld(doubt, heard)) {
        raised.push({ ...key, message, claim: doubt.claim });
      }
    }
    return { raised, cleared };
  }

  /** The gateway has said so again, well after the doubt began. */
  #isHeld({ newsMs }: Doubt, { atMs }: Heard): boolean {
    return newsMs !== undefined && atMs - newsMs >= this.#graceMs / 2;
  }
}

/** Not what a broker gives again (its retained copy, a repetition) or late: a gateway's sequences only ever grow. */
function isNews(heard: Heard, before: Heard): boolean {
  if (heard.said !== undefined && heard.said === before.said) return false;
  return LANES.every((lane) => givenOut(heard.lane(lane)) >= givenOut(before.lane(lane)));
}

function givenOut({ accepted, unused }: Claimed): number {
  return accepted + unused;
}

/** Why the two ledgers cannot both be true; undefined when they can. */
function contradiction(theirs: Claimed, ours: HubLedger, claim?: Claim): string | undefined {
  const delivered = claim?.delivered ?? theirs.delivered;
  if (delivered > ours.seen)
    return `the gateway counts ${delivered} records as delivered, the hub has seen ${ours.seen}`;
  const given = givenOut(theirs);
  const highest = claim?.highest ?? ours.highest;
  if (highest > given) return `the hub knows of record ${highest}, the gateway has given out ${given}`;
  const givenUp = theirs.evicted + theirs.quarantined + theirs.unused;
  if (theirs.pending > 0 || theirs.statements > 0 || given !== ours.highest) return undefined;
  if (ours.missing > 0) return `the gateway has nothing pending, the hub lacks ${ours.missing} records`;
  if (ours.lost > givenUp)
    return `the gateway has given up or skipped ${givenUp} records, the hub knows of ${ours.lost} as lost`;
  return undefined;
}
