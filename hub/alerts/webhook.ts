/**
 * A delivery as a web hook: POST of JSON, signed as the Standard Webhooks specification has it (standardwebhooks.com, v1), for which
 * receivers find libraries in every language.
 *
 * - `webhook-id`: the delivery's id, the same in each attempt: what has come once may be skipped when it comes again.
 * - `webhook-timestamp`: seconds since 1970 of this attempt; receivers refuse what is older than a few minutes.
 * - `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. The key is the secret, or what it holds in base64
 *   behind `whsec_`.
 *
 * 2xx is taken for an answer, 410 means that nobody is there any more. Redirects are not followed: to another host they would carry what
 * is not theirs. The body of an answer is not read.
 */
import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../protocols/base/clock.ts';
import type { AddressGuard } from './address-guard.ts';
import { AlertingError } from './errors.ts';

export type DeliveryFaultCode =
  | 'webhook-refused'
  | 'webhook-redirected'
  | 'webhook-gone'
  | 'webhook-timeout'
  | 'webhook-unreachable'
  | 'address-private'
  | 'mail-refused'
  | 'mail-unreachable'
  | 'email-not-configured'
  | 'delivery-too-many'
  | 'delivery-interrupted';

/** What became of one attempt. */
export type Outcome =
  | { done: true }
  | {
      done: false;
      code: DeliveryFaultCode;
      message: string;
      /** The receiver wants to be left alone for so long. */
      retryAfterMs?: number;
    };

export interface WebhookOptions {
  clock: Clock;
  guard: AddressGuard;
  timeoutMs: number;
}

export interface SignedDelivery {
  url: string;
  secret: string;
  deliveryId: string;
  body: string;
  /** Ends the attempt. */
  signal: AbortSignal;
}

export async function sendWebhook(delivery: SignedDelivery, options: WebhookOptions): Promise<Outcome> {
  const { clock, timeoutMs } = options;
  const ending = new AbortController();
  const stop = () => ending.abort();
  delivery.signal.addEventListener('abort', stop, { once: true });
  const cancel = clock.after(timeoutMs, stop);
  try {
    const answer = await post(delivery, options, ending.signal);
    answer.destroy();
    return outcomeOf(answer);
  } catch (error) {
    return faultOf(
      error as Error,
      delivery.signal.aborted,
      ending.signal.aborted && `no answer within ${timeoutMs} ms`,
    );
  } finally {
    cancel();
    delivery.signal.removeEventListener('abort', stop);
  }
}

export function signatureOf(at: { secret: string; deliveryId: string; timestamp: number; body: string }): string {
  const { secret, deliveryId, timestamp, body } = at;
  const key = secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${deliveryId}.${timestamp}.${body}`).digest('base64')}`;
}

const PREFIX = 'whsec_';

function post(delivery: SignedDelivery, options: WebhookOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { deliveryId, secret, body } = delivery;
  const { clock, guard } = options;
  const url = new URL(delivery.url);
  guard.check(url);
  const timestamp = Math.floor(clock.wall().wallMs / 1000);
  const bytes = Buffer.from(body);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method: 'POST',
        // A connection of its own: the address is looked at each time.
        agent: false,
        lookup: guard.lookup,
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': bytes.length,
          'user-agent': 'milepost',
          'webhook-id': deliveryId,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signatureOf({ secret, deliveryId, timestamp, body }),
        },
      },
      resolve,
    );
    request.on('error', reject);
    request.end(bytes);
  });
}

function outcomeOf({ statusCode = 0, headers }: IncomingMessage): Outcome {
  if (statusCode >= 200 && statusCode < 300) return { done: true };
  if (statusCode === 410)
    return { done: false, code: 'webhook-gone', message: 'the receiver says that it is gone for good (410)' };
  if (statusCode >= 300 && statusCode < 400) {
    const message = `the receiver sends us elsewhere (${statusCode}), where we do not go: write the new URL into the subscription`;
    return { done: false, code: 'webhook-redirected', message };
  }
  const seconds = Number(headers['retry-after']);
  return {
    done: false,
    code: 'webhook-refused',
    message: `the receiver answers ${statusCode}`,
    ...(seconds > 0 && { retryAfterMs: Math.min(seconds, 3600) * 1000 }),
  };
}

function faultOf(error: Error, interrupted: boolean, late: string | false): Outcome {
  if (error instanceof AlertingError) return { done: false, code: 'address-private', message: error.message };
  if (interrupted) return { done: false, code: 'delivery-interrupted', message: 'the hub was stopped' };
  if (late !== false) return { done: false, code: 'webhook-timeout', message: late };
  return { done: false, code: 'webhook-unreachable', message: error.message };
}
