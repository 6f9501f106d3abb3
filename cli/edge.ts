/** `milepost edge …`. */
import { readFile } from 'node:fs/promises';
import { checkEdgeConfig, type EdgeConfig } from '../edge/config.ts';
import { runEdge } from '../edge/main.ts';
import type { EdgeReport } from '../edge/ops/report.ts';
import { askDaemon } from '../edge/ops/server.ts';
import { formatProblem, type Problem } from '../protocols/config/checked-yaml.ts';
import { LANES } from '../protocols/uplink/identity.ts';
import { BAD, DONE, explain, print, printError, stopSignal } from './exit.ts';
import { createLog } from './log.ts';
import { systemClock } from './system-clock.ts';
import { VERSION } from './version.ts';

export async function edgeRun(file: string): Promise<number> {
  const config = await load(file, false);
  if (!config) return BAD;
  const log = createLog({ level: config.log.level });
  try {
    const clock = systemClock();
    await clock.asked;
    const edge = await runEdge({ config, clock, log, signal: stopSignal(), version: VERSION });
    await edge.done;
    return DONE;
  } catch (error) {
    log.error({ err: error }, 'the daemon cannot run');
    printError(`milepost edge: ${explain(error)}`);
    return BAD;
  }
}

export async function edgeCheck(file: string, json: boolean): Promise<number> {
  const config = await load(file, json);
  if (!config) return BAD;
  const { gateway, devices, readPoints, rules } = config;
  if (json) print(JSON.stringify({ ok: true, gateway: gateway.id, devices: devices.length }));
  else {
    const count = `${devices.length} devices, ${readPoints.length} read points, ${rules.length} rules`;
    print(`${file}: good: gateway ${gateway.id}, ${count}`);
  }
  return DONE;
}

export async function edgeStatus(options: { config?: string; stateDir?: string; json: boolean }): Promise<number> {
  let stateDir = options.stateDir;
  if (stateDir === undefined && options.config !== undefined) {
    const config = await load(options.config, options.json);
    if (!config) return BAD;
    stateDir = config.gateway.stateDir;
  }
  stateDir ??= '/var/lib/milepost';
  let report: EdgeReport;
  try {
    report = await askDaemon(stateDir);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `no daemon answers in ${stateDir}: ${reason}; is 'milepost edge run' running, and is --state-dir right?`;
    if (options.json) print(JSON.stringify({ error: { code: 'daemon-not-running', message } }));
    else printError(message);
    return BAD;
  }
  print(options.json ? JSON.stringify(report) : describe(report));
  return report.outbox.mode === 'ok' && report.balanced ? DONE : BAD;
}

async function load(file: string, json: boolean): Promise<EdgeConfig | undefined> {
  let problems: Problem[];
  try {
    const result = await checkEdgeConfig(await readFile(file, 'utf8'), file);
    if (result.ok) return result.config;
    problems = result.problems;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems = [{ file, line: 1, column: 1, path: '', message: `cannot be read: ${reason}` }];
  }
  if (json) print(JSON.stringify({ ok: false, problems }));
  else for (const problem of problems) printError(formatProblem(problem));
  return undefined;
}

function describe(report: EdgeReport): string {
  const { outbox, hub } = report;
  const row = (...cells: (string | number)[]) =>
    cells.map((cell, index) => String(cell)[index === 0 ? 'padEnd' : 'padStart'](12)).join('');
  const lines = [
    `gateway ${report.gatewayId}, Milepost ${report.software}, up ${report.upSeconds} s, clock ${report.clock.state}`,
    `hub     ${hub.url}: ${hub.connected ? `connected, ${hub.inFlightBatches} batches in flight` : `${hub.message} (${hub.code})`}`,
    `outbox  ${outbox.mode}${outbox.detail ? `: ${outbox.detail}` : ''}${outbox.held ? `, ${outbox.held} readings held in memory` : ''}`,
    ...(outbox.lastFault === undefined ? [] : [`        ${lastFault(outbox.lastFault, outbox.faults)}`]),
    ...configLines(report.config),
    row('lane', 'accepted', 'delivered', 'evicted', 'quarantined', 'pending'),
    ...LANES.map((lane) => {
      const { accepted, delivered, evicted, quarantined, pending } = outbox.lanes[lane];
      return row(lane, accepted, delivered, evicted, quarantined, pending);
    }),
    report.balanced ? 'balanced: accepted = delivered + evicted + quarantined + pending' : 'NOT BALANCED: report this',
    ...ruleLines(report.rules),
    'devices',
    ...report.devices.map((device) => {
      const ago = device.lastReadingSecondsAgo;
      const last = ago === undefined ? 'no reading yet' : `last reading ${ago.toFixed(1)} s ago`;
      const fault = device.code ? `  ${device.message} (${device.code})` : '';
      const { bytes, frames, discardedBytes, checksumErrors } = device.stats;
      const counts = `${bytes} bytes, ${frames} frames, ${discardedBytes} discarded, ${checksumErrors} bad checksums`;
      return `  ${device.id.padEnd(24)} ${device.driver.padEnd(16)} ${device.state.padEnd(10)} ${last}; ${counts}${fault}`;
    }),
  ];
  return lines.join('\n');
}

function ruleLines({ count, open, untold, lost, tooLate, refused }: EdgeReport['rules']): string[] {
  const notes = [
    untold > 0 ? `, ${untold} phases wait for the disk` : '',
    lost > 0 ? `, ${lost} WERE LOST` : '',
    tooLate > 0 ? `, ${tooLate} readings came too late` : '',
    refused > 0 ? `, ${refused} devices are not watched: too many` : '',
  ];
  return [
    `rules   ${count}, ${open.length} open alerts${notes.join('')}`,
    ...open.map(({ ruleId, severity, message, openSeconds }) => {
      return `  ${ruleId.padEnd(24)} ${severity.padEnd(10)} for ${openSeconds} s: ${message}`;
    }),
  ];
}

function lastFault(fault: NonNullable<EdgeReport['outbox']['lastFault']>, times: number): string {
  const at = (ms: number) => new Date(ms).toISOString();
  const until = fault.untilMs === undefined ? 'and still does' : `until ${at(fault.untilMs)}`;
  const often = times === 1 ? '' : `; ${times} times since the start`;
  return `the disk refused (${fault.mode}: ${fault.detail}) from ${at(fault.fromMs)} ${until}${often}`;
}

function configLines({ version, hash, state, lastVersion, reasons }: EdgeReport['config']): string[] {
  const what = version === 0 ? 'the file alone' : `version ${version}`;
  const last =
    state === 'file' || (state === 'applied' && lastVersion === version) ? '' : `; version ${lastVersion} ${state}`;
  return [
    `config  ${what}, ${hash}${last}`,
    ...reasons.map(({ key, code, reason }) => `        ${key ? `${key}: ` : ''}${reason} (${code})`),
  ];
}
