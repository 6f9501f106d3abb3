/**
 * EPCIS 2.0 capture (ISO/IEC 19987:2024, chapter 12): documents in JSON-LD into the open door. The document is taken apart at once, so a job is
 * finished when its answer (202 with its Location) goes out, and everything that it accepted is in the event log then.
 *
 * `GS1-EPCIS-Capture-Error-Behaviour: rollback` (the standard's default) takes all events or none, `proceed` those that can be taken.
 * Events of kinds that say nothing here are kept as dead letters under `proceed`, so that a later version can take them.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../../protocols/base/clock.ts';
import { CodecError } from '../../../protocols/base/codec-error.ts';
import { readEpcisDocument } from '../../../protocols/epcis/document.ts';
import type { EpcisItem } from '../../../protocols/epcis/model.ts';
import { type CaptureJob, findCapture, listCaptures, saveCapture } from '../../door/captures.ts';
import { checkDoorEvent } from '../../door/validate.ts';
import type { Store } from '../../store/store.ts';
import { clientOf, type DoorContext, doorScope, jsonOf } from '../door-context.ts';
import { ApiError, invalidParameter } from '../errors.ts';

const MAX_ERRORS = 100;
const MAX_LISTED = 100;

export function epcisRoutes(app: FastifyInstance, context: DoorContext & { store: Store; clock: Clock }): void {
  const { door, credentials, maxBody, store, clock } = context;
  doorScope(app, context, ['application/json', 'application/ld+json'], (scope) => {
    scope.addHook('onSend', async (_request, reply) => {
      void reply.header('gs1-epcis-version', '2.0.0').header('gs1-cbv-version', '2.0.0');
    });

    scope.post<{ Body: string | undefined }>('/epcis/v2/capture', { bodyLimit: maxBody }, async (request, reply) => {
      const client = clientOf(request, credentials) as string;
      const behaviour = behaviourOf(request.headers['gs1-epcis-capture-error-behaviour']);
      const createdAt = new Date(clock.wall().wallMs).toISOString();
      const items = itemsOf(request.body ?? '').map(checked);
      const faulty = items.filter(({ fault }) => fault);
      const isRolledBack = behaviour === 'rollback' && faulty.length > 0;
      if (!isRolledBack) {
        await door.take(
          client,
          items.flatMap(({ events }) => events),
        );
        for (const { source, fault } of faulty) {
          if (fault) await door.keep(client, Buffer.from(JSON.stringify(source)), fault, 'epcis');
        }
      }
      const job: CaptureJob = {
        captureID: randomUUID(),
        createdAt,
        finishedAt: new Date(clock.wall().wallMs).toISOString(),
        running: false,
        success: faulty.length === 0,
        captureErrorBehaviour: behaviour,
        errors: faulty.slice(0, MAX_ERRORS).map(problemOf),
      };
      await saveCapture(store, client, job);
      return reply.status(202).header('location', `/epcis/v2/capture/${job.captureID}`).send();
    });

    scope.get('/epcis/v2/capture', async (request) =>
      listCaptures(store, clientOf(request, credentials) as string, MAX_LISTED),
    );

    scope.get<{ Params: { captureId: string } }>('/epcis/v2/capture/:captureId', async (request) => {
      const job = await findCapture(store, clientOf(request, credentials) as string, request.params.captureId);
      if (job) return job;
      throw new ApiError({
        code: 'capture-unknown',
        status: 404,
        message: 'there is no such capture job of this client',
      });
    });
  });
}

function itemsOf(text: string): EpcisItem[] {
  const body = jsonOf(text);
  try {
    return readEpcisDocument(body);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw invalidParameter(error.message);
  }
}

/** The door's own schema has the last word. */
function checked(item: EpcisItem): EpcisItem {
  const fault = item.events.map((event) => checkDoorEvent(event).fault).find((each) => each !== undefined);
  return fault ? { ...item, events: [], fault: { code: 'epcis-invalid', reason: fault.reason } } : item;
}

function problemOf({ index, eventId, fault }: EpcisItem): CaptureJob['errors'][number] {
  const isInvalid = fault?.code === 'epcis-invalid';
  return {
    type: isInvalid ? 'epcisException:ValidationException' : 'epcisException:ImplementationException',
    title: fault?.code ?? '',
    status: isInvalid ? 400 : 501,
    detail: `event ${index + 1}: ${fault?.reason ?? ''}`,
    instance: eventId,
  };
}

function behaviourOf(header: string | string[] | undefined): 'rollback' | 'proceed' {
  if (header === undefined || header === 'rollback') return 'rollback';
  if (header === 'proceed') return 'proceed';
  throw invalidParameter('GS1-EPCIS-Capture-Error-Behaviour is rollback or proceed');
}
