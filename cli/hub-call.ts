/** Asks a running hub something beyond reading. */
import { BAD, print, printError } from './exit.ts';

/** @throws Error with `code` and a message that says what to do. */
export async function call<T>(url: string, method: 'POST' | 'DELETE', body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw Object.assign(new Error(`no hub answers at ${url}: ${reason}; say where it is with --hub URL`), {
      code: 'hub-unreachable',
    });
  }
  const answer = (await response.json()) as T & { error?: { code: string; message: string } };
  if (!response.ok)
    throw Object.assign(new Error(answer.error?.message ?? response.statusText), { code: answer.error?.code });
  return answer;
}

/** Tells why it did not work, and gives the exit code for it. */
export function refused(error: unknown, json: boolean): number {
  const { code = 'hub-unreachable', message } = error as { code?: string; message: string };
  if (json) print(JSON.stringify({ error: { code, message } }));
  else printError(message);
  return BAD;
}
