/** Who holds a device file: from /proc, as far as this user may look (root sees all). */
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';

export interface Holder {
  pid: number;
  /** The program's short name. */
  name: string;
}

export async function holdersOf(path: string, procFolder: string = '/proc'): Promise<Holder[]> {
  const device = await realpath(path).catch(() => path);
  const holders: Holder[] = [];
  for (const pid of await processes(procFolder)) {
    if (pid === process.pid) continue;
    const folder = join(procFolder, String(pid), 'fd');
    for (const descriptor of await readdir(folder).catch(() => [])) {
      if ((await readlink(join(folder, descriptor)).catch(() => '')) !== device) continue;
      holders.push({ pid, name: await nameOf(pid, procFolder) });
      break;
    }
  }
  return holders;
}

/** Whether a program of this short name runs. */
export async function isRunning(name: string, procFolder: string = '/proc'): Promise<boolean> {
  for (const pid of await processes(procFolder)) if ((await nameOf(pid, procFolder)) === name) return true;
  return false;
}

/** What frees a port of its usual holders. */
export function releaseAdvice({ pid, name }: Holder, path: string): string {
  switch (name) {
    case 'ModemManager':
      return "stop it for good: 'systemctl disable --now ModemManager'";
    case 'gpsd':
      return "use the driver 'gpsd' for this receiver, or 'systemctl disable --now gpsd gpsd.socket'";
    case 'getty':
    case 'agetty':
    case 'login':
      return `free the console: 'systemctl disable --now serial-getty@${path.split('/').at(-1)}', and take console= out of the kernel's command line`;
    default:
      return `stop it (process ${pid})`;
  }
}

async function processes(procFolder: string): Promise<number[]> {
  const entries = await readdir(procFolder).catch(() => []);
  return entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
}

async function nameOf(pid: number, procFolder: string): Promise<string> {
  return (await readFile(join(procFolder, String(pid), 'comm'), 'utf8').catch(() => '')).trim();
}
