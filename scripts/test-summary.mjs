/**
 * Adds up a test run from what scripts/test.sh left in a folder, prints what failed and what was not run, and ends with
 * `N passed, N failed`.
 *
 *   checks          name TAB exit code, a line each: a check counts as one test
 *   runs            project TAB vitest's exit code, a line each
 *   PROJECT.json    vitest's JSON report of that run; may be missing when vitest crashed
 *   not-run         one line for each thing that this machine could not run
 *
 * Exits 0 only if something passed and nothing failed. A run that ended badly without a failed test (a crash, an
 * unhandled rejection, a file that could not be loaded, no report, no test at all) counts as a failure of its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: test-summary.mjs FOLDER');
  process.exit(2);
}

let passed = 0;
let tests = 0;
const failures = [];

for (const [name, code] of pairs('checks')) {
  if (code === 0) passed++;
  else failures.push(`${name} (exit code ${code})`);
}

const runs = pairs('runs');
for (const [project, code] of runs) {
  const before = failures.length;
  const report = readReport(`${project}.json`);
  if (report === undefined) {
    failures.push(`${project} tests: no report, vitest ended with exit code ${code}`);
    continue;
  }
  for (const file of report.testResults) {
    const results = file.assertionResults;
    const good = results.filter((result) => result.status === 'passed');
    const failed = results.filter((result) => result.status === 'failed');
    passed += good.length;
    tests += good.length + failed.length;
    failures.push(...failed.map((result) => `${file.name}: ${result.fullName}`));
    if (file.status === 'failed' && failed.length === 0)
      failures.push(`${file.name}: ${file.message || 'failed outside its tests (an import or a hook)'}`);
  }
  if (code !== 0 && failures.length === before) failures.push(`${project} tests: vitest ended with exit code ${code}`);
}

if (runs.length > 0 && tests === 0 && failures.length === 0) failures.push('no test was selected');

console.log('');
for (const line of failures) console.log(`failed: ${line.trim().split('\n')[0]}`);
for (const line of lines('not-run')) console.log(`not run: ${line}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(passed > 0 && failures.length === 0 ? 0 : 1);

function lines(name) {
  const path = join(folder, name);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}

function pairs(name) {
  return lines(name).map((line) => {
    const [title, code] = line.split('\t');
    return [title, Number(code)];
  });
}

function readReport(name) {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8'));
  } catch {
    return undefined;
  }
}
