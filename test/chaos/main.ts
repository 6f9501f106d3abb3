/**
 * `npm run chaos -- [--minutes N] [--seed S] [--gateways G] [--hubs H] [--rate R] [--gap SECONDS] [--broker mosquitto|embedded] [--json]
 *                   [--only PATTERN] [--hold]`
 *
 * `--only` strikes the targets whose names match; `--hold` leaves everything running when the ledger does not balance, until Enter.
 * Exit code 0 when the ledger balances, 1 when it does not or something that is needed is missing, 2 for wrong usage.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LANES } from '../../protocols/uplink/identity.ts';
import { type Need, whyMissing } from '../servers/machine.ts';
import type { Verdict } from './judge.ts';
import { type ChaosOptions, runChaos } from './run.ts';
import type { World } from './world.ts';

const NEEDS: readonly Need[] = ['kafka', 'postgres', 'influx', 'mosquitto', 'kcat', 'node-rdkafka'];
const COLUMNS = [
  'emitted',
  'accepted',
  'delivered',
  'duplicates',
  'missing',
  'invented',
  'evicted',
  'quarantined',
] as const;
const WIDTH = 12;

const given = options();
if ('usage' in given) {
  process.stderr.write(`${given.usage}\n`);
  process.exitCode = 2;
} else {
  const missing = NEEDS.flatMap((need) => {
    const reason = whyMissing(need);
    return reason === undefined ? [] : [`${need}: ${reason}`];
  });
  if (missing.length > 0) {
    process.stderr.write(`chaos needs real servers (npm run setup): ${missing.join('; ')}\n`);
    process.exitCode = 1;
  } else {
    await play(given);
  }
}
// Everything is stopped and said. Left to itself Node 20.20 has spun here for ever, in uv_run under its own clean-up of handles.
process.exit();

async function play({ json, ...chaos }: ChaosOptions & { json: boolean }): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopping.abort(new Error(`ended by ${signal}`)));
  }
  const { faults, ...result } = await runChaos({ ...chaos, signal: stopping.signal });
  if (json) {
    const { gateways, hubs, rate, broker, stormMs } = chaos;
    process.stdout.write(`${JSON.stringify({ ...result, gateways, hubs, rate, broker, stormMs, faults })}\n`);
  } else {
    process.stdout.write(table(result));
    for (const line of result.notRun) process.stdout.write(`not run: ${line}\n`);
    for (const line of result.differences) process.stdout.write(`DIFFERENCE ${line}\n`);
    process.stdout.write(result.ok ? 'the ledger balances\n' : `the ledger does not balance; logs: ${result.logs}\n`);
  }
  process.exitCode = result.ok ? 0 : 1;
}

async function hold({ folder, kafka, postgres, influx, hubs }: World): Promise<void> {
  const places = {
    folder,
    kafka: kafka.url,
    postgres: postgres.url,
    influx: influx.url,
    hubs: hubs.map(({ url }) => url),
  };
  process.stderr.write(`held, Enter ends it: ${JSON.stringify(places)}\n`);
  await new Promise<void>((resolve) => {
    process.stdin.once('data', () => resolve());
    process.stdin.once('end', () => resolve());
  });
  process.stdin.destroy();
}

function table({ lanes, notAccepted }: Verdict): string {
  const row = (name: string, cells: readonly (string | number)[]) =>
    `${name.padEnd(WIDTH)}${cells.map((cell) => String(cell).padStart(WIDTH)).join('')}\n`;
  return [
    row('lane', COLUMNS),
    ...LANES.map((lane) =>
      row(
        lane,
        COLUMNS.map((column) => lanes[lane][column] ?? '–'),
      ),
    ),
    `on the wire when a daemon died, never accepted: ${notAccepted}\n`,
  ].join('');
}

function options(): (ChaosOptions & { json: boolean }) | { usage: string } {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
        gateways: { type: 'string', default: '2' },
        hubs: { type: 'string', default: '1' },
        rate: { type: 'string', default: '20' },
        gap: { type: 'string', default: '3' },
        broker: { type: 'string', default: 'mosquitto' },
        only: { type: 'string' },
        hold: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const { seed, broker, json } = values;
    const number = (name: 'minutes' | 'gateways' | 'hubs' | 'rate' | 'gap') => {
      const value = Number(values[name]);
      if (!(value > 0)) throw new Error(`--${name} must be a positive number, not '${values[name]}'`);
      return value;
    };
    if (broker !== 'mosquitto' && broker !== 'embedded') throw new Error('--broker is mosquitto or embedded');
    const hubs = Math.round(number('hubs'));
    if (broker === 'embedded' && hubs > 1)
      throw new Error('several hubs need a broker of their own: --broker mosquitto');
    return {
      seed,
      broker,
      hubs,
      gateways: Math.round(number('gateways')),
      rate: number('rate'),
      stormMs: number('minutes') * 60_000,
      meanGapMs: number('gap') * 1_000,
      logs: join(tmpdir(), `milepost-chaos-${seed}-${process.pid}`),
      tell: (line) => void process.stderr.write(`${line}\n`),
      ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
      ...(values.hold ? { hold } : {}),
      json,
    };
  } catch (error) {
    return { usage: `${error instanceof Error ? error.message : error}\nsee the head of test/chaos/main.ts` };
  }
}
