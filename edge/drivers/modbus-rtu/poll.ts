/**
 * Asks the units of a Modbus bus in turn, for ever; over any link (RTU, TCP).
 *
 * Rounds start every `intervalMs`; a round that took longer is followed by the next one at once, none is made up for.
 * One unit's trouble never costs another its turn: what is wrong with a unit is said once (a status), and that it is right again,
 * too. When no unit at all has answered for SILENT_ROUNDS rounds the run ends with `device-silent`: opening the port again may help.
 */
import type { Clock } from '../../../protocols/base/clock.ts';
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import type { ModbusResponse, ReadRequest, ReadResult } from '../../../protocols/modbus/index.ts';
import { DriverError, type Reading } from '../../driver.ts';
import { Trouble } from '../../transport/trouble.ts';
import type { PollOptions } from './options.ts';
import { type PolledUnit, planUnit, readingAt } from './units.ts';

const SILENT_ROUNDS = 3;

/** Exceptions that say "not now": worth another try (MODBUS Application Protocol V1.1b3, clause 7). */
const TRY_AGAIN: ReadonlySet<number> = new Set([0x05, 0x06]);
/** Exceptions by which a gateway says that the unit behind it does not answer. */
const NOBODY_THERE: ReadonlySet<number> = new Set([0x0a, 0x0b]);

/** `over`: the driver was told to stop, or the port ended. */
export type Answer = ModbusResponse | 'silent' | 'over';

/** One request at a time. */
export interface ModbusLink {
  /** @throws CodecError for an answer that makes no sense, TransportError when the port is lost. */
  ask(unitId: number, request: ReadRequest): Promise<Answer>;
  /** Waits, and notices an end of the port meanwhile. */
  rest(ms: number): Promise<'rested' | 'over'>;
}

type RoundOutcome = { results: ReadResult[] } | { trouble: 'unit-silent' | 'unit-refused'; message: string } | 'over';

export async function* pollUnits(link: ModbusLink, clock: Clock, options: PollOptions): AsyncIterable<Reading> {
  const units = options.units.map((unit) => ({ unit: planUnit(unit), trouble: new Trouble() }));
  let silentRounds = 0;
  for (;;) {
    const startUs = clock.monotonicUs();
    const silent: { unit: PolledUnit; trouble: Trouble; message: string }[] = [];
    for (const { unit, trouble } of units) {
      const outcome = await readUnit(link, unit, options);
      if (outcome === 'over') return;
      const monotonicUs = clock.monotonicUs();
      if ('trouble' in outcome) {
        if (outcome.trouble === 'unit-silent') silent.push({ unit, trouble, message: outcome.message });
        else yield* trouble.say(monotonicUs, outcome.trouble, outcome.message);
        continue;
      }
      const faults: string[] = [];
      for (const point of unit.interpret(outcome.results)) {
        if (point.ok) yield readingAt(monotonicUs, point);
        else faults.push(point.fault);
      }
      if (faults.length > 0) yield* trouble.say(monotonicUs, 'value-refused', `${unit.name}: ${faults.join('; ')}`);
      else yield* trouble.over(monotonicUs, 'unit-recovered', `${unit.name} reads again`);
    }

    silentRounds = silent.length === units.length ? silentRounds + 1 : 0;
    if (silentRounds === SILENT_ROUNDS) throw silentError(silent);
    // Where nobody answers the fault lies with the bus, and the end of the run will say so.
    if (silentRounds === 0) {
      for (const { trouble, message } of silent) yield* trouble.say(clock.monotonicUs(), 'unit-silent', message);
    }
    const restMs = options.intervalMs - (clock.monotonicUs() - startUs) / 1000;
    if (restMs > 0 && (await link.rest(restMs)) === 'over') return;
  }
}

async function readUnit(link: ModbusLink, unit: PolledUnit, options: PollOptions): Promise<RoundOutcome> {
  const results: ReadResult[] = [];
  for (const request of unit.requests) {
    const answer = await askWithRetries(link, unit.unitId, request, options.retries);
    if (answer === 'over') return 'over';
    if (
      answer === 'silent' ||
      (answer instanceof Object && answer.kind === 'exception' && NOBODY_THERE.has(answer.exceptionCode))
    ) {
      const tries = `${options.retries + 1} tries of ${options.timeoutMs} ms`;
      return {
        trouble: 'unit-silent',
        message: `${unit.name} did not answer in ${tries}: check its address, power and wiring`,
      };
    }
    if (answer.kind === 'bits' || answer.kind === 'registers') {
      results.push({ request, values: answer.values });
      continue;
    }
    const what = answer.kind === 'exception' ? `${answer.exceptionName} (${answer.exceptionCode})` : answer.kind;
    const where = `function ${request.functionCode}, address ${request.address}, quantity ${request.quantity}`;
    return { trouble: 'unit-refused', message: `${unit.name} refused ${where}: ${what}: check its register map` };
  }
  return { results };
}

async function askWithRetries(
  link: ModbusLink,
  unitId: number,
  request: ReadRequest,
  retries: number,
): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    // An answer that makes no sense counts as none: noise on the line, or a late answer to another request.
    const answer = await link.ask(unitId, request).catch((error: unknown) => {
      if (isCodecError(error)) return 'silent' as const;
      throw error;
    });
    const again =
      answer === 'silent' || (answer !== 'over' && answer.kind === 'exception' && TRY_AGAIN.has(answer.exceptionCode));
    if (!again || tries === retries) return answer;
  }
}

function silentError(silent: readonly { message: string }[]): DriverError {
  const who = silent.length === 1 ? '' : `none of ${silent.length} units answers; `;
  return new DriverError({
    code: 'device-silent',
    message: `${who}${silent[0]?.message ?? ''}; on a serial bus also the baud rate, parity, and A and B not swapped`,
  });
}
