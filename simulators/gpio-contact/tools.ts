/**
 * What gpiomon, gpioget and gpiodetect of libgpiod do with their arguments, in version 1.6 and 2.x: a pure answer to a command line.
 *
 * Only what door contacts need: reading and watching lines of one chip by offset. Whatever else is asked is refused as the tools refuse it.
 * Source: gpiomon(1), gpioget(1) of libgpiod 1.6.3 and 2.1.2.
 */
export type ToolsVersion = '1.6.3' | '2.1.2';

export interface Chip {
  version: ToolsVersion;
  name: string;
  lines: number;
  /** Unplugged: a chip on USB, or a driver that was unloaded. */
  present: boolean;
  isHigh(offset: number): boolean;
  isWatched(offset: number): boolean;
}

export type ToolAnswer = { output: string[]; exit: 0 } | { complaint: string; exit: 1 } | Watch;

export interface Watch {
  watch: readonly number[];
  /** What is printed when it begins. */
  output: string[];
}

export function runTool(tool: string, args: readonly string[], chip: Chip): ToolAnswer {
  const major = chip.version[0];
  if (args.includes('--version')) return { output: [`${tool} (libgpiod) v${chip.version}`], exit: 0 };
  if (tool === 'gpiodetect') {
    return { output: chip.present ? [`${chip.name} [simulated] (${chip.lines} lines)`] : [], exit: 0 };
  }
  const asked = major === '1' ? firstVersion(args) : secondVersion(args);
  const refuse = (what: string): ToolAnswer => ({ complaint: `${tool}: ${what}`, exit: 1 });
  if (asked === undefined) return refuse(`try ${tool} --help`);
  const failing = { gpiomon: 'error waiting for events', gpioget: 'error reading GPIO values' }[tool] ?? 'error';
  const isOurs = chip.present && (asked.chip === chip.name || asked.chip === `/dev/${chip.name}`);
  if (!isOurs) {
    return refuse(
      major === '1'
        ? `${failing}: No such file or directory`
        : `cannot find GPIO chip character device '${asked.chip}'`,
    );
  }
  if (asked.offsets.some((offset) => offset >= chip.lines)) {
    return refuse(
      major === '1'
        ? `${failing}: Invalid argument`
        : `offset ${asked.offsets} is out of range on chip '${asked.chip}'`,
    );
  }
  if (asked.offsets.some((offset) => chip.isWatched(offset))) {
    return refuse(`${major === '1' ? failing : 'unable to request lines'}: Device or resource busy`);
  }
  if (tool === 'gpioget') return { output: [levels(asked, chip)], exit: 0 };
  const banner = `Monitoring line${asked.offsets.length > 1 ? 's' : ''} ${asked.offsets.join(', ')}...`;
  return { watch: asked.offsets, output: asked.banner ? [banner] : [] };
}

/** A line that gpiomon prints for an edge. */
export function edgeLine(chip: Chip, edge: { offset: number; high: boolean; atSeconds: number }): string {
  const { offset, high, atSeconds } = edge;
  const time = atSeconds.toFixed(9);
  if (chip.version[0] === '2') return `${time}\t${high ? 'rising' : 'falling'}\t${chip.name} ${offset}`;
  return `event: ${high ? ' RISING' : 'FALLING'} EDGE offset: ${offset} timestamp: [${time.padStart(18)}]`;
}

interface Asked {
  chip: string;
  offsets: number[];
  banner: boolean;
  numeric: boolean;
}

/** `[OPTIONS] CHIP OFFSET…` */
function firstVersion(args: readonly string[]): Asked | undefined {
  const [chip, ...rest] = args.filter((arg) => !arg.startsWith('-'));
  const known = args
    .filter((arg) => arg.startsWith('-'))
    .every((arg) => /^(-b|--line-buffered|(-B|--bias)=(as-is|disable|pull-down|pull-up))$/.test(arg));
  const offsets = rest.map(Number);
  if (chip === undefined || !known || offsets.length === 0 || !offsets.every(Number.isInteger)) return undefined;
  return { chip, offsets, banner: false, numeric: true };
}

/** `[OPTIONS] --chip CHIP OFFSET…` */
function secondVersion(args: readonly string[]): Asked | undefined {
  let chip: string | undefined;
  const offsets: number[] = [];
  let [banner, numeric] = [false, false];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--chip' || arg === '-c') chip = args[++at];
    else if (arg === '--banner') banner = true;
    else if (arg === '--numeric') numeric = true;
    else if (/^\d+$/.test(arg)) offsets.push(Number(arg));
    else if (!/^--bias=(pull-down|pull-up|disabled)$/.test(arg)) return undefined;
  }
  return chip === undefined || offsets.length === 0 ? undefined : { chip, offsets, banner, numeric };
}

function levels({ offsets, numeric }: Asked, chip: Chip): string {
  return offsets
    .map((offset) => {
      const high = chip.isHigh(offset);
      return numeric ? (high ? '1' : '0') : `"${offset}"=${high ? 'active' : 'inactive'}`;
    })
    .join(' ');
}
