/**
 * Sees to it that nothing outlives the process that started it, however that ends, SIGKILL included.
 *
 * One small shell per test process reads what we have started from a pipe. When the pipe ends, because this process is
 * gone, it kills the process groups and removes the folders that were not taken back.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const SCRIPT = `
trap '' HUP INT TERM
pids=' ' folders=' '
while read -r verb what; do
  case $verb in
    pid+) pids="$pids$what " ;;
    pid-) pids=$(printf '%s' "$pids" | sed "s| $what | |") ;;
    folder+) folders="$folders$what " ;;
    folder-) folders=$(printf '%s' "$folders" | sed "s| $what | |") ;;
  esac
done
for pid in $pids; do kill -KILL "-$pid"; done
sleep 0.3
for folder in $folders; do case $folder in */milepost-*) rm -rf "$folder" ;; esac; done
`;

let shell: ChildProcess | undefined;

/** `pid` must lead its own process group (spawned detached). */
export function guardProcess(pid: number): void {
  tell(`pid+ ${pid}`);
}

export function releaseProcess(pid: number): void {
  tell(`pid- ${pid}`);
}

/** `folder` is removed only if it is one of ours: `milepost-…`. */
export function guardFolder(folder: string): void {
  tell(`folder+ ${folder}`);
}

export function releaseFolder(folder: string): void {
  tell(`folder- ${folder}`);
}

function tell(line: string): void {
  shell ??= start();
  shell.stdin?.write(`${line}\n`);
}

function start(): ChildProcess {
  const child = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  // The pipe must not keep this process alive, and a guard that is gone must not end it.
  if (child.stdin !== null) {
    child.stdin.on('error', () => undefined);
    if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  }
  return child;
}
