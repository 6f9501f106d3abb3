/** Collects the conditions of a statement and their parameters in the order in which they are named. */
import type { SqlValue } from '../store/store.ts';

export class Conditions {
  readonly values: SqlValue[] = [];
  readonly #clauses: string[] = [];

  /** Notes a parameter and gives its place. */
  readonly place = (value: SqlValue): string => `$${this.values.push(value)}`;

  and(clause: string): this {
    this.#clauses.push(clause);
    return this;
  }

  get where(): string {
    return this.#clauses.length === 0 ? '' : `where ${this.#clauses.join(' and ')}`;
  }
}
