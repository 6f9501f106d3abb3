import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeliveryBody } from './announce.ts';
import { incidentsOf } from './incident.ts';
import { Mailer } from './mail.ts';
import { messageText } from './message-text.ts';
import { coolerAlert, minute } from './sample-alerts.test-support.ts';
import { spellsOf } from './spells.ts';

const received: { to: string[]; from: string; raw: string }[] = [];
let server: SMTPServer;
let url: string;

beforeAll(async () => {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) =>
      username === 'hub' && password === 'secret' ? done(null, { user: 'hub' }) : done(new Error('no')),
    onRcptTo: ({ address }, _session, done) =>
      address.startsWith('nobody@') ? done(Object.assign(new Error('no such mailbox'), { responseCode: 550 })) : done(),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = session.envelope.mailFrom;
        received.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          from: from === false ? '' : from.address,
          raw: Buffer.concat(chunks).toString(),
        });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `smtp://hub:secret@127.0.0.1:${(server.server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

const body = (rest: Partial<DeliveryBody> = {}): DeliveryBody => {
  const [facts] = incidentsOf(spellsOf([coolerAlert('a', 'raised', 0, { severity: 'critical' })]));
  if (!facts) throw new Error('no incident');
  const { sources: _sources, endedAt: _endedAt, ...incident } = facts;
  return {
    deliveryId: 'd5c7a0f2-0000-4000-8000-000000000001',
    subscriptionId: 'ann',
    phase: 'opened',
    at: minute(1),
    incident,
    ...rest,
  };
};
const options = { from: 'Milepost <hub@milepost.example>', publicUrl: 'https://hub.example/', timeoutMs: 15_000 };

it('tells a dispatcher what, where, since when, value and limit, and where to look', () => {
  const { subject, text } = messageText(body(), options.publicUrl);
  const { incidentId } = body().incident ?? {};
  expect(subject).toBe('[critical] Temperature on vehicle VAN-7: open');
  expect(text).toBe(
    `Temperature on vehicle VAN-7: open.
What:         9.4 °C is above 8 °C
Where:        vehicle VAN-7 (device cooler-1, gateway gw-van-7)
Since:        2026-01-05 08:00:00 UTC
Value:        9.4 (temperatureCelsius), limit 8
Severity:     critical
Alerts:       1

https://hub.example/alerts/incidents/${incidentId}`,
  );
  expect(messageText({ ...body(), phase: 'test', incident: undefined } as unknown as DeliveryBody).text).toContain(
    'Nothing is wrong',
  );
});

it('keeps what a device wrote in its line', () => {
  const { incident, ...rest } = body();
  if (!incident) throw new Error('no incident');
  const lead = { ...incident.lead, message: 'hot\r\nBcc: all@example\u2028x' };
  const { text, subject } = messageText({ ...rest, incident: { ...incident, title: 'a\nb', lead } });
  expect(text).toContain('What:         hot Bcc: all@example x\n');
  expect(subject).toBe('[critical] a b: open');
});

it('sends a mail with a Message-ID that stays, in its incident’s thread', async () => {
  const mailer = new Mailer({ ...options, url });
  expect(await mailer.send('ann@example.com', body())).toEqual({ done: true });
  expect(await mailer.send('ann@example.com', body())).toEqual({ done: true });
  const [first, second] = received;
  expect(first).toMatchObject({ to: ['ann@example.com'], from: 'hub@milepost.example' });
  const header = (mail: typeof first, name: string) =>
    new RegExp(`^${name}: (.*)$`, 'im').exec(mail?.raw.replace(/\r\n[ \t]+/g, ' ') ?? '')?.[1]?.trim();
  expect(header(first, 'Message-ID')).toBe('<d5c7a0f2-0000-4000-8000-000000000001@milepost.example>');
  expect(header(second, 'Message-ID')).toBe(header(first, 'Message-ID'));
  expect(header(first, 'In-Reply-To')).toMatch(/^<incident-[0-9a-f-]+@milepost\.example>$/);
  expect(header(first, 'Auto-Submitted')).toBe('auto-generated');
  expect(header(first, 'Subject')).toBe('[critical] Temperature on vehicle VAN-7: open');
  mailer.close();
});

it('says whether the server refused a mail or could not be reached', async () => {
  const mailer = new Mailer({ ...options, url });
  expect(await mailer.send('nobody@example.com', body())).toMatchObject({
    done: false,
    code: 'mail-refused',
    message: expect.stringContaining('no such mailbox'),
  });
  mailer.close();
  const wrong = new Mailer({ ...options, url: url.replace('secret', 'wrong') });
  expect(await wrong.send('ann@example.com', body())).toMatchObject({ code: 'mail-refused' });
  wrong.close();
  const nowhere = new Mailer({ ...options, url: 'smtp://127.0.0.1:1' });
  expect(await nowhere.send('ann@example.com', body())).toMatchObject({ code: 'mail-unreachable' });
  nowhere.close();
});
