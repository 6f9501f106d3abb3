/**
 * `POST /v1/events`: the open door over HTTP. One event or an array of them (application/json), or one on each line (application/x-ndjson).
 * An answer of 202 means that the event log has all of them. 422 lists what is wrong line by line; the lines that it calls accepted are in
 * the log as well, and sending everything again does no harm.
 */
import type { FastifyInstance } from 'fastify';
import type { DoorEvent } from '../../../protocols/door/door-event.ts';
import { checkDoorEvent, type ParsedJson, parseJson } from '../../door/validate.ts';
import { clientOf, type DoorContext, doorScope, jsonOf } from '../door-context.ts';
import { ApiError } from '../errors.ts';

export interface EventResult {
  /** From 1; of an array the place in it. */
  line: number;
  eventId?: string;
  status: 'accepted' | 'rejected';
  code?: string;
  message?: string;
}

const LINES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];

export function eventRoutes(app: FastifyInstance, context: DoorContext): void {
  const { door, credentials, maxBody } = context;
  doorScope(app, context, ['application/json', ...LINES], (scope) => {
    scope.post<{ Body: string | undefined }>('/v1/events', { bodyLimit: maxBody }, async (request, reply) => {
      const client = clientOf(request, credentials) as string;
      const { body = '' } = request;
      const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
      const values = LINES.includes(type) ? valuesOfLines(body) : valuesOfJson(body);
      const { events, results } = check(values);
      if (results.length === 0)
        throw new ApiError({ code: 'event-invalid', status: 422, message: 'there is no event in the body' });
      if (events.length > 0) await door.take(client, events);
      const rejected = results.length - events.length;
      const answer = { accepted: events.length, rejected, results };
      if (rejected === 0) return reply.status(202).send(answer);
      const first = results.find(({ status }) => status === 'rejected');
      const message = `${rejected} of ${results.length} events are not valid; line ${first?.line}: ${first?.message}`;
      return reply.status(422).send({ error: { code: 'event-invalid', message }, ...answer });
    });
  });
}

type Value = { line: number } & ParsedJson;

function valuesOfLines(text: string): Value[] {
  return text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [{ line: index + 1, ...parseJson(line) }]));
}

function valuesOfJson(text: string): Value[] {
  const body = jsonOf(text);
  const list: unknown[] = Array.isArray(body) ? body : [body];
  return list.map((value, index) => ({ line: index + 1, value }));
}

function check(values: readonly Value[]): { events: DoorEvent[]; results: EventResult[] } {
  const events: DoorEvent[] = [];
  const results = values.map((each): EventResult => {
    const { line } = each;
    const checked = each.fault ? { fault: each.fault } : checkDoorEvent(each.value);
    if (checked.fault) {
      const { code, reason } = checked.fault;
      return { line, ...idOf(each), status: 'rejected', code, message: reason };
    }
    events.push(checked.event);
    return { line, eventId: checked.event.eventId, status: 'accepted' };
  });
  return { events, results };
}

function idOf(each: Value): { eventId?: string } {
  const eventId = each.fault ? undefined : (each.value as { eventId?: unknown } | null)?.eventId;
  return typeof eventId === 'string' ? { eventId: eventId.slice(0, 128) } : {};
}
