/** What a throughput benchmark prints: a figure of ours, what stands beside it in the same run, and the goals as ratios. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';

export interface Row {
  path: string;
  unit: string;
  ours: number;
  /** Name → the same unit; a text where it could not be run. */
  beside: Readonly<Record<string, number | string>>;
  goals: readonly Goal[];
  note?: string;
}

export interface Goal {
  text: string;
  value: number;
  /** `most`: the value must not be above. Default: it must not be below. */
  bound: number;
  most?: boolean;
}

export function isMet({ value, bound, most = false }: Goal): boolean {
  return most ? value <= bound : value >= bound;
}

/** A goal that compares ours with what stands beside it; left out where that could not be run. */
export function timesPeer(text: string, ours: number, peer: number | string | undefined, bound: number): Goal[] {
  return typeof peer === 'number' ? [{ text, value: ours / peer, bound }] : [];
}

export function print(rows: readonly Row[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ machine: machine(), rows })}\n`);
    return;
  }
  const { cores, model, node, load } = machine();
  process.stdout.write(`${cores} × ${model}, Node ${node}, load ${load.join(' ')}\n`);
  for (const row of rows) {
    process.stdout.write(`\n${row.path}\n  ${'ours'.padEnd(44)} ${number(row.ours)} ${row.unit}\n`);
    for (const [name, value] of Object.entries(row.beside)) {
      process.stdout.write(
        `  ${name.padEnd(44)} ${typeof value === 'number' ? `${number(value)} ${row.unit}` : value}\n`,
      );
    }
    for (const goal of row.goals) {
      const sign = goal.most ? '≤' : '≥';
      const verdict = isMet(goal) ? 'met' : 'MISSED';
      process.stdout.write(`  ${goal.text.padEnd(44)} ${number(goal.value)} (${sign} ${goal.bound}: ${verdict})\n`);
    }
    if (row.note !== undefined) process.stdout.write(`  ${row.note}\n`);
  }
}

export function machine() {
  return {
    cores: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    node: process.versions.node,
    kernel: execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim(),
    load: loadavg().map((value) => Number(value.toFixed(1))),
  };
}

function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** Nanoseconds that one of `count` takes: the best of `turns`, the first of which warms up. */
export function bestNs(turns: number, count: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn <= turns; turn++) {
    const startNs = process.hrtime.bigint();
    work();
    const ns = Number(process.hrtime.bigint() - startNs) / count;
    if (turn > 0) best = Math.min(best, ns);
  }
  return best;
}
