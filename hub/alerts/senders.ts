/** How a delivery goes out: by its subscription's channel. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { HubConfig } from '../config.ts';
import { AddressGuard } from './address-guard.ts';
import type { DelivererOptions } from './deliverer.ts';
import { Mailer } from './mail.ts';
import { sendWebhook } from './webhook.ts';

export function openSenders(config: HubConfig['alerts'], clock: Clock): Pick<DelivererOptions, 'send' | 'timeoutMs'> {
  const { smtp, publicUrl, webhooks } = config;
  const timeoutMs = webhooks.timeout;
  const guard = new AddressGuard(webhooks.allow);
  const mailer = smtp && new Mailer({ ...smtp, publicUrl, timeoutMs });
  return {
    // A mail takes several turns, each of which may take that long.
    timeoutMs: timeoutMs * MAIL_TURNS,
    async send(channel, body, signal) {
      if (channel.kind === 'webhook') {
        const { url, secret } = channel;
        const delivery = { url, secret, deliveryId: body.deliveryId, body: JSON.stringify(body), signal };
        return sendWebhook(delivery, { clock, guard, timeoutMs });
      }
      if (mailer) return mailer.send(channel.address, body);
      return { done: false, code: 'email-not-configured', message: 'this hub has no mail server (alerts.smtp)' };
    },
  };
}

const MAIL_TURNS = 6;
