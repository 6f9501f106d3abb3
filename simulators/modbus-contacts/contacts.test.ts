import { describe, expect, it } from 'vitest';
import { testContext } from '../testing/context.ts';
import { contactsOptions, modbusContacts } from './contacts.ts';

async function started(options: object = {}) {
  const { clock, line, ledger, context } = testContext();
  const contacts = await modbusContacts('doors', contactsOptions.parse({ unitId: 10, ...options })).start(context);
  const ask = async (hex: string): Promise<string> => {
    line('doors').sent.length = 0;
    line('doors').fromHost(Buffer.from(hex, 'hex'));
    await clock.advance(100);
    return Buffer.concat(line('doors').sent).toString('hex');
  };
  return { clock, contacts, ledger, ask };
}

/** Unit 10, read discrete inputs from 0, three of them. */
const READ_3 = '0a02000000033970';

describe('modbus-contacts', () => {
  it('answers with a bit for each door, on while it is open', async () => {
    const { contacts, ask } = await started();
    expect((await ask(READ_3)).slice(0, 8)).toBe('0a020100');
    await contacts.command('open', { input: 3 });
    await contacts.command('open', { input: 1 });
    expect((await ask(READ_3)).slice(0, 8)).toBe('0a020105');
    await contacts.command('close', { input: 1 });
    expect((await ask(READ_3)).slice(0, 8)).toBe('0a020104');
  });

  it('closes by itself after the time, and says what it did', async () => {
    const { clock, contacts, ledger } = await started();
    await contacts.command('open', { input: 2, forS: 30 });
    await contacts.command('open', { input: 2, forS: 60 });
    await clock.advance(50_000);
    expect(ledger.map(({ detail }) => detail)).toEqual([{ input: 2, state: 'open' }]);
    await clock.advance(20_000);
    expect(ledger.at(-1)).toMatchObject({ kind: 'contact', detail: { input: 2, state: 'closed' } });
  });

  it('turns the bits round for contacts that a closed door closes', async () => {
    const { contacts, ask } = await started({ openIsOn: false, inputs: 3 });
    await contacts.command('open', { input: 2 });
    expect((await ask(READ_3)).slice(0, 8)).toBe('0a020105');
  });

  it('refuses inputs that it does not have, other functions, and other units', async () => {
    const { contacts, ask } = await started({ inputs: 2 });
    expect((await ask(READ_3)).slice(0, 6)).toBe('0a8202');
    expect((await ask('0a03000000018571')).slice(0, 6)).toBe('0a8301');
    await expect(contacts.command('open', { input: 3 })).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(contacts.command('fly')).rejects.toMatchObject({ code: 'sim-command-unknown' });
  });

  it('leaves no timer behind', async () => {
    const { clock, contacts } = await started();
    await contacts.command('open', { input: 1, forS: 60 });
    await contacts.stop();
    expect(clock.timers).toBe(0);
  });
});
