/**
 * How often limits would have alarmed on the last days' stored telemetry, beside how often the gateways really did.
 *
 * Bounds: memory is that of one gateway's pages; work is `maxGateways`, `maxSamples` and `maxMs`, whichever comes first. Gateways are taken in an order
 * that has nothing to do with what they are (the MD5 of their ids), so those that were looked at are a sample of all, the same one each time. What
 * is not finished counts as not looked at: `complete` is false, and `gateways` says how many of how many.
 */
import type { Clock } from '../../../protocols/base/clock.ts';
import type { ReportedConfig } from '../../../protocols/fleet/reported-config.ts';
import type { Problem, Rule } from '../../../protocols/rules/rule.ts';
import type { Sql } from '../../store/store.ts';
import type { TimeSeries } from '../../timeseries/time-series.ts';
import { type Selector, selectorSql } from '../labels.ts';
import { Conditions } from '../sql-conditions.ts';
import { measurementsOf, Replay } from './replay.ts';
import { storedTelemetry } from './stored-telemetry.ts';

export interface PreviewAnswer {
  rules: RulePreview[];
  /** Rules of the version in force that would be gone, and how many alerts they raised. */
  removed: { ruleId: string; current: number }[];
  /** Readings that were replayed. */
  samples: number;
  /** ISO 8601. */
  from: string;
  to: string;
  gateways: { matching: number; replayed: number };
  /** False: not all gateways were looked at; numbers are of those that were. */
  complete: boolean;
  /** What would be refused if it were saved. */
  problems: readonly Problem[];
}

export interface RulePreview {
  ruleId: string;
  /** Where it had something to look at. */
  gateways: number;
  alarms: number;
  gatewaysWithAlarms: number;
  /** Alerts of this rule that these gateways really raised in this time. */
  current: number;
  /** One entry for each day (UTC). */
  perDay: { day: string; alarms: number }[];
  /** The first ones of different gateways. */
  examples: { gatewayId: string; deviceId: string; at: string; value: number }[];
}

export interface PreviewOptions {
  sql: Sql;
  timeSeries: Pick<TimeSeries, 'scan'>;
  clock: Clock;
  selector: Selector;
  rules: readonly Rule[];
  /** Rules of the version in force. */
  currentRuleIds: readonly string[];
  fromMs: number;
  toMs: number;
  maxGateways?: number;
  maxSamples?: number;
  maxMs?: number;
  signal: AbortSignal;
}

const MAX_GATEWAYS = 500;
const MAX_SAMPLES = 5_000_000;
const MAX_MS = 45_000;
const MAX_EXAMPLES = 5;
const DAY_MS = 86_400_000;

/** Ends early, with what it has, when nobody waits any more. */
export async function preview(options: PreviewOptions): Promise<Omit<PreviewAnswer, 'problems'>> {
  const { sql, clock, selector, rules, currentRuleIds, fromMs, toMs, signal } = options;
  const { maxGateways = MAX_GATEWAYS, maxSamples = MAX_SAMPLES, maxMs = MAX_MS } = options;
  const { matching, gateways } = await gatewaysOf(sql, selector, maxGateways);
  const removed = currentRuleIds.filter((id) => !rules.some((rule) => rule.id === id));
  const tallies = new Map(rules.map(({ id }) => [id, new Tally(id, { fromMs, toMs })]));
  const untilUs = clock.monotonicUs() + maxMs * 1000;
  const looked: string[] = [];
  let samples = 0;
  for (const gateway of gateways) {
    const { gatewayId } = gateway;
    const done = await replayGateway({ ...options, gateway, maxSamples: maxSamples - samples, untilUs });
    if (!done) break;
    samples += done.samples;
    looked.push(gatewayId);
    for (const id of done.watched) tallies.get(id)?.watch();
    for (const raised of done.raised) tallies.get(raised.ruleId)?.raise(gatewayId, raised);
    if (signal.aborted) break;
  }
  const ruleIds = [...tallies.keys(), ...removed];
  const current = await alertsOf(sql, { gatewayIds: looked, ruleIds, fromMs, toMs });
  return {
    rules: [...tallies.values()].map((tally) => tally.answer(current.get(tally.ruleId) ?? 0)),
    removed: removed.map((ruleId) => ({ ruleId, current: current.get(ruleId) ?? 0 })),
    samples,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    gateways: { matching, replayed: looked.length },
    complete: looked.length === matching,
  };
}

interface Raised {
  ruleId: string;
  deviceId: string;
  atMs: number;
  value: number;
}

/** Undefined when it could not be finished. */
async function replayGateway(
  at: PreviewOptions & { gateway: Gateway; maxSamples: number; untilUs: number },
): Promise<{ samples: number; watched: Set<string>; raised: Raised[] } | undefined> {
  const { timeSeries, gateway, rules, fromMs, toMs, clock, signal, maxSamples, untilUs } = at;
  const raised: Raised[] = [];
  const replay = new Replay({
    rules,
    zones: gateway.zones,
    onRaised: ({ ruleId, deviceId, atUs, value }) =>
      raised.push({ ruleId, deviceId, atMs: Math.floor(atUs / 1000), value }),
  });
  let samples = 0;
  const query = { gatewayId: gateway.gatewayId, measurements: measurementsOf(rules), fromMs, toMs, signal };
  for await (const readings of storedTelemetry(timeSeries, query)) {
    for (const reading of readings) replay.take(reading);
    samples += readings.length;
    if (samples > maxSamples || clock.monotonicUs() > untilUs) return undefined;
  }
  if (signal.aborted) return undefined;
  replay.end(toMs);
  return { samples, watched: replay.watched, raised };
}

class Tally {
  readonly ruleId: string;
  readonly #days = new Map<string, number>();
  readonly #examples: RulePreview['examples'] = [];
  readonly #gateways = new Set<string>();
  #watching = 0;
  #alarms = 0;

  constructor(ruleId: string, { fromMs, toMs }: { fromMs: number; toMs: number }) {
    this.ruleId = ruleId;
    for (let day = Math.floor(fromMs / DAY_MS); day * DAY_MS <= toMs; day++) this.#days.set(dayOf(day * DAY_MS), 0);
  }

  watch(): void {
    this.#watching++;
  }

  raise(gatewayId: string, { deviceId, atMs, value }: Raised): void {
    this.#alarms++;
    this.#days.set(dayOf(atMs), (this.#days.get(dayOf(atMs)) ?? 0) + 1);
    if (!this.#gateways.has(gatewayId) && this.#examples.length < MAX_EXAMPLES) {
      this.#examples.push({ gatewayId, deviceId, at: new Date(atMs).toISOString(), value });
    }
    this.#gateways.add(gatewayId);
  }

  answer(current: number): RulePreview {
    return {
      ruleId: this.ruleId,
      gateways: this.#watching,
      alarms: this.#alarms,
      gatewaysWithAlarms: this.#gateways.size,
      current,
      perDay: [...this.#days].map(([day, alarms]) => ({ day, alarms })),
      examples: this.#examples,
    };
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

interface Gateway {
  gatewayId: string;
  /** Of the read points of its devices, as it reports them. */
  zones: ReadonlyMap<string, string>;
}

async function gatewaysOf(
  sql: Sql,
  selector: Selector,
  limit: number,
): Promise<{ matching: number; gateways: Gateway[] }> {
  const filter = new Conditions();
  filter.and(selectorSql(selector, filter.place));
  const [count] = await sql.query<{ count: number }>(
    `select count(*)::int as count from fleet_gateways ${filter.where}`,
    filter.values,
  );
  const rows = await sql.query<{ gateway_id: string; reported: ReportedConfig | null }>(
    `select gateway_id, reported from fleet_gateways ${filter.where} order by md5(gateway_id) limit ${limit}`,
    filter.values,
  );
  const gateways = rows.map(({ gateway_id, reported }) => ({
    gatewayId: gateway_id,
    zones: new Map(reported?.devices.flatMap(({ id, zone }) => (zone === undefined ? [] : [[id, zone]]))),
  }));
  return { matching: count?.count ?? 0, gateways };
}

/** How many alerts of each rule began in this time on these gateways. */
async function alertsOf(
  sql: Sql,
  at: { gatewayIds: readonly string[]; ruleIds: readonly string[]; fromMs: number; toMs: number },
): Promise<Map<string, number>> {
  if (at.gatewayIds.length === 0) return new Map();
  const rows = await sql.query<{ rule_id: string; count: number }>(
    `select phases -> 'raised' ->> 'ruleId' as rule_id, count(*)::int as count from alerts
     where gateway_id = any($1::text[]) and began_at >= $2::timestamptz and began_at <= $3::timestamptz
       and phases -> 'raised' ->> 'ruleId' = any($4::text[]) and state <> 'retracted'
     group by 1`,
    [at.gatewayIds, new Date(at.fromMs).toISOString(), new Date(at.toMs).toISOString(), at.ruleIds],
  );
  return new Map(rows.map(({ rule_id, count }) => [rule_id, count]));
}
