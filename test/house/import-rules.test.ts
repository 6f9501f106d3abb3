import { describe, expect, it } from 'vitest';
import { importFaults } from './import-rules.ts';
import { inWords, readTree, type SourceFile } from './source-tree.ts';

function faultsOf(...files: [path: string, source: string][]): string[] {
  return inWords(importFaults(files.map(([path, source]): SourceFile => ({ path, source }))));
}

describe('this tree', () => {
  const tree = readTree();

  it('is seen by the rules', () => {
    const sides = new Set(tree.filter(({ path }) => path.endsWith('.ts')).map(({ path }) => path.split('/')[0]));
    expect([...sides]).toEqual(expect.arrayContaining(['protocols', 'edge', 'hub', 'simulators', 'test']));
  });

  it('keeps the import rules', () => {
    expect(inWords(importFaults(tree))).toEqual([]);
  });
});

describe('the import rules refuse', () => {
  it.each([
    ['protocols/nmea/a.ts', "import { open } from '../../edge/transport/open.ts'"],
    ['protocols/nmea/a.ts', "import type { Reading } from '../../edge/driver.ts'"],
    ['protocols/nmea/a.ts', "import { readFile } from 'node:fs/promises'"],
    ['protocols/nmea/a.ts', "import { connect } from 'node:net'"],
    ['protocols/nmea/a.ts', "import { z } from 'zod'"],
    ['protocols/nmea/a.test.ts', "import { nmeaGps } from '../../simulators/nmea-gps/gps.ts'"],
    ['edge/ops/a.ts', "import { store } from '../../hub/store/store.ts'"],
    ['edge/ops/a.ts', "const hub = await import('../../hub/main.ts')"],
    ['edge/ops/a.ts', "import { describeWith } from '../../test/servers/needs.ts'"],
    ['edge/ops/a.ts', "import fastify from 'fastify'"],
    ['edge/ops/a.ts', "const { Client } = await import('pg')"],
    ['edge/ops/a.ts', "import { PGlite } from '@electric-sql/pglite/worker'"],
    ['edge/ops/a.ts', "import { outboxContract } from '../outbox/outbox.contract.ts'"],
    ['edge/a.test.ts', "import { reader } from '../simulators/llrp-reader/reader.ts'"],
    ['hub/a.ts', "import { outbox } from '../edge/outbox/outbox.ts'"],
    ['hub/a.ts', "import { simulate } from '../simulators/run.ts'"],
    ['hub/a.ts', "import { expect } from 'vitest'"],
    ['simulators/a.ts', "export * from '../edge/driver.ts'"],
    ['edge/drivers/nmea/driver.ts', "import { openSerial } from '../../transport/serial.ts'"],
    ['edge/drivers/nmea/driver.ts', "import type { Pipeline } from '../../pipeline/pipeline.ts'"],
    ['edge/drivers/nmea/driver.ts', "import { units } from '../modbus-rtu/units.ts'"],
    ['edge/drivers/modbus-tcp/driver.ts', "import { driver } from '../modbus-rtu/driver.ts'"],
    ['edge/pipeline/a.ts', "import { options } from '../drivers/nmea/options.ts'"],
    ['edge/rules/a.ts', "import { DRIVERS } from '../drivers/index.ts'"],
    ['edge/outbox/a.ts', "import type { Nmea } from '../drivers/nmea/driver.ts'"],
    ['edge/uplink/a.ts', "const { driver } = await import('../drivers/nmea/driver.ts')"],
    ['hub/log/a.ts', "import Kafka from 'node-rdkafka'"],
    ['edge/transport/a.ts', "import { SerialPort } from 'serialport'"],
    ['simulators/a.ts', "import { spawn } from '@lydell/node-pty'"],
    ['test/peers/a.ts', "import Kafka from 'node-rdkafka'"],
    ['edge/main.ts', "import { systemClock } from '../cli/system-clock.ts'"],
    ['protocols/config/a.ts', "import pino from 'pino'"],
    ['hub/log/a.ts', 'const module = await import(name)'],
  ])('in %s: %s', (path, source) => {
    expect(faultsOf([path, `// one\n${source};`])).toEqual([expect.stringMatching(new RegExp(`^${path}:2: .`))]);
  });

  it('a package that the edge reaches through another folder', () => {
    const [fault, ...rest] = faultsOf(
      ['edge/main.ts', "import { a } from '../protocols/a.ts';"],
      ['protocols/a.ts', "export * from './b.ts';"],
      ['protocols/b.ts', "const kafka = () => import('node-rdkafka');"],
    ).filter((line) => line.includes('reaches'));
    expect(fault).toBe(
      'protocols/b.ts:1: the edge reaches node-rdkafka through edge/main.ts → protocols/a.ts → protocols/b.ts',
    );
    expect(rest).toEqual([]);
  });

  it('a file that cannot be read', () => {
    expect(() => faultsOf(['edge/a.ts', "const a = 'open"])).toThrow('edge/a.ts cannot be read');
  });
});

describe('the import rules allow', () => {
  it.each([
    ['protocols/nmea/a.ts', "import { crc } from '../base/crc.ts'; import { Buffer } from 'node:buffer'"],
    ['protocols/nmea/a.test.ts', "import fc from 'fast-check'; import { readFileSync } from 'node:fs'"],
    ['protocols/config/a.ts', "import { parse } from 'yaml'"],
    ['simulators/a.server.test.ts', "import 'serialport'; import '../cli/system-clock.ts'"],
    ['edge/main.ts', "import { DRIVERS } from './drivers/index.ts'; import pino from 'pino'"],
    ['edge/drivers/nmea/driver.ts', "import type { Driver } from '../../driver.ts'; import { z } from 'zod'"],
    ['edge/drivers/modbus-tcp/driver.ts', "import { poll } from '../modbus-rtu/poll.ts'"],
    ['edge/drivers/nmea/driver.test.ts', "import { memory } from '../../transport/memory-transport.test-support.ts'"],
    ['edge/transport/a.ts', "const { SerialPort } = await import('serialport')"],
    ['hub/log/a.ts', "import type { Producer } from 'node-rdkafka'"],
    ['hub/log/a.server.test.ts', "import { describeWith } from '../../test/servers/needs.ts'"],
    ['cli/demo.ts', "import('../edge/main.ts'); import('../hub/main.ts'); import('../simulators/run.ts')"],
    ['test/e2e/a.test.ts', "import { a } from '../../edge/a.ts'; import { b } from '../../hub/b.ts'"],
  ])('in %s: %s', (path, source) => {
    expect(faultsOf([path, source])).toEqual([]);
  });
});
