/**
 * `milepost edge doctor --config FILE`: finds what is wrong with this box. A line for each thing looked at: ok, warn or fail, and what to do.
 * Exit code 1 when something fails. It changes nothing but a temporary file in the state folder.
 */
import { readFile } from 'node:fs/promises';
import { checkEdgeConfig, type EdgeConfig } from '../edge/config.ts';
import type { EdgeReport } from '../edge/ops/report.ts';
import { askDaemon } from '../edge/ops/server.ts';
import { formatProblem } from '../protocols/config/checked-yaml.ts';
import { type CheckResult, fail, messageOf, ok, warn } from './edge-doctor/check.ts';
import { checkClock } from './edge-doctor/clock.ts';
import { checkDevices, checkSharedPorts } from './edge-doctor/devices.ts';
import { checkDisk } from './edge-doctor/disk.ts';
import { checkHub } from './edge-doctor/hub.ts';
import { checkModules, type LoadModule } from './edge-doctor/modules.ts';
import { BAD, DONE, print } from './exit.ts';
import { type SystemClock, systemClock } from './system-clock.ts';

export async function edgeDoctor(file: string, json: boolean): Promise<number> {
  const results: CheckResult[] = [];
  for await (const result of examine(file, systemClock())) {
    results.push(result);
    if (!json) print(describe(result));
  }
  const failed = results.filter(({ level }) => level === 'fail').length;
  const warned = results.filter(({ level }) => level === 'warn').length;
  if (json) print(JSON.stringify({ ok: failed === 0, checks: results }));
  else print(failed + warned === 0 ? 'all is well' : `${failed} failed, ${warned} warnings`);
  return failed === 0 ? DONE : BAD;
}

async function* examine(file: string, clock: SystemClock): AsyncIterable<CheckResult> {
  const config = await readConfig(file);
  if (Array.isArray(config)) {
    yield* config;
    await clock.asked;
    yield checkClock(clock);
    return;
  }
  const { gateway, devices, outbox } = config;
  yield ok('config', `${file}: gateway ${gateway.id}, ${devices.length} devices`);
  await clock.asked;
  yield checkClock(clock);
  const nowMs = () => clock.monotonicUs() / 1000;
  yield* await checkDisk({ stateDir: gateway.stateDir, maxOutboxBytes: outbox.maxSize, nowMs });
  const report = await askDaemon(gateway.stateDir).catch(() => undefined);
  yield daemonResult(report, gateway.stateDir);
  yield* await checkModules(config, loadModule);
  yield* await checkSharedPorts(config);
  yield* await checkDevices({ config, ...(report && { report }) });
  yield await checkHub(config, report, clock);
}

async function readConfig(file: string): Promise<EdgeConfig | CheckResult[]> {
  try {
    const result = await checkEdgeConfig(await readFile(file, 'utf8'), file);
    if (result.ok) return result.config;
    return result.problems.map((problem) => fail('config', formatProblem(problem), 'correct that line'));
  } catch (error) {
    return [fail('config', `${file} cannot be read: ${messageOf(error)}`, 'check path and permissions')];
  }
}

function daemonResult(report: EdgeReport | undefined, stateDir: string): CheckResult {
  if (!report) {
    const advice = "'systemctl start milepost-edge', or 'milepost edge run --config FILE'";
    return warn('daemon', `none answers in ${stateDir}`, advice);
  }
  const { software, upSeconds, outbox, balanced } = report;
  const message = `Milepost ${software}, up ${upSeconds} s, outbox ${outbox.mode}`;
  if (!balanced) return fail('daemon', `${message}, and its ledger does not add up`, 'report this, with its log');
  if (outbox.mode !== 'ok')
    return fail('daemon', `${message}: ${outbox.detail}`, `docs/errors.md has '${outbox.mode}'`);
  return ok('daemon', message);
}

/** Named one by one: a bundler and the house rules want to see what is loaded. */
const loadModule: LoadModule = async ({ name }) => {
  if (name === 'serialport') await (await import('../edge/transport/serial.ts')).loadBinding();
  else await (await import('../edge/transport/hid.ts')).loadHid();
};

function describe({ check, level, message, advice }: CheckResult): string {
  const line = `${level.padEnd(5)}${check}: ${message}`;
  return advice === undefined ? line : `${line}\n     → ${advice}`;
}
