/** `milepost fleet preview`: how often limits would have alarmed on the last days' telemetry. */
import type { PreviewAnswer } from '../../hub/fleet/preview/preview.ts';
import { BAD, DONE, print, printError, USAGE } from '../exit.ts';
import { call } from '../hub-call.ts';
import { type At, answering, table, url } from './answers.ts';
import { readProfileFile } from './profile-file.ts';
import { profileVersion } from './profiles.ts';

export interface PreviewOptions {
  /** Instead of what the hub has of the profile. */
  file?: string;
  version?: number;
  days: number;
}

export function preview(
  at: At,
  profileId: string | undefined,
  { file, version, days }: PreviewOptions,
): Promise<number> {
  return answering(at, async () => {
    if (file === undefined && profileId === undefined) {
      printError('name a profile, or a file with --file');
      return USAGE;
    }
    if (file === undefined) {
      const { selector, settings } = await profileVersion(at, profileId ?? '', version);
      showPreview(at, await askPreview(at, profileId ?? '', { selector, settings, days }));
      return DONE;
    }
    const read = await readProfileFile(file);
    if (!read) return BAD;
    const { selector, settings } = read.draft;
    showPreview(at, await read.inFile(askPreview(at, profileId ?? 'draft', { selector, settings, days })));
    return DONE;
  });
}

export async function askPreview(at: At, profileId: string, body: object): Promise<PreviewAnswer> {
  const shows = !at.json && process.stderr.isTTY;
  if (shows) process.stderr.write('replaying stored telemetry …');
  try {
    return await call<PreviewAnswer>(url(at, `profiles/${encodeURIComponent(profileId)}/preview`), 'POST', body);
  } finally {
    if (shows) process.stderr.write('\r\u001b[K');
  }
}

export function showPreview(at: At, answer: PreviewAnswer): void {
  if (at.json) print(JSON.stringify(answer));
  else for (const line of describe(answer)) print(line);
}

function describe({ rules, removed, samples, from, to, gateways, complete, problems }: PreviewAnswer): string[] {
  const part = complete ? '' : ` (${gateways.replayed} of ${gateways.matching} gateways: not all were looked at)`;
  const rows = rules.map(({ ruleId, alarms, gatewaysWithAlarms, gateways: watched, current, perDay }) => [
    ruleId,
    String(alarms),
    String(current),
    `${gatewaysWithAlarms} of ${watched}`,
    perDay.map((each) => each.alarms).join(' '),
  ]);
  const examples = rules.flatMap(({ ruleId, examples: some }) =>
    some.map(({ gatewayId, deviceId, at: when, value }) => `  ${ruleId}: ${when} ${gatewayId} ${deviceId} ${value}`),
  );
  return [
    `${samples} readings of ${gateways.replayed} gateways from ${from} to ${to}${part}`,
    ...table(['RULE', 'WOULD ALARM', 'ALARMED', 'GATEWAYS', 'DAY BY DAY'], rows),
    ...removed.map(({ ruleId, current }) => `${ruleId} would be gone; it alarmed ${current} times`),
    ...(examples.length > 0 ? ['for example', ...examples] : []),
    ...problems.map(({ message, proposal }) => `could not be saved: ${message}${proposal ? ` (${proposal})` : ''}`),
  ];
}
