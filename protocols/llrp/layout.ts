/** What a table entry says about a message or a parameter: its number, its fields, and whether parameters may follow. */
import type { Layout } from './fields.ts';

export interface ParameterEntry {
  /** Below 128 the parameter is a TV: one byte of header, no length. Otherwise a TLV with four. */
  readonly type: number;
  readonly fields: Layout;
  /** Parameters follow the fields. */
  readonly nested?: true;
}

export type ParameterTable = Readonly<Record<string, ParameterEntry>>;

export interface MessageEntry {
  readonly type: number;
  readonly fields: Layout;
  readonly nested?: true;
  /** Type number of the message that answers this one. */
  readonly answer?: number;
}

export type MessageTable = Readonly<Record<string, MessageEntry>>;
