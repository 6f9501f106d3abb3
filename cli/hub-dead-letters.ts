/** `milepost hub dead-letters list | show | replay | drop`: over the API of a running hub. */
import type { Command, Option } from 'commander';
import { BAD, DONE, print } from './exit.ts';
import { call, refused } from './hub-call.ts';
import { get } from './track.ts';
import { userName } from './user-name.ts';

interface Letter {
  id: string;
  at: string;
  gatewayId: string;
  code: string;
  reason: string;
  state: string;
  bytes: number;
}

interface Shown extends Letter {
  headers: Record<string, string>;
  value: string;
  text?: string;
}

interface At {
  hub: string;
  json: boolean;
}

const PAGE = 200;

/** @param hubOption Where the API answers. */
export function addDeadLetterCommands(hub: Command, hubOption: () => Option, done: (code: number) => void): void {
  const letters = hub.command('dead-letters').description('what could not be decoded, validated or stored');
  const by = userName();
  letters
    .command('list')
    .description('the latest first')
    .addOption(hubOption())
    .option('--state <state>', 'open, replayed, dropped or all', 'open')
    .option('--code <code>', 'only those with this error code')
    .option('--gateway <id>', 'only those of this gateway or client')
    .option('--from <time>', 'not before, for example 2026-11-23T06:00:00Z')
    .option('--to <time>', 'not after')
    .option('--json', 'one JSON object per line', false)
    .action(async ({ hub: url, json, ...filter }: At & Record<string, string>) =>
      done(await list({ hub: trimmed(url), json }, filter)),
    );
  letters
    .command('show')
    .description('one of them, with its headers and bytes')
    .argument('<id>')
    .addOption(hubOption())
    .option('--json', 'print JSON', false)
    .action(async (id: string, { hub: url, json }: At) => done(await show({ hub: trimmed(url), json }, id)));
  letters
    .command('replay')
    .description('try them again, with the identity they had')
    .argument('<id...>')
    .addOption(hubOption())
    .option('--by <name>', 'who', by)
    .option('--json', 'one JSON object per line', false)
    .action(async (ids: string[], { hub: url, json, by: who }: At & { by: string }) =>
      done(await settle({ hub: trimmed(url), json }, ids, { action: 'replay', body: { by: who } })),
    );
  letters
    .command('drop')
    .description('settle them without trying them again')
    .argument('<id...>')
    .requiredOption('--why <text>', 'the reason, kept with them')
    .addOption(hubOption())
    .option('--by <name>', 'who', by)
    .option('--json', 'one JSON object per line', false)
    .action(async (ids: string[], { hub: url, json, by: who, why }: At & { by: string; why: string }) =>
      done(await settle({ hub: trimmed(url), json }, ids, { action: 'drop', body: { by: who, why } })),
    );
}

async function list({ hub, json }: At, filter: Record<string, string>): Promise<number> {
  try {
    let count = 0;
    for (let after: string | undefined; ; ) {
      const query = new URLSearchParams({ ...filter, limit: String(PAGE), ...(after === undefined ? {} : { after }) });
      const page = await get<{ items: Letter[]; next?: string }>(`${hub}/v1/dead-letters?${query}`);
      for (const letter of page.items) print(json ? JSON.stringify(letter) : lineOf(letter));
      count += page.items.length;
      if (page.next === undefined) break;
      after = page.next;
    }
    if (count === 0 && !json) print('there are none');
    return DONE;
  } catch (error) {
    return refused(error, json);
  }
}

async function show({ hub, json }: At, id: string): Promise<number> {
  try {
    const letter = await get<Shown>(`${hub}/v1/dead-letters/${encodeURIComponent(id)}`);
    if (json) {
      print(JSON.stringify(letter));
      return DONE;
    }
    print(lineOf(letter));
    for (const [name, value] of Object.entries(letter.headers)) print(`  ${name}: ${value}`);
    print(letter.text ?? letter.value);
    return DONE;
  } catch (error) {
    return refused(error, json);
  }
}

/** Each by itself: one that cannot be settled does not hold up the others. */
async function settle(
  { hub, json }: At,
  ids: readonly string[],
  { action, body }: { action: 'replay' | 'drop'; body: object },
): Promise<number> {
  let worst = DONE;
  for (const id of ids) {
    try {
      const letter = await call<Letter>(`${hub}/v1/dead-letters/${encodeURIComponent(id)}/${action}`, 'POST', body);
      print(json ? JSON.stringify(letter) : `${id} ${letter.state}`);
    } catch (error) {
      refused(error, json);
      worst = BAD;
    }
  }
  return worst;
}

function lineOf({ id, at, gatewayId, code, reason, state, bytes }: Letter): string {
  return `${id.padEnd(10)} ${at}  ${gatewayId.padEnd(24)} ${code.padEnd(20)} ${state.padEnd(8)} ${bytes} B  ${reason}`;
}

function trimmed(url: string): string {
  return url.replace(/\/$/, '');
}
