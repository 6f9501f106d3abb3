/**
 * What documentation names exists, as a pure function from pages to faults.
 *
 * - A relative link leads to a file or folder of this tree, and its anchor to a heading of that page.
 * - A path in backquotes that begins with one of our folders (`edge/outbox/outbox.ts`, `test/e2e`) is there. A path with a placeholder
 *   (`*`, `{…}`, `<…>`, an ellipsis) is a pattern, and one that begins elsewhere (a topic, a state directory) is not ours to judge.
 */
import { posix } from 'node:path';
import type { Fault, SourceFile } from './source-tree.ts';

const LINK = /\]\(([^)\s]+)\)/g;
const QUOTED = /`([^`\s]+)`/g;
const ELSEWHERE = /^[a-z]+:/;
const PLAIN_PATH = /^[\w.@-]+(?:\/[\w.@-]+)+\/?$/;
const HEADING = /^#+ (.*)$/gm;

/** `paths`: every file and folder, from the root with `/`. `ours`: the folders whose content a quoted path can name. */
export function docFaults(
  pages: readonly SourceFile[],
  { paths, ours }: { paths: ReadonlySet<string>; ours: readonly string[] },
): Fault[] {
  const anchors = new Map(pages.map(({ path, source }) => [path, anchorsOf(source)]));
  return pages.flatMap(({ path, source }) =>
    source.split('\n').flatMap((text, index) => {
      const links = [...text.matchAll(LINK)].map(([, to = '']) => linkFault(path, to));
      const names = [...text.matchAll(QUOTED)].map(([, name = '']) => nameFault(name));
      return [...links, ...names].flatMap((message) =>
        message === undefined ? [] : [{ path, line: index + 1, message }],
      );
    }),
  );

  function linkFault(from: string, to: string): string | undefined {
    if (ELSEWHERE.test(to)) return undefined;
    const [file = '', anchor] = to.split('#');
    const target = file === '' ? from : trimmed(posix.join(posix.dirname(from), file));
    if (!paths.has(target)) return `the link ${to} leads to nothing`;
    const isLost = anchor !== undefined && anchors.get(target)?.has(anchor) !== true;
    return isLost ? `the link ${to} leads to no heading of ${target}` : undefined;
  }

  function nameFault(name: string): string | undefined {
    if (!PLAIN_PATH.test(name) || !ours.includes(name.split('/')[0] ?? '')) return undefined;
    return paths.has(trimmed(name)) ? undefined : `${name} does not exist`;
  }
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [...page.matchAll(HEADING)].map(([, text = '']) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function trimmed(path: string): string {
  return posix.normalize(path).replace(/\/$/, '');
}
