/**
 * Stand-ins for gpiomon, gpioget and gpiodetect: small programs in a folder that ask the simulator over a socket beside them.
 *
 * A program sends its name and arguments, prints what it is told, and ends with the code it is told. It ends at once on SIGTERM, as the real
 * ones do; the simulator sees that by the closed connection.
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { SimulatorError } from '../simulator.ts';

const TOOLS = ['gpiomon', 'gpioget', 'gpiodetect'];
const SOCKET = 'gpio.sock';
const LONGEST_REQUEST = 16 * 1024;

/** One run of a program. */
export interface Invocation {
  tool: string;
  args: string[];
  print(bytes: Uint8Array): Promise<boolean>;
  end(exit: number, complaint?: string): void;
  onGone(callback: () => void): void;
}

export interface Programs {
  close(): Promise<void>;
}

export async function openPrograms(folder: string, onRun: (run: Invocation) => void): Promise<Programs> {
  const path = join(folder, SOCKET);
  const exists = await stat(folder).catch(() => undefined);
  if (exists && !(await stat(path).catch(() => undefined))) {
    throw new SimulatorError({
      code: 'sim-path-occupied',
      message: `${folder} exists and is not of a GPIO simulator: choose another path`,
    });
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    serve(socket, onRun);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  for (const tool of TOOLS) await writeFile(join(folder, tool), script(tool, path), { mode: 0o755 });
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function serve(socket: Socket, onRun: (run: Invocation) => void): void {
  let request = '';
  const say = (message: object): Promise<boolean> =>
    new Promise((resolve) => socket.write(`${JSON.stringify(message)}\n`, (error) => resolve(!error)));
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    request = (request + chunk).slice(0, LONGEST_REQUEST);
    const end = request.indexOf('\n');
    if (end < 0) return;
    const { tool, args } = JSON.parse(request.slice(0, end)) as { tool: string; args: string[] };
    request = '';
    onRun({
      tool,
      args,
      print: (bytes) => say({ print: Buffer.from(bytes).toString('base64') }),
      end: (exit, complaint) =>
        void say({ exit, ...(complaint !== undefined && { complaint }) }).then(() => socket.end()),
      onGone: (callback) => void socket.once('close', callback),
    });
  });
}

/** Works as a module and as a script, whichever the folder's package.json makes of it. */
function script(tool: string, socket: string): string {
  return `#!${process.execPath}
import('node:net').then(({ connect }) => {
  const socket = connect(${JSON.stringify(socket)});
  let text = '';
  let code = 1;
  socket.on('error', (error) => console.error('${tool}: ' + error.message));
  socket.on('close', () => process.exit(code));
  socket.on('connect', () => {
    socket.write(JSON.stringify({ tool: '${tool}', args: process.argv.slice(2) }) + '\\n');
  });
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
    const lines = text.split('\\n');
    text = lines.pop();
    for (const line of lines.map((each) => JSON.parse(each))) {
      if (line.print !== undefined) process.stdout.write(Buffer.from(line.print, 'base64'));
      if (line.complaint !== undefined) console.error(line.complaint);
      if (line.exit !== undefined) code = line.exit;
    }
  });
  process.on('SIGTERM', () => process.exit(0));
});
`;
}
