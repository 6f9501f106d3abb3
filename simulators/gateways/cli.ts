/**
 * `milepost sim gateways` as a plain function: runs a fleet, waits until everything is acknowledged, prints the ledger.
 *
 * Exit codes: 0 everything that was accepted is acknowledged, 1 something is not, or no gateway ever reached the hub.
 */
import { aborted, type Clock, sleep } from '../../protocols/base/clock.ts';
import { durationMs } from '../../protocols/config/units.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { SimulatorError } from '../simulator.ts';
import { type Characters, castCharacters, parseLabel, parseShare } from './characters.ts';
import { ConfigTaker } from './config-taker.ts';
import { Fleet, type FleetLedger, type FleetOptions } from './fleet.ts';
import { mqttConnections } from './mqtt-connection.ts';

export interface SimGatewaysArgs {
  /** mqtt:// or mqtts:// */
  hub: string;
  count: number;
  /** Records per second of each. */
  rate: number;
  packages: number;
  /** `alert=1,tracking=60,telemetry=39` */
  mix: string;
  prefix: string;
  seed: string;
  /** How long readings are made; until the signal unless told. */
  forMs?: number;
  drainMs: number;
  flapEveryMs?: number;
  flapShare: number;
  connectsPerS: number;
  /** How long a batch may wait for more records. Default 200. */
  lingerMs?: number;
  deflate: boolean;
  json: boolean;
  /** `profile=cold-van,dry-van`: dealt out in turn. */
  label?: readonly string[];
  /** `3:rules/cooler-warm`: so many gateways reject every version with that key; `*` is any key. */
  reject?: readonly string[];
  /** `2`: so many gateways are heard once and then stay away; `2:30s`: for so long. */
  offline?: string;
  /** `5:8s`: so many gateways take so long until they look at a version. */
  slow?: string;
  /** So many gateways lose a device with each version and return to the last good one. */
  rollBack?: number;
  /** When those do. */
  trialMs?: number;
}

export interface SimGatewaysEnvironment {
  clock: Clock;
  print(line: string): void;
  printError(line: string): void;
  /** Ends the making of readings; draining goes on. */
  signal: AbortSignal;
}

const GATEWAY_COUNT_MAX = 1000;
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$/;
const RATE_MAX = 10_000;
const LANE_BYTES = 64 * 1024;
const LINGER_MS = 200;
const BATCH_RECORDS = 300;
const ACKNOWLEDGE_TIMEOUT_MS = 5000;
const PROGRESS_MS = 5000;
/** As a real gateway. */
const SETTLE_MS = 2000;
const TRIAL_MS = 120_000;

export async function simGateways(args: SimGatewaysArgs, environment: SimGatewaysEnvironment): Promise<number> {
  const { print, printError, signal } = environment;
  const clock = synchronised(environment.clock);
  try {
    check(args);
    const characters = charactersOf(args);
    const { trialMs = TRIAL_MS, prefix } = args;
    const faultOf = (gatewayId: string) => characters.faultOf(Number(gatewayId.slice(prefix.length)) - 1);
    let fault = '';
    const open = await mqttConnections({
      url: args.hub,
      clock,
      random: Math.random,
      onFault: (message) => {
        fault = message;
      },
    });
    const startUs = clock.monotonicUs();
    const config = new ConfigTaker({ clock, settleMs: SETTLE_MS, trialMs, faultOf });
    const character = characters.characterOf;
    const fleet = new Fleet({ ...fleetOptions(args), clock, open, config, character });
    const stopTelling = args.json ? () => {} : tell(fleet, clock, printError);
    try {
      await (args.forMs === undefined ? aborted(signal) : sleep(clock, args.forMs, signal));
      const seconds = (clock.monotonicUs() - startUs) / 1e6;
      await fleet.drain(args.drainMs);
      const ledger = fleet.ledger();
      if (ledger.everConnected === 0) throw unreachable(args.hub, fault);
      const ok = ledger.total.pending === 0;
      const summary = { ...ledger, seconds: Math.round(seconds * 10) / 10, rssBytes: process.memoryUsage().rss, ok };
      if (args.json) print(JSON.stringify(summary));
      else for (const line of report(summary)) print(line);
      return ok ? 0 : 1;
    } finally {
      stopTelling();
      config.stop();
      await fleet.stop();
    }
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    const { code, message } = error;
    if (args.json) print(JSON.stringify({ error: { code, message } }));
    else printError(`${code}: ${message}`);
    return 1;
  }
}

/** @throws SimulatorError `sim-gateways-invalid` */
export function parseMix(text: string): Record<Lane, number> {
  const mix: Record<Lane, number> = { alert: 0, tracking: 0, telemetry: 0 };
  for (const part of text.split(',')) {
    const [name = '', share = ''] = part.trim().split('=');
    const lane = LANES.find((known) => known === name);
    if (lane === undefined || !/^\d+(\.\d+)?$/.test(share)) {
      throw invalid(`mix '${part.trim()}': alert=NUMBER, tracking=NUMBER or telemetry=NUMBER was expected`);
    }
    mix[lane] = Number(share);
  }
  if (mix.alert + mix.tracking + mix.telemetry <= 0) throw invalid(`mix '${text}': nothing is left of it`);
  return mix;
}

function check({ hub, count, rate, packages, prefix, flapShare }: SimGatewaysArgs): void {
  if (!/^mqtts?:\/\/[^/]+$/.test(hub))
    throw invalid(`hub '${hub}': mqtt://HOST:PORT or mqtts://HOST:PORT was expected`);
  if (!(count >= 1 && count <= GATEWAY_COUNT_MAX)) throw invalid(`count ${count}: 1 to ${GATEWAY_COUNT_MAX}`);
  if (!(rate > 0 && rate <= RATE_MAX)) throw invalid(`rate ${rate}: above 0, at most ${RATE_MAX} a second`);
  if (packages < 1) throw invalid(`packages ${packages}: at least 1`);
  if (!PREFIX.test(prefix)) throw invalid(`prefix '${prefix}': letters, digits, dots, dashes, at most 41`);
  if (!(flapShare > 0 && flapShare <= 1)) throw invalid(`flap-share ${flapShare}: above 0, at most 1`);
}

function fleetOptions(args: SimGatewaysArgs): Omit<FleetOptions, 'clock' | 'open'> {
  const { count, prefix, rate, packages, flapEveryMs, flapShare, connectsPerS, deflate, seed } = args;
  const { lingerMs = LINGER_MS } = args;
  return {
    count,
    prefix,
    ratePerS: rate,
    mix: parseMix(args.mix),
    packages,
    flapEveryMs,
    flapShare,
    connectsPerS,
    laneBytes: LANE_BYTES,
    lingerMs,
    batchRecords: BATCH_RECORDS,
    acknowledgeTimeoutMs: ACKNOWLEDGE_TIMEOUT_MS,
    deflate,
    seed,
  };
}

/** @throws SimulatorError `sim-gateways-invalid` */
function charactersOf({ count, label = [], reject = [], offline, slow, rollBack = 0 }: SimGatewaysArgs): Characters {
  const labels = new Map(
    label.map((text) => parseLabel(text) ?? bad(`label '${text}'`, 'NAME=VALUE or NAME=VALUE,VALUE')),
  );
  const rejects = reject.map((text) => {
    const { count: to, what: key } = parseShare(text) ?? {};
    return to !== undefined && key !== undefined ? { count: to, key } : bad(`reject '${text}'`, 'NUMBER:KEY');
  });
  const away = offline === undefined ? undefined : parseShare(offline);
  const late = slow === undefined ? undefined : parseShare(slow);
  const forMs = away?.what === undefined ? Number.POSITIVE_INFINITY : durationOf(away.what);
  const lateMs = durationOf(late?.what ?? '');
  if (offline !== undefined && (!away || forMs === undefined))
    return bad(`offline '${offline}'`, 'NUMBER or NUMBER:DURATION');
  if (slow !== undefined && (!late || lateMs === undefined)) return bad(`slow '${slow}'`, 'NUMBER:DURATION');
  const characters = castCharacters({
    count,
    labels,
    rejects,
    rollsBack: rollBack,
    ...(away && forMs !== undefined && { offline: { count: away.count, forMs } }),
    ...(late && lateMs !== undefined && { slow: { count: late.count, ms: lateMs } }),
  });
  if (characters.faulty > count)
    throw invalid(`${characters.faulty} gateways with faults of their own, but only ${count}`);
  return characters;
}

function durationOf(text: string): number | undefined {
  const parsed = durationMs.safeParse(text);
  return parsed.success ? parsed.data : undefined;
}

function bad(what: string, expected: string): never {
  throw invalid(`${what}: ${expected} was expected`);
}

/** These gateways have good clocks, whatever the machine says of its own. */
function synchronised(clock: Clock): Clock {
  return {
    monotonicUs: () => clock.monotonicUs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    wall: () => ({ wallMs: clock.wall().wallMs, state: 'ntp', uncertaintyMs: 100 }),
  };
}

/** A line every few seconds while it runs. */
function tell(fleet: Fleet, clock: Clock, printError: (line: string) => void): () => void {
  let cancel: () => void = () => {};
  let before = 0;
  const again = (): void => {
    cancel = clock.after(PROGRESS_MS, () => {
      const { connected, gateways, total } = fleet.ledger();
      const perS = Math.round((total.acknowledged - before) / (PROGRESS_MS / 1000));
      before = total.acknowledged;
      printError(`${connected}/${gateways} connected, ${perS} records/s acknowledged, ${total.pending} pending`);
      again();
    });
  };
  again();
  return () => cancel();
}

function report(summary: FleetLedger & { seconds: number; rssBytes: number; ok: boolean }): string[] {
  const { lanes, total, acknowledgedAfterMs: after } = summary;
  const line = (name: string, cells: readonly (string | number)[]) =>
    name.padEnd(10) + cells.map((cell) => String(cell).padStart(14)).join('');
  return [
    line('lane', ['accepted', 'acknowledged', 'pending']),
    ...LANES.map((lane) => line(lane, [lanes[lane].accepted, lanes[lane].acknowledged, lanes[lane].pending])),
    line('all', [total.accepted, total.acknowledged, total.pending]),
    `${summary.gateways} gateways, ${summary.seconds} s, ${Math.round(total.accepted / summary.seconds)} records/s in ` +
      `${summary.batches} batches (${summary.resent} sent again), ${summary.refused} refused, ${summary.disconnects} connections lost`,
    `acknowledged after ${after.p50} ms (half), ${after.p99} ms (99%), ${after.max} ms (all); ` +
      `${Math.round(summary.rssBytes / 1e6)} MB of memory`,
    summary.ok ? 'Everything that was accepted is acknowledged.' : `${total.pending} records are NOT acknowledged.`,
  ];
}

function unreachable(hub: string, fault: string): SimulatorError {
  return new SimulatorError({
    code: 'sim-hub-unreachable',
    message: `no gateway ever reached ${hub.replace(/\/\/[^@]*@/, '//***@')}${fault ? `: ${fault}` : ''}`,
  });
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-gateways-invalid', message });
}
