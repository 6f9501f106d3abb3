/** Labels that are set at the hub instead of those in a gateway's own file. */
import { BUILT_IN_LABELS, LABEL_NAME, MAX_LABELS } from '../../protocols/fleet/labels.ts';
import type { Problem } from '../../protocols/rules/rule.ts';
import type { Sql } from '../store/store.ts';
import { compose } from './compose.ts';
import { candidates, partsOf, recompute } from './desired.ts';
import { FleetError } from './errors.ts';
import type { FleetStore } from './fleet-store.ts';
import { remember } from './history.ts';
import { isLabelValue, type Labels } from './labels.ts';

export interface LabelChange {
  gatewayId: string;
  /** null: what the gateway's own file says holds again. */
  labels: Readonly<Record<string, string | null>>;
  who: string;
  reason: string;
}

/** @throws FleetError `gateway-unknown`, `labels-invalid`, `profiles-contradict` */
export async function setLabels(store: FleetStore, { gatewayId, labels, who, reason }: LabelChange): Promise<void> {
  refuseInvalid(labels);
  await store.change(async ({ sql, nowMs, tell }) => {
    const [row] = await sql.query<{ own_labels: Labels; set_labels: Labels; labels: Labels }>(
      'select own_labels, set_labels, labels from fleet_gateways where gateway_id = $1 for update',
      [gatewayId],
    );
    if (!row) throw new FleetError({ code: 'gateway-unknown', message: `no gateway '${gatewayId}' has been heard` });
    const set = Object.fromEntries(
      Object.entries({ ...row.set_labels, ...labels }).flatMap(([name, value]) =>
        value === null ? [] : [[name, value]],
      ),
    );
    const after = { ...row.own_labels, ...set, gateway: gatewayId };
    if (Object.keys(after).length > MAX_LABELS + BUILT_IN_LABELS.length) {
      const problem = { path: ['labels'], code: 'labels-invalid', message: `${Object.keys(after).length} labels` };
      throw invalid([{ ...problem, proposal: `at most ${MAX_LABELS}` }]);
    }
    await refuseContradiction(sql, gatewayId, after);
    await sql.query('update fleet_gateways set set_labels = $2::jsonb, labels = $3::jsonb where gateway_id = $1', [
      gatewayId,
      JSON.stringify(set),
      JSON.stringify(after),
    ]);
    await recompute(sql, [gatewayId], nowMs);
    await remember(sql, {
      atMs: nowMs,
      who,
      what: 'labels-set',
      why: reason,
      subject: `gateway/${gatewayId}`,
      detail: { from: row.labels, to: after },
    });
    tell({ kind: 'gateway', gatewayId });
  });
}

function refuseInvalid(labels: LabelChange['labels']): void {
  const problems = Object.entries(labels).flatMap(([name, value]): Problem[] => {
    const problem = (message: string, proposal: string) => [
      { path: ['labels', name], code: 'labels-invalid', message, proposal },
    ];
    if (BUILT_IN_LABELS.includes(name))
      return problem(`'${name}' is built in`, "it says where the gateway is: change it in the gateway's own file");
    if (!LABEL_NAME.test(name))
      return problem(`'${name}' is no name of a label`, '1 to 63 letters, digits, dots, dashes, underscores, slashes');
    if (value !== null && !isLabelValue(value))
      return problem(`${JSON.stringify(value)} is no value of a label`, '1 to 128 printable characters');
    return [];
  });
  if (problems.length > 0) throw invalid(problems);
}

function invalid(problems: Problem[]): FleetError {
  return new FleetError({ code: 'labels-invalid', message: problems[0]?.message ?? 'labels are not valid', problems });
}

async function refuseContradiction(sql: Sql, gatewayId: string, labels: Labels): Promise<void> {
  const all = await candidates(sql);
  // What a rollout is bringing counts as there.
  const coming = new Map(
    all.flatMap(({ isReleased, profileId, version }) => (isReleased ? [] : [[profileId, version]])),
  );
  const made = compose(partsOf(labels, all, coming));
  if (!('conflict' in made)) return;
  const problems = made.conflict.map(({ code, reason }) => ({
    path: ['labels'],
    code,
    message: reason,
    proposal: 'choose labels that bring one of the two profiles only, or change what one of them sets',
  }));
  const message = `with these labels two profiles would contradict each other on gateway '${gatewayId}'`;
  throw new FleetError({ code: 'profiles-contradict', message, problems });
}
