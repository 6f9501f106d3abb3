/** Asks a running hub something beyond reading. */
import { BAD, print, printError } from './exit.ts';

/**
 * @param who Who asks for it, for the hub's history.
 * @throws Error with `code`, a message that says what to do and, where the hub names them, `problems`.
 */
export async function call<T>(
  url: string,
  method: 'POST' | 'DELETE' | 'PUT' | 'PATCH',
  body?: object,
  who?: string,
): Promise<T> {
  let response: Response;
  // A header takes no more than this.
  const user = who === undefined ? {} : { 'x-milepost-user': who.replace(/[^\x20-\x7e]/g, '?') };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  try {
    response = await fetch(url, {
      method,
      headers: { ...user, ...type },
      ...(body && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw Object.assign(new Error(`no hub answers at ${url}: ${reason}; say where it is with --hub URL`), {
      code: 'hub-unreachable',
    });
  }
  return answerOf(response, url);
}

/** @throws as `call` */
export async function answerOf<T>(response: Response, url: string): Promise<T> {
  const text = await response.text();
  let answer: T & { error?: { code: string; message: string; problems?: unknown } };
  try {
    answer = JSON.parse(text);
  } catch {
    // A proxy, or another program on that port.
    const what = `${response.status} ${response.statusText}`.trim();
    throw Object.assign(new Error(`what answers at ${url} is no hub (${what}); say where it is with --hub URL`), {
      code: 'hub-unreachable',
    });
  }
  const { code, message = response.statusText, problems } = answer.error ?? {};
  if (!response.ok) throw Object.assign(new Error(message), { code, problems });
  return answer;
}

/** Tells why it did not work, and gives the exit code for it. */
export function refused(error: unknown, json: boolean): number {
  const { code = 'hub-unreachable', message } = error as { code?: string; message: string };
  if (json) print(JSON.stringify({ error: { code, message } }));
  else printError(message);
  return BAD;
}
