/** `milepost fleet …`: what fleet engineers do, over the API of a running hub. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { duration } from './duration.ts';
import type { At, By } from './fleet/answers.ts';
import type { SaveOptions } from './fleet/profiles.ts';
import type { StartOptions } from './fleet/rollouts.ts';
import type { SetOptions } from './fleet/set-thresholds.ts';
import { userName } from './user-name.ts';

/** @param hubOption Where the API answers. */
export function addFleetCommands(program: Command, hubOption: () => Option, done: (code: number) => void): void {
  const fleet = program.command('fleet').description('gateways, and the thresholds that are in force on them');
  const reading = (parent: Command, name: string, about: string) =>
    parent.command(name).description(about).addOption(hubOption()).option('--json', 'print JSON', false);
  const changing = (parent: Command, name: string, about: string) =>
    reading(parent, name, about).option('--by <name>', 'who does it, for the history', userName());

  reading(fleet, 'list', 'gateways: health, lag, which settings are in force')
    .option('--label <name=value>', 'only with this label; again for another one', collect, [])
    .option('--state <state>', 'online, offline, rejected, or behind: has not its version yet')
    .option('--search <text>', 'only with this in their id')
    .action(async ({ label, state, search, ...at }: At & { label: string[]; state?: string; search?: string }) => {
      const filter = {
        label,
        ...(state === undefined ? {} : { state }),
        ...(search === undefined ? {} : { q: search }),
      };
      done(await (await import('./fleet/gateways.ts')).listGateways(trimmed(at), filter));
    });
  reading(fleet, 'show', 'one gateway: devices, settings, what it refused and why, history')
    .argument('<gateway>')
    .action(async (gateway: string, at: At) =>
      done(await (await import('./fleet/gateways.ts')).showGateway(trimmed(at), gateway)),
    );
  changing(fleet, 'label', 'set labels instead of those in the gateway’s own file')
    .argument('<gateway>')
    .argument('<name=value...>', 'name= takes the label away that was set here')
    .option('--reason <text>', 'kept in the history')
    .action(async (gateway: string, written: string[], { reason, ...at }: By & { reason?: string }) => {
      const labels = { written, ...(reason === undefined ? {} : { reason }) };
      done(await (await import('./fleet/gateways.ts')).labelGateway(trimmed(at), gateway, labels));
    });
  reading(fleet, 'profiles', 'profiles, the latest version of each').action(async (at: At) =>
    done(await (await import('./fleet/profiles.ts')).listProfiles(trimmed(at))),
  );
  reading(fleet, 'preview', 'how often limits would have alarmed on stored telemetry; saves nothing')
    .argument('[profile]', 'as the hub has it; with --file, the profile that the file is for')
    .option('--file <file>', 'a profile that is not saved yet (YAML or JSON)')
    .option('--version <number>', 'of the profile (default: the latest)')
    .option('--days <number>', 'so far back', positive, 7)
    .action(async (profile: string | undefined, { hub, json, ...options }: At & PreviewArguments) =>
      done(await (await import('./fleet/preview.ts')).preview(trimmed({ hub, json }), profile, options)),
    );
  changing(fleet, 'set-thresholds', 'one limit of a profile or of one gateway, as a new version')
    .argument('<profile-or-gateway>')
    .requiredOption('--device <pattern>', 'device id, or a pattern such as cooler-*')
    .requiredOption('--quantity <name>', 'for example temperatureCelsius')
    .option('--low <value>', 'lower limit, in the quantity’s unit or with one: 2, 36 °F')
    .option('--high <value>', 'upper limit')
    .option('--hysteresis <value>', 'so far back inside clears')
    .option('--dwell <duration>', 'so long beyond raises, for example 60s')
    .option('--severity <name>', 'info, warning or critical')
    .option('--reason <text>', 'kept in the history; needed unless --preview')
    .option('--preview', 'show how often it would have alarmed, and save nothing', false)
    .option('--days <number>', 'of the preview', positive, 7)
    .option('--rollout', 'roll it out and wait until it is in force', false)
    .action(async (subject: string, { hub, json, by, ...options }: By & SetOptions) =>
      done(
        await (await import('./fleet/set-thresholds.ts')).setThresholds(trimmed({ hub, json, by }), subject, options),
      ),
    );
  reading(fleet, 'history', 'who changed what, when and why; the latest first')
    .argument('[subject]', 'gateway/ID, profile/ID or rollout/ID')
    .option('--limit <number>', 'at most so many', positive, 100)
    .action(async (subject: string | undefined, { limit, ...at }: At & { limit: number }) =>
      done(await (await import('./fleet/history.ts')).showHistory(trimmed(at), { subject, limit })),
    );
  addProfileCommands(fleet, { reading, changing, done });
  addRolloutCommands(fleet, { reading, changing, done });
}

interface Makers {
  reading(parent: Command, name: string, about: string): Command;
  changing(parent: Command, name: string, about: string): Command;
  done(exitCode: number): void;
}

function addProfileCommands(fleet: Command, { reading, changing, done }: Makers): void {
  const profile = fleet.command('profile').description('what gateways with certain labels shall have, in versions');
  reading(profile, 'show', 'as a file that can be edited and saved')
    .argument('<id>')
    .option('--version <number>', 'default: the latest', positive)
    .action(async (id: string, { version, ...at }: At & { version?: number }) =>
      done(await (await import('./fleet/profiles.ts')).showProfile(trimmed(at), id, version)),
    );
  changing(profile, 'save', 'a file as a new version; no gateway has it before a rollout')
    .argument('<id>')
    .requiredOption('--file <file>', 'YAML or JSON')
    .requiredOption('--reason <text>', 'kept with the version')
    .option('--base <number>', 'the version that was edited: refused when there is a newer one', wholeNumber)
    .option('--allow-empty', 'the selector may fit no gateway yet', false)
    .action(async (id: string, { hub, json, by, ...options }: By & SaveOptions) =>
      done(await (await import('./fleet/profiles.ts')).saveProfile(trimmed({ hub, json, by }), id, options)),
    );
  reading(profile, 'diff', 'what is different between two versions')
    .argument('<id>')
    .requiredOption('--from <number>', 'a version', positive)
    .requiredOption('--to <number>', 'another one', positive)
    .action(async (id: string, { from, to, ...at }: At & { from: number; to: number }) =>
      done(await (await import('./fleet/profiles.ts')).diffProfile(trimmed(at), id, { from, to })),
    );
}

function addRolloutCommands(fleet: Command, { reading, changing, done }: Makers): void {
  const rollout = fleet.command('rollout').description('brings a version of a profile to its gateways');
  changing(rollout, 'start', 'canaries first, then the rest; stops by itself on rejections or a jump in alerts')
    .argument('<profile>')
    .requiredOption('--reason <text>', 'kept in the history')
    .option('--version <number>', 'default: the latest', positive)
    .option('--canary <percent>', 'share that has it first; 0: all at once', percent)
    .option('--canary-time <duration>', 'how long they are watched, for example 10min', duration)
    .option('--max-rejected <percent>', 'stops beyond this', percent)
    .option('--max-alert-factor <number>', 'stops when alerts come so many times as often', positiveNumber)
    .option('--watch', 'wait until it is in force; 1 where it is not', false)
    .action(async (profile: string, { hub, json, by, ...options }: By & StartArguments) => {
      const { canary, canaryTime, maxRejected, maxAlertFactor, ...rest } = options;
      const started: StartOptions = {
        ...rest,
        ...(canary === undefined ? {} : { canaryPercent: canary }),
        ...(canaryTime === undefined ? {} : { canaryMinutes: canaryTime / 60_000 }),
        ...(maxRejected === undefined ? {} : { maxRejectedPercent: maxRejected }),
        ...(maxAlertFactor === undefined ? {} : { maxAlertRateFactor: maxAlertFactor }),
      };
      done(await (await import('./fleet/rollouts.ts')).startRollout(trimmed({ hub, json, by }), profile, started));
    });
  reading(rollout, 'list', 'the latest first')
    .option('--state <state>', 'canary, rolling, done, stopped or rolled-back')
    .action(async ({ state, ...at }: At & { state?: string }) =>
      done(await (await import('./fleet/rollouts.ts')).listRollouts(trimmed(at), state)),
    );
  reading(rollout, 'show', 'how far it is, gateway by gateway')
    .argument('<id>')
    .action(async (id: string, at: At) =>
      done(await (await import('./fleet/rollouts.ts')).showRollout(trimmed(at), id)),
    );
  reading(rollout, 'watch', 'wait until it is in force; 1 where it is not, with the reasons')
    .argument('<id>')
    .action(async (id: string, at: At) =>
      done(await (await import('./fleet/rollouts.ts')).watchRollout(trimmed(at), id)),
    );
  for (const [action, about] of ORDERS) {
    changing(rollout, action, about)
      .argument('<id>')
      .requiredOption('--reason <text>', 'kept in the history')
      .action(async (id: string, { reason, ...at }: By & { reason: string }) =>
        done(await (await import('./fleet/rollouts.ts')).steerRollout(trimmed(at), id, { action, reason })),
      );
  }
}

const ORDERS = [
  ['stop', 'move no further gateway'],
  ['resume', 'go on with a stopped one'],
  ['rollback', 'give all gateways the version back that they had before'],
] as const;

interface PreviewArguments {
  file?: string;
  version?: number;
  days: number;
}

interface StartArguments {
  reason: string;
  version?: number;
  canary?: number;
  canaryTime?: number;
  maxRejected?: number;
  maxAlertFactor?: number;
  watch: boolean;
}

function trimmed<T extends At>(at: T): T {
  return { ...at, hub: at.hub.replace(/\/$/, '') };
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is expected.');
  return Number(text);
}

function positive(text: string): number {
  if (wholeNumber(text) === 0) throw new InvalidArgumentError('a whole number above 0 is expected.');
  return Number(text);
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('a number above 0 is expected.');
  return number;
}

function percent(text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text) ?? [];
  if (number === undefined || Number(number) > 100) throw new InvalidArgumentError('0% to 100% is expected.');
  return Number(number);
}
