/**
 * Retention and down-sampling in InfluxDB 2: two buckets, and tasks that bring numbers together by the hour.
 *
 * Source: InfluxDB v2 API (/api/v2/buckets, /api/v2/tasks), Flux `aggregateWindow`, `date.truncate` (which takes a duration as a time
 * relative to now). Windows are whole hours, so a task that runs again writes the same points again. Gateways may have been away for days:
 * a daily task brings the last eight days together once more.
 */
import type { HttpError } from '@influxdata/influxdb-client';
import { days } from '../days.ts';
import { type RetentionPlan, type SetupStep, TimeSeriesError } from '../time-series.ts';
import type { Answer, Send } from './influx.ts';

interface Bucket {
  id: string;
  retentionRules?: { everySeconds: number; shardGroupDurationSeconds?: number }[];
}

export async function arrangeFlux(
  send: Send,
  { bucket, org, plan }: { bucket: string; org: string; plan: RetentionPlan },
): Promise<SetupStep[]> {
  const hourly = `${bucket}-hourly`;
  const steps = [
    await keepBucket(send, { name: bucket, org, keepMs: plan.rawMs }),
    await keepBucket(send, { name: hourly, org, keepMs: plan.hourlyMs }),
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

async function keepBucket(send: Send, wanted: { name: string; org: string; keepMs: number }): Promise<SetupStep> {
  const { name, org, keepMs } = wanted;
  const what = `bucket ${name}, kept ${days(keepMs)}`;
  const everySeconds = Math.ceil(keepMs / 1000);
  const expire = { type: 'expire', everySeconds };
  const found = await orMissing(send({ method: 'GET', path: `/api/v2/buckets?${new URLSearchParams({ org, name })}` }));
  const [bucket] = (found?.body as { buckets?: Bucket[] } | undefined)?.buckets ?? [];
  if (!bucket) {
    const orgID = await orgIdOf(send, { org, bucket: name });
    await send(json('POST', '/api/v2/buckets', { name, orgID, retentionRules: [expire] }));
    return { what, did: 'created' };
  }
  const [rule] = bucket.retentionRules ?? [];
  if (rule?.everySeconds === everySeconds) return { what, did: 'nothing' };
  // A bucket without an end has shards of a week, and the server refuses to keep less than a shard. 0: of what size the server finds right.
  const { shardGroupDurationSeconds: shard = 0 } = rule ?? {};
  const retentionRules = [
    { ...expire, ...(shard > everySeconds || shard === 0 ? { shardGroupDurationSeconds: 0 } : {}) },
  ];
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

/**
 * Whom a new bucket belongs to; undefined where there are no organisations (InfluxDB 1.8).
 *
 * @throws TimeSeriesError `timeseries-denied` where the token may not know: it was made for some buckets only, and this is none of them.
 */
export async function orgIdOf(send: Send, of: { org: string; bucket: string }): Promise<string | undefined> {
  const { org, bucket } = of;
  let answer: Answer;
  try {
    answer = await send({ method: 'GET', path: `/api/v2/orgs?${new URLSearchParams({ org })}` });
  } catch (error) {
    const { statusCode, json: told } = error as Partial<HttpError>;
    // An organisation that does not exist is told as JSON with a code.
    if (statusCode === 404 && told?.code === undefined) return undefined;
    throw error;
  }
  const [found] = (answer.body as { orgs?: { id: string }[] }).orgs ?? [];
  if (found) return found.id;
  throw new TimeSeriesError({
    code: 'timeseries-denied',
    message:
      `the token sees neither a bucket ${bucket} nor the organisation ${org}: ` +
      `it needs read and write for the bucket (or all access, if the hub is to create it)`,
  });
}

export function json(method: 'POST' | 'PATCH', path: string, body: object) {
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
