/** What the pages name exists. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { docFaults } from './doc-rules.ts';
import { inWords, ROOT, readPaths } from './source-tree.ts';

/** Captured material keeps the words of its source. */
const MATERIAL = /\/(fixtures|golden)\//;
/** Folders whose content a page can name by its path from the root. */
const OURS = ['protocols', 'edge', 'hub', 'simulators', 'cli', 'test', 'bench', 'scripts', 'deploy', 'docs'];

it('no page of this tree names what does not exist', () => {
  const paths = readPaths();
  const pages = paths.filter((path) => path.endsWith('.md') && !MATERIAL.test(path));
  expect(pages.length).toBeGreaterThan(30);
  const sources = pages.map((path) => ({ path, source: readFileSync(join(ROOT, path), 'utf8') }));
  expect(inWords(docFaults(sources, { paths: new Set(paths), ours: OURS }))).toEqual([]);
});

describe('a page', () => {
  const paths = new Set(['README.md', 'docs', 'docs/a.md', 'edge', 'edge/outbox', 'edge/outbox/outbox.ts']);
  const faultsOf = (source: string, path = 'docs/a.md') =>
    inWords(docFaults([{ path, source }], { paths, ours: ['edge', 'docs'] }));

  it.each([
    ['[a](b.md)', 'docs/a.md:1: the link b.md leads to nothing'],
    ['# One\n[a](#two)', 'docs/a.md:2: the link #two leads to no heading of docs/a.md'],
    ['[a](../edge/inbox)', 'docs/a.md:1: the link ../edge/inbox leads to nothing'],
    ['`edge/outbox/inbox.ts`', 'docs/a.md:1: edge/outbox/inbox.ts does not exist'],
    ['`edge/inbox/`', 'docs/a.md:1: edge/inbox/ does not exist'],
  ])('%j is refused', (source, fault) => {
    expect(faultsOf(source)).toEqual([fault]);
  });

  it.each([
    '[a](../README.md) [b](../edge/outbox/) [c](https://example.org/x.md)',
    '## What a `box` is, and why\n[a](#what-a-box-is-and-why) [b](a.md#what-a-box-is-and-why)',
    '`edge/outbox/outbox.ts` `edge/outbox` `edge/outbox/`',
    '`edge/*/x.ts` `edge/<driver>/y.ts` `STATE_DIR/edge.sock` `down/ack` `edge run`',
  ])('%j is allowed', (source) => {
    expect(faultsOf(source)).toEqual([]);
  });
});
