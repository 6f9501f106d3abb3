/** What was last said about one part of a device (a unit, a sensor), so that it is said once, and once that it is over. */
import type { Reading } from '../driver.ts';

export class Trouble {
  #code = '';

  *say(monotonicUs: number, code: string, message: string): Iterable<Reading> {
    if (this.#code === code) return;
    this.#code = code;
    yield { kind: 'status', code, message, monotonicUs };
  }

  /** @param code of the status that says that it is over. */
  *over(monotonicUs: number, code: string, message: string): Iterable<Reading> {
    if (this.#code === '') return;
    this.#code = '';
    yield { kind: 'status', code, message, monotonicUs };
  }
}
