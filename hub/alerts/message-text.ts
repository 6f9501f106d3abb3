/** A delivery in words, for a dispatcher: what, where, since when, the value and its limit, and where to look. Pure. */
import type { DeliveryBody } from './announce.ts';

export interface MessageText {
  subject: string;
  text: string;
}

/** @param publicUrl Where people reach the hub; without it there is no link. */
export function messageText({ phase, at, incident, subscriptionId }: DeliveryBody, publicUrl?: string): MessageText {
  if (!incident) {
    const text = `This is what a delivery of the subscription ${subscriptionId} looks like. Nothing is wrong.\n\nSent ${timeText(at)}.`;
    return { subject: 'Milepost: a test', text };
  }
  const { title, severity, lead, count, retracted, openedAt, clearedAt, withdrawn } = incident;
  const said = withdrawn ? 'withdrawn' : SAID[phase];
  const link =
    publicUrl && `${publicUrl.replace(/\/$/, '')}/alerts/incidents/${encodeURIComponent(incident.incidentId)}`;
  const lines = [
    `${title}: ${said}.`,
    '',
    row('What', lead.message),
    row('Where', whereOf(incident)),
    row('Since', timeText(openedAt)),
    clearedAt && row('Until', timeText(clearedAt)),
    row('Value', `${lead.value} (${lead.quantity}), limit ${lead.limit}`),
    row('Severity', severity),
    row(
      'Alerts',
      `${count}${retracted.length > 0 ? `, and ${retracted.length} that turned out not to have been` : ''}`,
    ),
    incident.reopened > 0 && row('Opened again', `${incident.reopened} times`),
    incident.acknowledgedBy && row('Taken on by', incident.acknowledgedBy),
    incident.note && row('Note', incident.note),
    incident.continuesAs && row('Goes on as', `incident ${incident.continuesAs}`),
    link && `\n${link}`,
  ];
  return {
    subject: oneLine(`[${severity}] ${title}: ${said}`),
    text: lines.filter((line) => line !== undefined && line !== false && line !== '').join('\n'),
  };
}

const SAID: Readonly<Record<DeliveryBody['phase'], string>> = {
  opened: 'open',
  escalated: 'got worse',
  acknowledged: 'taken on',
  cleared: 'over',
  test: 'a test',
};

function whereOf({ subject, lead }: NonNullable<DeliveryBody['incident']>): string {
  const { deviceId, gatewayId, location } = lead;
  const { latitude, longitude } = location;
  const position = latitude === undefined || longitude === undefined ? '' : ` at ${latitude}, ${longitude}`;
  const device = deviceId === '' ? '' : `device ${deviceId}, `;
  return `${subject.replaceAll('/', ' ')} (${device}gateway ${gatewayId})${position}`;
}

function row(name: string, value: string): string {
  return `${`${name}:`.padEnd(14)}${oneLine(value)}`;
}

/** `2026-01-05 08:04:00 UTC` */
function timeText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** What a device or a person wrote stays in its line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 500);
}
