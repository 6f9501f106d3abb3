import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLog, hideCredentials } from './log.ts';

it('takes secrets out of what is logged, however deep, and out of URLs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'milepost-log-'));
  const file = join(folder, 'log');
  const log = createLog({ level: 'info', file }).child({ part: 'x' });
  log.info(
    {
      password: 's3cret',
      hub: 'mqtt://me:s3cret@host:1883',
      config: { mqtt: { password: 's3cret', token: 's3cret' } },
    },
    'said',
  );
  const text = await readFile(file, 'utf8');
  await rm(folder, { recursive: true });
  expect(text).not.toContain('s3cret');
  expect(JSON.parse(text)).toMatchObject({ part: 'x', password: '[secret]', hub: 'mqtt://***@host:1883', msg: 'said' });
  expect(hideCredentials('mqtt://host')).toBe('mqtt://host');
});
