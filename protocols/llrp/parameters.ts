/**
 * Every parameter of LLRP 1.0.1 and 1.1 as one discriminated union over `name`.
 *
 * A parameter is a flat object: `name`, its fields, and, where the standard lets parameters follow, `parameters` in wire
 * order. A TLV whose type is not in the tables is kept as `Unknown` with its bytes, a vendor's as `Custom`; both are written
 * back as they were.
 */
import type { FieldsOf } from './fields.ts';
import { ACCESS } from './parameters-access.ts';
import { C1G2 } from './parameters-c1g2.ts';
import { CAPABILITIES } from './parameters-capabilities.ts';
import { COMMON } from './parameters-common.ts';
import { CONFIG } from './parameters-config.ts';
import { REPORT } from './parameters-report.ts';
import { ROSPEC } from './parameters-rospec.ts';

export const PARAMETERS = { ...COMMON, ...CAPABILITIES, ...ROSPEC, ...CONFIG, ...REPORT, ...C1G2, ...ACCESS } as const;

type Table = typeof PARAMETERS;

/** Parameters that follow the fields of a message or parameter. */
export interface Nested {
  parameters: Parameter[];
}

/** A TLV that the tables do not know: `bytes` is what follows its four-byte header. */
export interface UnknownParameter {
  name: 'Unknown';
  type: number;
  bytes: Uint8Array;
}

type Known = {
  [N in keyof Table]: { name: N } & FieldsOf<Table[N]['fields']> &
    (Table[N] extends { nested: true } ? Nested : unknown);
};

interface ByName extends Known {
  Unknown: UnknownParameter;
}

export type ParameterName = keyof ByName;
export type Parameter = ByName[ParameterName];
/** One member of the union, for example `ParameterOf<'ROSpec'>`. */
export type ParameterOf<N extends ParameterName> = ByName[N];

/** The first parameter of that name among these (not inside them). */
export function findParameter<N extends ParameterName>(
  parameters: readonly Parameter[],
  name: N,
): ParameterOf<N> | undefined {
  return parameters.find((parameter): parameter is Extract<Parameter, { name: N }> => parameter.name === name) as
    | ParameterOf<N>
    | undefined;
}

/** All parameters of that name among these (not inside them), in order. */
export function filterParameters<N extends ParameterName>(parameters: readonly Parameter[], name: N): ParameterOf<N>[] {
  return parameters.filter((parameter) => parameter.name === name) as ParameterOf<N>[];
}
