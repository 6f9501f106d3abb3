/**
 * Retention and down-sampling in InfluxDB 2: two buckets, and tasks that bring numbers together by the hour.
 *
 * Source: InfluxDB v2 API (/api/v2/buckets, /api/v2/tasks), Flux `aggregateWindow`, `date.truncate` (which takes a duration as a time
 * relative to now). Windows are whole hours, so a task that runs again writes the same points again. Gateways may have been away for days:
 * a daily task brings the last eight days together once more.
 */
import { days } from '../days.ts';
import type { RetentionPlan, SetupStep } from '../time-series.ts';
import type { Answer, Send } from './influx.ts';

interface Bucket {
  id: string;
  retentionRules?: { type: string; everySeconds: number }[];
}

export async function arrangeFlux(
  send: Send,
  { bucket, org, plan }: { bucket: string; org: string; plan: RetentionPlan },
): Promise<SetupStep[]> {
  const hourly = `${bucket}-hourly`;
  const orgID = await orgIdOf(send, org);
  const steps = [
    await keepBucket(send, { name: bucket, org, orgID, keepMs: plan.rawMs }),
    await keepBucket(send, { name: hourly, org, orgID, keepMs: plan.hourlyMs }),
  ];
  const tasks = [
    { name: `milepost-hourly ${bucket}`, every: '1h', start: '-3h' },
    { name: `milepost-hourly-late ${bucket}`, every: '1d', start: '-8d' },
  ];
  for (const task of tasks) {
    steps.push(await keepTask(send, { name: task.name, org, flux: taskText({ ...task, bucket, hourly, org }) }));
  }
  return steps;
}

/** Numbers of whole hours as `mean_…`, `min_…` and `max_…`, each at the start of its hour. */
function taskText(of: { name: string; every: string; start: string; bucket: string; hourly: string; org: string }) {
  const { name, every, start, bucket, hourly, org } = of;
  const parts = ['mean', 'min', 'max'].map(
    (fn) => `numbers
  |> aggregateWindow(every: 1h, fn: ${fn}, createEmpty: false, timeSrc: "_start")
  |> map(fn: (r) => ({r with _field: "${fn}_" + r._field}))
  |> to(bucket: ${text(hourly)}, org: ${text(org)})`,
  );
  return `import "date"
import "types"

option task = {name: ${text(name)}, every: ${every}, offset: 10m}

numbers = from(bucket: ${text(bucket)})
  |> range(start: date.truncate(t: ${start}, unit: 1h), stop: date.truncate(t: now(), unit: 1h))
  |> filter(fn: (r) => types.isType(v: r._value, type: "float"))

${parts.join('\n\n')}
`;
}

async function keepBucket(
  send: Send,
  wanted: { name: string; org: string; orgID: string; keepMs: number },
): Promise<SetupStep> {
  const { name, org, orgID, keepMs } = wanted;
  const what = `bucket ${name}, kept ${days(keepMs)}`;
  const everySeconds = Math.ceil(keepMs / 1000);
  const retentionRules = [{ type: 'expire', everySeconds }];
  const found = await orMissing(send({ method: 'GET', path: `/api/v2/buckets?${new URLSearchParams({ org, name })}` }));
  const [bucket] = (found?.body as { buckets?: Bucket[] } | undefined)?.buckets ?? [];
  if (!bucket) {
    await send(json('POST', '/api/v2/buckets', { name, orgID, retentionRules }));
    return { what, did: 'created' };
  }
  if (bucket.retentionRules?.[0]?.everySeconds === everySeconds) return { what, did: 'nothing' };
  await send(json('PATCH', `/api/v2/buckets/${encodeURIComponent(bucket.id)}`, { retentionRules }));
  return { what, did: 'changed' };
}

async function keepTask(send: Send, wanted: { name: string; org: string; flux: string }): Promise<SetupStep> {
  const { name, org, flux } = wanted;
  const what = `task ${name}`;
  const found = await send({ method: 'GET', path: `/api/v2/tasks?${new URLSearchParams({ org, name })}` });
  const [task] = (found.body as { tasks?: { id: string; flux: string; status: string }[] }).tasks ?? [];
  if (!task) {
    await send(json('POST', '/api/v2/tasks', { org, flux, status: 'active' }));
    return { what, did: 'created' };
  }
  if (task.flux.trim() === flux.trim() && task.status === 'active') return { what, did: 'nothing' };
  await send(json('PATCH', `/api/v2/tasks/${encodeURIComponent(task.id)}`, { flux, status: 'active' }));
  return { what, did: 'changed' };
}

async function orgIdOf(send: Send, org: string): Promise<string> {
  const { body } = await send({ method: 'GET', path: `/api/v2/orgs?${new URLSearchParams({ org })}` });
  return (body as { orgs?: { id: string }[] }).orgs?.[0]?.id ?? '';
}

function json(method: 'POST' | 'PATCH', path: string, body: object) {
  return { method, path, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

export async function orMissing(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as { statusCode?: unknown }).statusCode === 404) return undefined;
    throw error;
  }
}

/** A Flux string literal. */
export function text(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&').replaceAll('${', '\\${')}"`;
}
