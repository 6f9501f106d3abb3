/**
 * Whether the ledger balances. Pure: from what was found in every place to a table per lane and a list of differences; an empty list is
 * the only good result.
 *
 * Names: a record is named by its identity (gateway, epoch, lane, sequence), a scan by the number in its bar code. The gateways say how
 * many records they accepted; since sequences have no holes but those that a gateway states as unused, the accepted ones are exactly the others up
 * to accepted + unused, so each can be looked for by name.
 */
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { eventIdOf, LANES, type Lane } from '../../protocols/uplink/identity.ts';

/** A scan that the writer handed to the port, in the order of its device. */
export interface Emission {
  gatewayId: string;
  deviceId: string;
  text: string;
  /** Wall time, milliseconds since 1970. */
  atMs: number;
}

export interface GatewayEvidence {
  gatewayId: string;
  epoch: string;
  lanes: Record<Lane, LaneLedger>;
  rejected: Record<Lane, number>;
  balanced: boolean;
  /** When the daemon was killed, wall time. */
  deathsMs: readonly number[];
}

/** A message of `package-events`, read with read_committed. */
export interface FoundEvent {
  partition: number;
  offset: number;
  key: string;
  eventId: string;
  packageId: string;
  text: string;
  source: { gatewayId: string; deviceId: string; epoch: string; lane: string; sequence: number };
}

export interface Found {
  gatewayId: string;
  epoch: string;
  sequence: number;
}

export interface HubLane {
  highest: number;
  seen: number;
  lost: number;
  missing: number;
}

/** What a gateway says of a range of its records. */
export interface Statement {
  fate: 'evicted' | 'quarantined' | 'unused';
  lane: Lane;
  first: number;
  last: number;
}

export interface Evidence {
  emissions: readonly Emission[];
  gateways: readonly GatewayEvidence[];
  packageEvents: readonly FoundEvent[];
  /** Event ids in `alerts`, of gateways' own records and of gaps. */
  alertIds: readonly string[];
  /** Alert-lane records in `uplink`, decoded: what each is. */
  alertRecords: readonly (Found & { kind: string; statement?: Statement })[];
  points: readonly Omit<Found, 'epoch'>[];
  deadLetters: number;
  /** Sums over all hub processes. */
  hub: Record<Lane, HubLane>;
  /** Rows of the store's timeline per gateway. */
  timeline: ReadonlyMap<string, number>;
}

export interface LaneTotals {
  /** Handed to the ports; only scans are counted by who wrote them. */
  emitted: number | undefined;
  accepted: number;
  /** Accepted ones that stand at their destination. */
  delivered: number;
  duplicates: number;
  missing: number;
  /** At the destination, and never accepted. */
  invented: number;
  evicted: number;
  quarantined: number;
  pending: number;
  /** Sequences that were never given to a record. */
  unused: number;
}

export interface Verdict {
  ok: boolean;
  lanes: Record<Lane, LaneTotals>;
  /** Scans that were on the wire when a daemon died: handed over, never accepted. */
  notAccepted: number;
  differences: string[];
}

const MAX_NAMED = 8;

export function judge(evidence: Evidence): Verdict {
  const differences: string[] = [];
  const lanes = {
    alert: totals(evidence, 'alert', differences),
    tracking: totals(evidence, 'tracking', differences),
    telemetry: totals(evidence, 'telemetry', differences),
  };
  for (const gateway of evidence.gateways) edgeDifferences(gateway, differences);
  const notAccepted = scanDifferences(evidence, differences);
  orderDifferences(evidence.packageEvents, differences);
  hubDifferences(evidence, lanes, differences);
  if (evidence.deadLetters > 0) differences.push(`dead-letters holds ${evidence.deadLetters} records, none was bad`);
  for (const { gatewayId, lanes: ledger } of evidence.gateways) {
    const rows = evidence.timeline.get(gatewayId) ?? 0;
    const { accepted, evicted, quarantined } = ledger.tracking;
    const expected = accepted - evicted - quarantined;
    if (rows !== expected) differences.push(`${gatewayId}: the store's timeline has ${rows} events, not ${expected}`);
  }
  return { ok: differences.length === 0, lanes, notAccepted, differences };
}

function totals(evidence: Evidence, lane: Lane, differences: string[]): LaneTotals {
  const sums: LaneTotals = {
    emitted: lane === 'tracking' ? evidence.emissions.length : undefined,
    ...{
      accepted: 0,
      delivered: 0,
      duplicates: 0,
      missing: 0,
      invented: 0,
      evicted: 0,
      quarantined: 0,
      pending: 0,
      unused: 0,
    },
  };
  const arrived = arrivals(evidence, lane);
  for (const gateway of evidence.gateways) {
    const { gatewayId } = gateway;
    const { accepted, evicted, quarantined, pending } = gateway.lanes[lane];
    const times = arrived.get(gatewayId) ?? new Map<number, number>();
    const unused = stated(evidence, { gatewayId, lane, fates: ['unused'] });
    const givenUp = stated(evidence, { gatewayId, lane, fates: ['evicted', 'quarantined'] });
    const last = accepted + unused.size;
    const absent: number[] = [];
    for (let sequence = 1; sequence <= last; sequence++) {
      if (!times.has(sequence) && !unused.has(sequence)) absent.push(sequence);
    }
    const missing = absent.filter((sequence) => !givenUp.has(sequence));
    const doubled = [...times].filter(([, count]) => count > 1);
    const invented = [...times.keys()].filter((sequence) => sequence < 1 || sequence > last || unused.has(sequence));
    const name = `${gatewayId} ${lane}`;
    if (missing.length > 0) differences.push(`${name}: missing ${named(missing)}`);
    if (doubled.length > 0) differences.push(`${name}: doubled ${named(doubled.map(([sequence]) => sequence))}`);
    if (invented.length > 0) differences.push(`${name}: never accepted, but delivered ${named(invented)}`);
    sums.accepted += accepted;
    sums.delivered += accepted - absent.length;
    sums.duplicates += doubled.reduce((sum, [, count]) => sum + count - 1, 0);
    sums.missing += missing.length;
    sums.invented += invented.length;
    sums.evicted += evicted;
    sums.quarantined += quarantined;
    sums.pending += pending;
    sums.unused += unused.size;
  }
  const strangers = [...arrived.keys()].filter((id) => !evidence.gateways.some(({ gatewayId }) => gatewayId === id));
  if (strangers.length > 0) differences.push(`${lane}: delivered from nowhere: ${strangers.join(', ')}`);
  return sums;
}

/** How often each sequence of each gateway stands at the lane's destination. Another epoch is another, unknown gateway. */
function arrivals(evidence: Evidence, lane: Lane): Map<string, Map<number, number>> {
  const counts = new Map<string, Map<number, number>>();
  const epochs = new Map(evidence.gateways.map(({ gatewayId, epoch }) => [gatewayId, epoch]));
  const count = (gatewayId: string, sequence: number) => {
    let times = counts.get(gatewayId);
    if (times === undefined) {
      times = new Map();
      counts.set(gatewayId, times);
    }
    times.set(sequence, (times.get(sequence) ?? 0) + 1);
  };
  const owner = ({ gatewayId, epoch }: { gatewayId: string; epoch: string }) =>
    epochs.get(gatewayId) === epoch ? gatewayId : `${gatewayId}/${epoch}`;
  if (lane === 'tracking') {
    for (const { source } of evidence.packageEvents) count(owner(source), source.sequence);
  } else if (lane === 'telemetry') {
    for (const { gatewayId, sequence } of evidence.points) count(gatewayId, sequence);
  } else {
    const published = new Map<string, number>();
    for (const id of evidence.alertIds) published.set(id, (published.get(id) ?? 0) + 1);
    // The uplink topic may hold a record several times; what counts is how often it was published.
    const records = new Map(
      evidence.alertRecords.map((record) => [`${record.gatewayId}/${record.epoch}/${record.sequence}`, record]),
    );
    for (const record of records.values()) {
      const { gatewayId, epoch, sequence, kind } = record;
      const isStatement = kind === 'range' || kind === 'clock';
      const times = isStatement ? 1 : (published.get(eventIdOf({ gatewayId, epoch, lane, sequence })) ?? 0);
      for (let time = 0; time < times; time++) count(owner(record), sequence);
    }
  }
  return counts;
}

function stated(
  evidence: Evidence,
  of: { gatewayId: string; lane: Lane; fates: readonly Statement['fate'][] },
): Set<number> {
  const sequences = new Set<number>();
  for (const { gatewayId, statement } of evidence.alertRecords) {
    if (gatewayId !== of.gatewayId || statement?.lane !== of.lane || !of.fates.includes(statement.fate)) continue;
    for (let sequence = statement.first; sequence <= statement.last; sequence++) sequences.add(sequence);
  }
  return sequences;
}

function edgeDifferences({ gatewayId, lanes, rejected, balanced }: GatewayEvidence, differences: string[]): void {
  for (const lane of LANES) {
    const { accepted, delivered, evicted, quarantined, pending } = lanes[lane];
    if (accepted !== delivered + evicted + quarantined + pending || pending !== 0) {
      differences.push(
        `${gatewayId} ${lane}: accepted ${accepted} = delivered ${delivered} + evicted ${evicted} + quarantined ` +
          `${quarantined} + pending ${pending} does not hold with nothing pending`,
      );
    }
    if (rejected[lane] > 0) differences.push(`${gatewayId} ${lane}: ${rejected[lane]} readings were rejected`);
  }
  if (!balanced) differences.push(`${gatewayId}: says itself that its ledger does not balance`);
}

/**
 * Scans against the writer's book: what arrived was written, once; a daemon accepts in the order of the wire; and what it did not accept
 * was on the wire when it died. Returns the number of the latter.
 */
function scanDifferences({ emissions, gateways, packageEvents }: Evidence, differences: string[]): number {
  const written = new Set(emissions.map(({ text }) => text));
  const events = new Map<string, FoundEvent>();
  for (const event of packageEvents) {
    if (!written.has(event.text))
      differences.push(`${event.source.gatewayId}: a scan that nobody wrote: ${event.text}`);
    const other = events.get(event.text);
    if (other !== undefined && other.eventId !== event.eventId) {
      differences.push(`${event.text}: one scan, two records (${other.source.sequence} and ${event.source.sequence})`);
    }
    if (event.key !== event.packageId) differences.push(`${event.text}: its key is ${event.key}`);
    events.set(event.text, event);
  }
  let notAccepted = 0;
  for (const [device, scans] of groupBy(emissions, ({ gatewayId, deviceId }) => `${gatewayId}/${deviceId}`)) {
    const deaths = gateways.find(({ gatewayId }) => gatewayId === scans[0]?.gatewayId)?.deathsMs ?? [];
    let before: { scan: Emission; sequence: number } | undefined;
    let run = 0;
    for (const scan of scans) {
      const sequence = events.get(scan.text)?.source.sequence;
      if (sequence === undefined) {
        run++;
        continue;
      }
      if (before !== undefined && sequence < before.sequence) {
        differences.push(`${device}: ${scan.text} was accepted before ${before.scan.text}, which came first`);
      }
      const from = before?.scan.atMs ?? Number.NEGATIVE_INFINITY;
      if (run > 0 && before !== undefined && !deaths.some((death) => from <= death && death <= scan.atMs)) {
        differences.push(`${device}: ${run} scans before ${scan.text} were never accepted, and no daemon died there`);
      }
      notAccepted += run;
      run = 0;
      before = { scan, sequence };
    }
    if (run > 0) differences.push(`${device}: the last ${run} scans were never accepted`);
    notAccepted += run;
  }
  return notAccepted;
}

/** Per device the order of the wire: within a partition, and so within a package, a gateway's sequences rise. */
function orderDifferences(events: readonly FoundEvent[], differences: string[]): void {
  for (const [partition, ofPartition] of groupBy(events, (event) => event.partition)) {
    const last = new Map<string, number>();
    const late: number[] = [];
    for (const { source } of ofPartition.toSorted((a, b) => a.offset - b.offset)) {
      const device = `${source.gatewayId}/${source.deviceId}`;
      const highest = last.get(device) ?? 0;
      if (source.sequence < highest) late.push(source.sequence);
      else last.set(device, source.sequence);
    }
    if (late.length > 0) differences.push(`partition ${partition}: behind later ones of their device: ${named(late)}`);
  }
}

function hubDifferences(evidence: Evidence, lanes: Record<Lane, LaneTotals>, differences: string[]): void {
  for (const lane of LANES) {
    const { highest, seen, lost, missing } = evidence.hub[lane];
    const { accepted, evicted, quarantined, unused } = lanes[lane];
    const delivered = accepted - evicted - quarantined;
    const given = accepted + unused;
    if (seen === delivered && missing === 0 && highest === given && lost === given - delivered) continue;
    differences.push(
      `hub ${lane}: highest ${highest}, seen ${seen}, lost ${lost}, missing ${missing}; the gateways say accepted ` +
        `${accepted}, delivered ${delivered}, evicted or quarantined ${evicted + quarantined}, unused ${unused}`,
    );
  }
}

function named(sequences: readonly number[]): string {
  const first = sequences.slice(0, MAX_NAMED).join(', ');
  return sequences.length > MAX_NAMED ? `${first} … (${sequences.length} in all)` : first;
}

export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
