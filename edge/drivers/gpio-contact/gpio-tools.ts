/**
 * The command lines and the output of libgpiod's tools, version 1 (from 1.5) and 2. Pure.
 *
 * | | 1.6 | 2.x |
 * |---|---|---|
 * | monitor | `gpiomon -b CHIP OFFSET…` | `gpiomon --banner -c CHIP OFFSET…` |
 * | event | `event: FALLING EDGE offset: 4 timestamp: [  1124.883605060]` | `1124.883605060<tab>falling<tab>gpiochip0 4 "NAME"` |
 * | read | `gpioget CHIP OFFSET…` → `0 1` | `gpioget --numeric -c CHIP OFFSET…` → `0 1`; without it `"4"=inactive "17"=active` |
 * | no bias | `--bias=disable` | `--bias=disabled` |
 *
 * `-b` is line buffering in 1.6 and bias in 2.x, so the version must be known first: `gpiomon --version`. Levels are asked for as they are
 * (never `--active-low`): what a level means is each input's own matter. Source: gpiomon(1) and gpioget(1) of 1.6.3, 2.1.2 and 2.2.1; sources.
 */
export type GpioTools = 1 | 2;
export type Bias = 'as-is' | 'disabled' | 'pull-up' | 'pull-down';

export interface WatchedLines {
  chip: string;
  offsets: readonly number[];
  bias: Bias;
}

/** `gpiomon (libgpiod) v1.6.3` → 1; undefined for what does not look like libgpiod. */
export function toolsVersion(line: string): GpioTools | undefined {
  const major = /\blibgpiod\)?\s+v(\d+)\.\d+/.exec(line)?.[1];
  return major === '1' ? 1 : major === '2' ? 2 : undefined;
}

export function monitorArguments(tools: GpioTools, lines: WatchedLines): string[] {
  return tools === 1
    ? ['--line-buffered', ...bias(1, lines), lines.chip, ...lines.offsets.map(String)]
    : ['--banner', ...bias(2, lines), '--chip', lines.chip, ...lines.offsets.map(String)];
}

export function readArguments(tools: GpioTools, lines: WatchedLines): string[] {
  return tools === 1
    ? [...bias(1, lines), lines.chip, ...lines.offsets.map(String)]
    : ['--numeric', ...bias(2, lines), '--chip', lines.chip, ...lines.offsets.map(String)];
}

export type MonitorLine = { offset: number; high: boolean } | 'banner' | undefined;

/** A line that gpiomon printed, of either version; undefined when it is none of its. */
export function parseMonitorLine(line: string): MonitorLine {
  const first = /^event:\s+(RISING|FALLING) EDGE offset: \[?(\d{1,5})\]? timestamp: \[\s*\d+\.\d+\]\s*$/.exec(line);
  if (first) return { offset: Number(first[2]), high: first[1] === 'RISING' };
  const second = /^\d+(?:\.\d+)?\t(rising|falling)\t\S+ (\d{1,5})(?: .*)?$/.exec(line);
  if (second) return { offset: Number(second[2]), high: second[1] === 'rising' };
  return /^Monitoring lines? /.test(line) ? 'banner' : undefined;
}

/** Levels in the order in which they were asked for, of either version; undefined when these are not so many levels. */
export function parseLevels(line: string, count: number): boolean[] | undefined {
  const words = line.trim().split(/\s+/);
  const levels = words.map(
    (word) => LEVELS[word] ?? LEVELS[/^(?:"[^"]*"|\w+)=(active|inactive)$/.exec(word)?.[1] ?? ''],
  );
  return levels.length === count && levels.every((level) => level !== undefined) ? levels : undefined;
}

const LEVELS: Readonly<Record<string, boolean>> = { '0': false, '1': true, inactive: false, active: true };

function bias(tools: GpioTools, { bias: wanted }: WatchedLines): string[] {
  if (wanted === 'as-is') return [];
  return [`--bias=${tools === 1 && wanted === 'disabled' ? 'disable' : wanted}`];
}
