/**
 * Who may import whom (docs: the design's layout and the house style), as a pure function from source files to faults.
 *
 * - protocols/ imports nothing of ours and does no I/O; only protocols/config/ uses packages, which are pure.
 * - edge/, hub/ and simulators/ import protocols/ and themselves, never each other; cli/ composes them.
 * - A driver knows the driver contract and the transport contract; pipeline, rules, outbox and uplink know no driver.
 * - Each side has a list of npm packages; what everything under edge/ reaches, however far, stays within edge's list.
 * - Native modules are loaded when a configuration needs them, never by being imported.
 * - Tests may import what they like to test with, but stand under the same law between the sides: what needs two sides
 *   at once belongs in test/.
 */
import { posix } from 'node:path';
import { type Import, importsOf } from './imports.ts';
import { type Fault, isTestCode, type SourceFile } from './source-tree.ts';

type Side = 'protocols' | 'edge' | 'hub' | 'simulators' | 'cli';

interface Law {
  /** Top-level folders of ours. */
  folders: readonly string[];
  /** npm packages. */
  packages: readonly string[];
  /** Modules of Node.js; undefined: all. */
  builtins?: readonly string[];
}

const LAWS: Readonly<Record<Side, Law>> = {
  protocols: { folders: ['protocols'], packages: [], builtins: ['node:buffer', 'node:zlib', 'node:crypto'] },
  edge: {
    folders: ['edge', 'protocols'],
    packages: ['fastest-levenshtein', 'mqtt', 'node-hid', 'pino', 'prom-client', 'serialport', 'yaml', 'zod'],
  },
  hub: {
    folders: ['hub', 'protocols'],
    packages: [
      '@electric-sql/pglite',
      '@fastify/ajv-compiler',
      '@influxdata/influxdb-client',
      '@opentelemetry/api',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace-base',
      'aedes',
      'ajv',
      'fastest-levenshtein',
      'fastify',
      'ioredis',
      'mqtt',
      'node-rdkafka',
      'nodemailer',
      'pg',
      'pino',
      'prom-client',
      'uplot',
      'yaml',
      'zod',
    ],
  },
  simulators: {
    folders: ['simulators', 'protocols'],
    packages: ['@lydell/node-pty', 'commander', 'fastest-levenshtein', 'mqtt', 'pino', 'serialport', 'yaml', 'zod'],
  },
  cli: {
    folders: ['cli', 'edge', 'hub', 'simulators', 'protocols'],
    packages: ['commander', 'fastest-levenshtein', 'pino', 'yaml', 'zod'],
  },
};

/** What edge and hub share to read their configuration with. */
const CONFIG = /^protocols\/config\//;
const CONFIG_PACKAGES = new Set(['fastest-levenshtein', 'yaml', 'zod']);
/** A test may want the operating system's clock; the product gets one from its composition root. */
const TESTS_MAY_IMPORT = /^test\/|^cli\/system-clock\.ts$/;
const NATIVE = new Set(['@lydell/node-pty', 'node-hid', 'node-rdkafka', 'serialport']);
/** Compiled or installed only where they can be: a test that imports one falls over where it should say what it lacks. */
const OPTIONAL = new Set(['node-hid', 'node-rdkafka']);
/** What a driver sees of edge/ outside its own folder: the contracts, and readers and messages made for drivers. */
const DRIVER_SEES = new Set([
  'edge/driver.ts',
  'edge/position-gate.ts',
  'edge/transport/transport.ts',
  'edge/transport/options.ts',
  'edge/transport/chunk-reader.ts',
  'edge/transport/frame-link.ts',
  'edge/transport/fault-log.ts',
  'edge/transport/trouble.ts',
]);
const KNOWS_NO_DRIVER = /^edge\/(pipeline|rules|outbox|uplink)\//;
const DRIVER = /^edge\/drivers\/([^/]+)\//;

export function importFaults(files: readonly SourceFile[]): Fault[] {
  const code = files.filter(({ path }) => /\.(ts|mjs)$/.test(path));
  const imports = new Map(code.map((file) => [file.path, scan(file)]));
  const faults = [...imports].flatMap(([path, found]) =>
    found.flatMap((entry) => {
      const message = entry.specifier === undefined ? computed(path) : objection(path, entry, entry.specifier);
      return message === undefined ? [] : [{ path, line: entry.line, message }];
    }),
  );
  return [...faults, ...closureFaults(imports)];
}

function scan({ path, source }: SourceFile): Import[] {
  try {
    return importsOf(source);
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function computed(path: string): string | undefined {
  return isTestCode(path) || sideOf(path) === undefined ? undefined : 'a dynamic import must name its module literally';
}

function objection(path: string, entry: Import, specifier: string): string | undefined {
  const side = sideOf(path);
  const native = nativeObjection(path, entry, specifier);
  if (side === undefined || native !== undefined) return native;
  if (!specifier.startsWith('.')) return packageObjection(path, side, specifier);
  const target = posix.join(posix.dirname(path), specifier);
  return folderObjection(path, side, target) ?? driverObjection(path, target);
}

function nativeObjection(path: string, entry: Import, specifier: string): string | undefined {
  const modules = isTestCode(path) ? OPTIONAL : NATIVE;
  if (entry.kind !== 'static' || !modules.has(packageOf(specifier))) return undefined;
  return `${specifier} is a native module: load it with import() when it is needed`;
}

function packageObjection(path: string, side: Side, specifier: string): string | undefined {
  if (isTestCode(path)) return undefined;
  const law = LAWS[side];
  if (specifier.startsWith('node:')) {
    return law.builtins?.includes(specifier) === false ? `${side}/ may not use ${specifier}` : undefined;
  }
  const allowed = law.packages.includes(packageOf(specifier)) || (CONFIG.test(path) && CONFIG_PACKAGES.has(specifier));
  return allowed ? undefined : `${side}/ may not use the package ${specifier}`;
}

function folderObjection(path: string, side: Side, target: string): string | undefined {
  const folder = target.split('/')[0] ?? '';
  if (isTestCode(path) && TESTS_MAY_IMPORT.test(target)) return undefined;
  if (!LAWS[side].folders.includes(folder)) return `${side}/ may not import ${target}`;
  if (isTestCode(target) && !isTestCode(path)) return `${target} is for tests`;
  return undefined;
}

function driverObjection(path: string, target: string): string | undefined {
  const imported = DRIVER.exec(target)?.[1];
  if (KNOWS_NO_DRIVER.test(path) && target.startsWith('edge/drivers/')) return `may not know the driver ${target}`;
  const driver = DRIVER.exec(path)?.[1];
  if (driver === undefined || isTestCode(path) || !target.startsWith('edge/') || DRIVER_SEES.has(target))
    return undefined;
  // Devices of one family (modbus-rtu, modbus-tcp) may share parts, but not a driver.
  const isFamily = imported !== undefined && family(imported) === family(driver) && !target.endsWith('/driver.ts');
  if (imported === driver || isFamily) return undefined;
  return `a driver sees the driver contract and the transport contract, not ${target}`;
}

/** What edge/ reaches through any number of files: each package on edge's list, no file of another side. */
function closureFaults(imports: ReadonlyMap<string, readonly Import[]>): Fault[] {
  const faults: Fault[] = [];
  const from = new Map<string, string>();
  const queue = [...imports.keys()].filter((path) => path.startsWith('edge/') && !isTestCode(path));
  const seen = new Set(queue);
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const { specifier, kind, line } of imports.get(path) ?? []) {
      if (kind === 'type' || specifier === undefined || specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.')) {
        // Inside edge/ the package rule has said it already.
        if (path.startsWith('edge/') || LAWS.edge.packages.includes(packageOf(specifier))) continue;
        faults.push({ path, line, message: `the edge reaches ${specifier} through ${chain(from, path)}` });
        continue;
      }
      const target = posix.join(posix.dirname(path), specifier);
      if (seen.has(target)) continue;
      seen.add(target);
      from.set(target, path);
      queue.push(target);
    }
  }
  return faults;
}

function chain(from: ReadonlyMap<string, string>, path: string): string {
  const steps = [path];
  for (let step = from.get(path); step !== undefined; step = from.get(step)) steps.unshift(step);
  return steps.join(' → ');
}

function sideOf(path: string): Side | undefined {
  const folder = path.split('/')[0] ?? '';
  return Object.hasOwn(LAWS, folder) ? (folder as Side) : undefined;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function family(driver: string): string | undefined {
  return driver.split('-')[0];
}
