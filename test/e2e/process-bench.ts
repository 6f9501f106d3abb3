/** A folder and the processes of a test: both are gone when it is over. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { healthy, milepost, type Process } from './stack.ts';

export function processBench(name: string) {
  let folder: string;
  const processes: Process[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), `milepost-${name}-`));
  });

  afterEach(async () => {
    await Promise.all(processes.splice(0).map((each) => each.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  const keep = (process: Process): Process => {
    processes.push(process);
    return process;
  };
  const file = (path: string) => join(folder, path);
  const run = (...args: string[]) => keep(milepost(...args));

  /** A hub on its embedded defaults. */
  async function embeddedHub(): Promise<{ url: string; mqttUrl: string }> {
    const config = file('hub.yaml');
    const listen = "mqtt: { listen: '127.0.0.1:0' }\nhttp: { listen: '127.0.0.1:0' }";
    await writeFile(config, `${listen}\ndataDir: ${file('data')}\nlog: { level: warn }\n`);
    const said = await run('hub', 'run', '--config', config).line(/gateways connect to/, 60_000);
    return { url: await healthy(said), mqttUrl: /mqtt:\/\/\S+/.exec(said)?.[0] ?? '' };
  }

  return {
    /** A path in the test's folder. */
    file,
    keep,
    /** `milepost …` until the test is over. */
    run,
    embeddedHub,
  };
}
