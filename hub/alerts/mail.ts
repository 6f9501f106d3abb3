/**
 * A delivery as an e-mail, through the SMTP server of the configuration.
 *
 * Its Message-ID is made of the delivery's id, the same in each attempt, and it refers to its incident, so that mail programs show what
 * belongs together and servers can drop what comes twice.
 */
import { createTransport, type Transporter } from 'nodemailer';
import type { DeliveryBody } from './announce.ts';
import { messageText } from './message-text.ts';
import type { Outcome } from './webhook.ts';

export interface MailOptions {
  /** smtp:// or smtps://, with user and password where the server wants them. */
  url: string;
  from: string;
  publicUrl?: string | undefined;
  timeoutMs: number;
}

export class Mailer {
  readonly #options: MailOptions;
  readonly #transport: Transporter;

  constructor(options: MailOptions) {
    const { url, timeoutMs } = options;
    this.#options = options;
    this.#transport = createTransport({
      url,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  async send(address: string, body: DeliveryBody): Promise<Outcome> {
    const { from, publicUrl } = this.#options;
    const domain = from.slice(from.lastIndexOf('@') + 1).replace(/[^A-Za-z0-9.-]/g, '');
    const { subject, text } = messageText(body, publicUrl);
    const thread = body.incident && `<incident-${body.incident.incidentId}@${domain}>`;
    try {
      await this.#transport.sendMail({
        from,
        // As an object: nothing in it is read as a list or a name.
        to: { name: '', address },
        subject,
        text,
        messageId: `<${body.deliveryId}@${domain}>`,
        ...(thread !== undefined && { inReplyTo: thread, references: thread }),
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return { done: true };
    } catch (error) {
      return faultOf(error as Error);
    }
  }

  close(): void {
    this.#transport.close();
  }
}

/** nodemailer gives `responseCode` where the server answered. */
function faultOf(error: Error & { responseCode?: number }): Outcome {
  const code = error.responseCode === undefined ? 'mail-unreachable' : 'mail-refused';
  return { done: false, code, message: error.message };
}
