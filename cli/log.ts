/** The pino logger of every process: JSON lines on standard error, secrets taken out. */
import { pino } from 'pino';
import type { Log } from '../protocols/base/log.ts';

const SECRETS = ['password', 'token', 'secret', 'authorization', 'passwordFile', 'users'];
/** Depth to which objects in log lines are searched for secrets. */
const PATHS = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** A file instead of standard error. */
  file?: string;
}

export function createLog({ level, file }: LogOptions): Log {
  return pino(
    {
      level,
      base: null,
      redact: { paths: PATHS, censor: '[secret]' },
      serializers: {
        err: pino.stdSerializers.err,
        hub: hideCredentials,
        broker: hideCredentials,
        url: hideCredentials,
      },
    },
    pino.destination({ dest: file ?? 2, sync: true }),
  );
}

/** `mqtt://user:password@host` → `mqtt://***@host`. */
export function hideCredentials(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\/\/[^/@\s]*@/, '//***@') : value;
}
