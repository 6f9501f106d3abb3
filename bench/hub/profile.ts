/** Where the time of the workers went: their CPU profiles (`node --cpu-prof`), the functions that took most, of each role together. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

const TOP = 15;
/** A thread of the TypeScript loader is no part of the work. */
const MAIN_THREAD = '.0.001.cpuprofile';

/** Folders of roles in `folder`, each with a profile for each of its processes. */
export async function profileSummary(folder: string): Promise<string> {
  const lines: string[] = [];
  for (const role of (await readdir(folder)).sort()) {
    const spent = new Map<string, number>();
    for (const file of await readdir(join(folder, role))) {
      if (file.endsWith(MAIN_THREAD))
        add(spent, JSON.parse(await readFile(join(folder, role, file), 'utf8')) as CpuProfile);
    }
    const total = [...spent.values()].reduce((sum, us) => sum + us, 0);
    lines.push(`\n${role}`);
    for (const [name, us] of [...spent].sort((a, b) => b[1] - a[1]).slice(0, TOP))
      lines.push(`  ${((us / total) * 100).toFixed(1).padStart(5)}%  ${name}`);
  }
  return `${lines.join('\n')}\n`;
}

function add(spent: Map<string, number>, { nodes, samples, timeDeltas }: CpuProfile): void {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}`.trim(),
    ]),
  );
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
}
