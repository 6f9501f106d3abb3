import { describe, expect, it } from 'vitest';
import type { GatewayStatus, LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { LedgerAudit } from './ledger-audit.ts';
import type { Claim, HubLedger } from './sequence-book.ts';

const key = { gatewayId: 'gw', epoch: '00000000000000aa', lane: 'tracking' } as const;
const none: LaneLedger = { accepted: 0, delivered: 0, evicted: 0, quarantined: 0, pending: 0 };

/** @param page What is kept with the ledger: it outlives the process. */
function audit(page: { contradicted?: Claim | undefined } = {}) {
  const audit = new LedgerAudit({ graceMs: 60_000 });
  return {
    hear: (
      ledger: Partial<LaneLedger>,
      nowMs: number,
      epoch: string = key.epoch,
      skipped = 0,
      atMs = nowMs,
      alerts = 0,
    ) => {
      const lanes = {
        alert: { ...none, accepted: alerts, pending: alerts },
        tracking: { ...none, ...ledger },
        telemetry: none,
      };
      const unused = { alert: 0, tracking: skipped, telemetry: 0 };
      const status: GatewayStatus = {
        version: 1,
        gatewayId: 'gw',
        online: true,
        epoch,
        bootId: 1,
        atMs,
        outbox: { mode: 'ok', lanes, unused },
      };
      audit.heard(status, nowMs);
    },
    review: (ledger: Partial<HubLedger>, nowMs: number, caughtUp = true) => {
      const ours = { highest: 0, seen: 0, lost: 0, missing: 0, ...ledger };
      const { raised, cleared } = audit.review(nowMs, [{ key, ledger: ours, ...page }], caughtUp);
      for (const { claim } of raised) page.contradicted = claim;
      if (cleared.length > 0) page.contradicted = undefined;
      return [...raised.map(({ message }) => message), ...cleared.map(({ message }) => message)];
    },
  };
}

describe('LedgerAudit', () => {
  it('reports acknowledged records that the hub has not, once, and that they are there again', () => {
    const { hear, review } = audit();
    hear({ accepted: 100, delivered: 100 }, 0);
    expect(review({ highest: 90, seen: 90 }, 0)).toEqual([]);
    hear({ accepted: 100, delivered: 100 }, 15_000);
    expect(review({ highest: 90, seen: 90 }, 20_000)).toEqual([]);
    hear({ accepted: 100, delivered: 100 }, 45_000);
    expect(review({ highest: 90, seen: 90 }, 59_000)).toEqual([]);
    expect(review({ highest: 90, seen: 90 }, 60_000)).toEqual([
      'the gateway counts 100 records as delivered, the hub has seen 90',
    ]);
    expect(review({ highest: 90, seen: 90 }, 70_000)).toEqual([]);
    expect(review({ highest: 100, seen: 100 }, 80_000)).toEqual(['gateway and hub agree again']);
    expect(review({ highest: 100, seen: 100 }, 90_000)).toEqual([]);
  });

  it('reports again what was not kept', () => {
    const page: { contradicted?: Claim | undefined } = {};
    const { hear, review } = audit(page);
    const theirs = { accepted: 100, delivered: 100 };
    const ours = { highest: 90, seen: 90 };
    for (const atMs of [0, 15_000, 50_000]) {
      hear(theirs, atMs);
      expect(review(ours, atMs)).toEqual([]);
    }
    expect(review(ours, 60_000)).toHaveLength(1);
    page.contradicted = undefined;
    expect(review(ours, 65_000)).toHaveLength(1);
    expect(review(ours, 70_000)).toEqual([]);
  });

  it('whoever takes over reports nothing a second time, and the end when it has lasted', () => {
    const page: { contradicted?: Claim | undefined } = { contradicted: { delivered: 100, highest: 90 } };
    const { hear, review } = audit(page);
    // What the gateway said before, which would agree.
    hear({ accepted: 90, delivered: 80, pending: 10 }, 0);
    expect(review({ highest: 90, seen: 100 }, 0)).toEqual([]);
    for (let n = 1; n < 40; n++) {
      hear({ accepted: 100 + n, delivered: 100 + n }, n * 5_000);
      expect(review({ highest: 90 + n, seen: 90 }, n * 5_000)).toEqual([]);
    }
    expect(review({ highest: 139, seen: 139 }, 200_000)).toEqual(['gateway and hub agree again']);
    expect(review({ highest: 139, seen: 139 }, 205_000)).toEqual([]);
  });

  it('whoever takes over waits before it says that it is over', () => {
    const { hear, review } = audit({ contradicted: { delivered: 100, highest: 90 } });
    hear({ accepted: 100, delivered: 100 }, 0);
    for (let n = 0; n < 12; n++) expect(review({ highest: 100, seen: 100 }, n * 5_000)).toEqual([]);
    expect(review({ highest: 100, seen: 100 }, 60_000)).toEqual(['gateway and hub agree again']);
  });

  it('is silent while the hub lags behind, or follows the gateway at a distance', () => {
    const { hear, review } = audit();
    for (let n = 0; n < 100; n++) {
      hear({ accepted: n * 100, delivered: n * 100 }, n * 15_000);
      expect(review({ highest: n * 100 - 50, seen: n * 100 - 50 }, n * 15_000)).toEqual([]);
    }
    hear({ accepted: 99_999, delivered: 99_999 }, 2_000_000);
    for (let n = 0; n < 100; n++)
      expect(review({ highest: 9_000, seen: 9_000 }, 2_000_000 + n * 5_000, false)).toEqual([]);
  });

  it('takes nothing old for news: neither what the broker kept and gives again, nor what comes late', () => {
    const { hear, review } = audit();
    hear({ accepted: 10, delivered: 10 }, 0);
    expect(review({ highest: 20, seen: 20 }, 5_000)).toEqual([]);
    hear({ accepted: 10, delivered: 10 }, 70_000, key.epoch, 0, 0);
    expect(review({ highest: 20, seen: 20 }, 70_000)).toEqual([]);
    hear({ accepted: 20, delivered: 20 }, 71_000);
    expect(review({ highest: 20, seen: 20 }, 75_000)).toEqual([]);
    hear({ accepted: 12, delivered: 12 }, 76_000, key.epoch, 0, 1_000);
    for (let n = 0; n < 30; n++) expect(review({ highest: 20, seen: 20 }, 80_000 + n * 5_000)).toEqual([]);
    // A queue gives what was said before all at once, and the gateway says nothing any more.
    for (const given of [21, 22]) hear({ accepted: given, delivered: given }, 300_000, key.epoch, 0, given);
    for (let n = 0; n < 30; n++) expect(review({ highest: 25, seen: 25 }, 299_000 + n * 5_000)).toEqual([]);
  });

  it('waits for what a gateway has yet to say of its losses', () => {
    const { hear, review } = audit();
    for (let n = 0; n < 30; n++) {
      hear({ accepted: 10, delivered: 7, evicted: 3 }, n * 5_000, key.epoch, 0, n * 5_000, 1);
      expect(review({ highest: 10, seen: 7, missing: 3 }, n * 5_000)).toEqual([]);
    }
  });

  it('reports records that nobody accepted', () => {
    const { hear, review } = audit();
    hear({ accepted: 10, delivered: 10 }, 0);
    expect(review({ highest: 12, seen: 12 }, 1_000)).toEqual([]);
    hear({ accepted: 12, delivered: 12 }, 15_000);
    // The first doubt is settled; the next one begins.
    expect(review({ highest: 14, seen: 14 }, 20_000)).toEqual([]);
    expect(review({ highest: 14, seen: 14 }, 25_000)).toEqual([]);
    hear({ accepted: 13, delivered: 13 }, 30_000);
    expect(review({ highest: 14, seen: 14 }, 35_000)).toEqual([]);
    hear({ accepted: 13, delivered: 13 }, 60_000);
    expect(review({ highest: 14, seen: 14 }, 84_000)).toEqual([]);
    expect(review({ highest: 14, seen: 14 }, 85_000)).toEqual([
      'the hub knows of record 14, the gateway has given out 13',
    ]);
  });

  it('reports losses that only one side knows of, once nothing is under way', () => {
    const { hear, review } = audit();
    const theirs = { accepted: 10, delivered: 6, evicted: 3, quarantined: 1 };
    hear({ ...theirs, delivered: 5, pending: 1 }, 0);
    expect(review({ highest: 10, seen: 6, lost: 3, missing: 1 }, 0)).toEqual([]);
    hear(theirs, 15_000);
    expect(review({ highest: 10, seen: 6, lost: 3, missing: 1 }, 15_000)).toEqual([]);
    hear(theirs, 30_000);
    expect(review({ highest: 10, seen: 6, lost: 3, missing: 1 }, 30_000)).toEqual([]);
    hear(theirs, 60_000);
    expect(review({ highest: 10, seen: 6, lost: 3, missing: 1 }, 80_000)).toEqual([
      'the gateway has nothing pending, the hub lacks 1 records',
    ]);
    // Given up after it had arrived, its acknowledgement lost: the hub has it.
    expect(review({ highest: 10, seen: 7, lost: 3 }, 90_000)).toEqual(['gateway and hub agree again']);
  });

  it('knows that skipped sequences are no records', () => {
    const { hear, review } = audit();
    for (const atMs of [0, 15_000, 90_000]) {
      hear({ accepted: 10, delivered: 10 }, atMs, key.epoch, 1000);
      expect(review({ highest: 1010, seen: 10, lost: 1000 }, atMs)).toEqual([]);
    }
  });

  it('compares nothing with an earlier outbox of the same gateway', () => {
    const { hear, review } = audit();
    hear({ accepted: 100, delivered: 100 }, 0, '00000000000000bb');
    expect(review({ highest: 5, seen: 5 }, 0)).toEqual([]);
    expect(review({ highest: 5, seen: 5 }, 100_000)).toEqual([]);
  });
});
