import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'milepost-summary-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function report(...files: { status?: string; message?: string; tests: string[] }[]): string {
  return JSON.stringify({
    testResults: files.map(({ status = 'passed', message = '', tests }, index) => ({
      name: `file-${index}.test.ts`,
      status,
      message,
      assertionResults: tests.map((result, test) => ({ fullName: `test ${test}`, status: result })),
    })),
  });
}

function summary(files: Record<string, string>): { code: number | null; lines: string[]; last: string | undefined } {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const script = join(import.meta.dirname, 'test-summary.mjs');
  const { status, stdout } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  const lines = stdout.trimEnd().split('\n');
  return { code: status, lines, last: lines.at(-1) };
}

describe('the summary of a test run', () => {
  it('adds checks and tests and ends with the plain line', () => {
    const { code, last } = summary({
      checks: 'lint\t0\ntypes\t0\n',
      runs: 'unit\t0\nreal\t0\n',
      'unit.json': report({ tests: ['passed', 'passed'] }, { tests: ['passed', 'skipped'] }),
      'real.json': report({ tests: ['passed'] }),
    });
    expect(last).toBe('6 passed, 0 failed');
    expect(code).toBe(0);
  });

  it('names what failed and what was not run', () => {
    const { code, lines } = summary({
      checks: 'lint\t1\n',
      runs: 'unit\t1\n',
      'unit.json': report({ status: 'failed', tests: ['passed', 'failed'] }),
      'not-run': 'server kafka: java is not installed\n',
    });
    expect(code).toBe(1);
    expect(lines).toEqual([
      '',
      'failed: lint (exit code 1)',
      'failed: file-0.test.ts: test 1',
      'not run: server kafka: java is not installed',
      '1 passed, 2 failed',
    ]);
  });

  it.each([
    ['a file that could not be loaded', report({ status: 'failed', message: 'SyntaxError', tests: [] })],
    ['an error outside every test', report({ tests: ['passed'] })],
    ['a report cut short', '{"testResults": ['],
    ['no report at all', undefined],
  ])('counts %s as a failure', (_, json) => {
    const files = { checks: 'lint\t0\n', runs: 'unit\t1\n' };
    const { code, last } = summary(json === undefined ? files : { ...files, 'unit.json': json });
    expect(code).toBe(1);
    expect(last).toMatch(/, 1 failed$/);
  });

  it.each([
    ['checks alone', { checks: 'build\t0\n', runs: 'unit\t0\n', 'unit.json': report() }, '1 passed, 1 failed'],
    ['nothing at all', {}, '0 passed, 0 failed'],
  ])('is not content with %s', (_, files, line) => {
    const { code, last } = summary(files);
    expect(last).toBe(line);
    expect(code).toBe(1);
  });
});
