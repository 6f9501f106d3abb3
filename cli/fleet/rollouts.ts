/** `milepost fleet rollout …`: brings a version of a profile to its gateways, and says when it is in force on which. */
import type { Rollout, RolloutDetail, RolloutGateway } from '../../hub/fleet/model.ts';
import { aborted, sleep } from '../../protocols/base/clock.ts';
import { BAD, DONE, print, printError, stopSignal } from '../exit.ts';
import { call } from '../hub-call.ts';
import { systemClock } from '../system-clock.ts';
import { get } from '../track.ts';
import { type At, answering, type By, reasonsText, table, url } from './answers.ts';
import { profileVersion } from './profiles.ts';

export interface StartOptions {
  version?: number;
  canaryPercent?: number;
  canaryMinutes?: number;
  maxRejectedPercent?: number;
  maxAlertRateFactor?: number;
  reason: string;
  watch: boolean;
}

export function startRollout(at: By, profileId: string, { watch, ...options }: StartOptions): Promise<number> {
  return answering(at, async () => {
    const { version } = await profileVersion(at, profileId, options.version);
    const body = { profileId, ...options, version };
    const rollout = await call<Rollout>(url(at, 'rollouts'), 'POST', body, at.by);
    if (watch) return follow(at, rollout.rolloutId);
    if (at.json) print(JSON.stringify(rollout));
    else {
      print(summary(rollout));
      print(`milepost fleet rollout watch ${rollout.rolloutId} says when it is in force`);
    }
    return DONE;
  });
}

export function listRollouts(at: At, state?: string): Promise<number> {
  return answering(at, async () => {
    const { rollouts } = await get<{ rollouts: Rollout[] }>(url(at, 'rollouts', { state }));
    if (at.json) for (const rollout of rollouts) print(JSON.stringify(rollout));
    else if (rollouts.length === 0) print('there are none');
    else for (const rollout of rollouts) print(summary(rollout));
    return DONE;
  });
}

export function showRollout(at: At, rolloutId: string): Promise<number> {
  return answering(at, async () => {
    const rollout = await one(at, rolloutId);
    if (at.json) print(JSON.stringify(rollout));
    else {
      print(summary(rollout));
      const rows = rollout.gateways.map(({ gatewayId, state, canary, reasons }) => [
        gatewayId,
        state,
        canary ? 'canary' : '',
        reasonsText(reasons),
      ]);
      for (const line of table(['GATEWAY', 'STATE', '', 'WHY'], rows)) print(line);
    }
    return DONE;
  });
}

export function watchRollout(at: At, rolloutId: string): Promise<number> {
  return answering(at, () => follow(at, rolloutId));
}

export function steerRollout(
  at: By,
  rolloutId: string,
  { action, reason }: { action: 'stop' | 'resume' | 'rollback'; reason: string },
): Promise<number> {
  return answering(at, async () => {
    const path = url(at, `rollouts/${encodeURIComponent(rolloutId)}/${action}`);
    const rollout = await call<Rollout>(path, 'POST', { reason }, at.by);
    print(at.json ? JSON.stringify(rollout) : summary(rollout));
    return DONE;
  });
}

const POLL_MS = 500;
const WIDTH = 30;
/** The hub names no more in one answer. */
const MOST_GATEWAYS = '5000';

/**
 * Until the rollout is over and every gateway that is online has said what it made of it. 0 only when it is in force on all of
 * these; gateways that are offline are named, they catch up when they return. Ctrl-C ends the watching, not the rollout.
 */
async function follow(at: At, rolloutId: string): Promise<number> {
  const clock = systemClock();
  const signal = stopSignal();
  const shows = !at.json && process.stderr.isTTY;
  let rollout = await one(at, rolloutId);
  let told = '';
  while (!isSettled(rollout) && !signal.aborted) {
    const line = progress(rollout);
    if (shows) process.stderr.write(`\r\u001b[K${line}`);
    else if (!at.json && line !== told) printError(line);
    told = line;
    await Promise.race([sleep(clock, POLL_MS, signal), aborted(signal)]);
    if (!signal.aborted) rollout = await one(at, rolloutId);
  }
  if (shows) process.stderr.write('\r\u001b[K');
  if (at.json) print(JSON.stringify(rollout));
  else for (const line of result(rollout)) print(line);
  return rollout.state === 'done' && without(rollout, 'in-force', 'offline').length === 0 ? DONE : BAD;
}

/** Nothing more will happen by itself: stopped and taken back ones wait for a person. */
function isSettled({ state, gateways }: RolloutDetail): boolean {
  if (state === 'canary' || state === 'rolling') return false;
  return state === 'stopped' || gateways.every((each) => each.state !== 'pending' && each.state !== 'waiting');
}

function result(rollout: RolloutDetail): string[] {
  const { state, profileId, version, counts, rolloutId, why } = rollout;
  const refused = without(rollout, 'in-force', 'offline');
  const away = rollout.gateways.filter((each) => each.state === 'offline');
  const verdict =
    state === 'done'
      ? `${profileId} version ${version} is in force on ${counts.inForce} of ${counts.total} gateways`
      : `rollout ${rolloutId} is ${state}${why === undefined ? '' : `: ${why}`}; in force on ${counts.inForce} of ${counts.total} gateways`;
  return [
    verdict,
    ...refused.map(
      ({ gatewayId, state: its, reasons }) => `  ${gatewayId} ${its}: ${reasonsText(reasons) || 'no reason given'}`,
    ),
    ...(away.length > 0
      ? [`  offline, will catch up when they return: ${away.map(({ gatewayId }) => gatewayId).join(', ')}`]
      : []),
  ];
}

function without({ gateways }: RolloutDetail, ...states: RolloutGateway['state'][]): RolloutGateway[] {
  return gateways.filter(({ state }) => !states.includes(state));
}

function progress({ state, counts }: Rollout): string {
  const { total, inForce, rejected, rolledBack, offline } = counts;
  const full = total === 0 ? WIDTH : Math.round((inForce / total) * WIDTH);
  const bar = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`;
  return `${bar} ${inForce} of ${total} in force, ${rejected + rolledBack} refused, ${offline} offline (${state})`;
}

function summary({ rolloutId, profileId, fromVersion, version, state, counts, why }: Rollout): string {
  const from = fromVersion === undefined ? '' : `${fromVersion} → `;
  const { inForce, pending, waiting, rejected, rolledBack, offline } = counts;
  const numbers = `${inForce} in force, ${pending} pending, ${waiting} waiting, ${rejected} rejected, ${rolledBack} rolled back, ${offline} offline`;
  return `${rolloutId}  ${profileId} ${from}${version}  ${state}${why === undefined || why === '' ? '' : ` (${why})`}  ${numbers}`;
}

async function one(at: At, rolloutId: string): Promise<RolloutDetail> {
  return get<RolloutDetail>(url(at, `rollouts/${encodeURIComponent(rolloutId)}`, { limit: MOST_GATEWAYS }));
}
