/** A process that stood still while another took its partitions over, and does not know it yet: what it writes must not count. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { describeWith } from '../../../test/servers/needs.ts';
import type { CrashJob } from '../crash-child.contract.ts';
import { openKafkaLog } from './kafka-log.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const CHILD = fileURLToPath(new URL('../crash-child.contract.ts', import.meta.url));

describeWith(['kafka'], 'a fenced process', ({ kafka }) => {
  it("ticks, and nothing of it is committed: its offsets are another's", async () => {
    const prefix = `fenced-${process.pid}-${Date.now().toString(36)}`;
    const [input, state, output] = [`${prefix}-in`, `${prefix}-state`, `${prefix}-out`] as const;
    const topics = [
      { name: input, partitions: 1 },
      { name: state, partitions: 1, compacted: true },
      { name: output, partitions: 1 },
    ];
    const job: CrashJob = {
      address: { kind: 'kafka', brokers: kafka.url },
      topics,
      group: prefix,
      input,
      state,
      output,
      tickMs: 100,
    };
    const log = await openKafkaLog({ brokers: kafka.url, topics });
    await log.setup();
    await log.append([{ topic: input, key: 'k', value: Buffer.from('1') }]);
    const seen: string[] = [];
    await log.follow({
      topic: output,
      position: async () => 0,
      onRecords: async (records) => void seen.push(...records.map(({ value }) => `${value}`)),
    });
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    try {
      await vi.waitFor(() => expect(seen.filter((value) => value === 'tick').length).toBeGreaterThan(3), WAIT);
      expect(seen).toContain('1#1');
      child.kill('SIGSTOP');
      const taken: number[] = [];
      const results = (value: string) => ({ outputs: [{ topic: output, key: 'k', value: Buffer.from(value) }] });
      await log.transform({
        group: prefix,
        input,
        state,
        onAssigned: (partition) => void taken.push(partition),
        onRevoked: () => {},
        onRecords: async (records) => results(records.map(({ value }) => `ours ${value}`).join()),
      });
      await vi.waitFor(() => expect(taken).toEqual([0]), WAIT);
      await log.append([{ topic: input, key: 'k', value: Buffer.from('2') }]);
      await vi.waitFor(() => expect(seen).toContain('ours 2'), WAIT);
      child.kill('SIGCONT');
      // It has noticed. What it had begun to write before is aborted by then, or committed and seen before the next record.
      await vi.waitFor(() => expect(said).toContain('revoked'), WAIT);
      await log.append([{ topic: input, key: 'k', value: Buffer.from('3') }]);
      await vi.waitFor(() => expect(seen).toContain('ours 3'), WAIT);
      expect(seen.slice(seen.indexOf('ours 2'))).toEqual(['ours 2', 'ours 3']);
    } finally {
      child.kill('SIGKILL');
      await log.close();
    }
  });
});
