/** Every answer that is no success: `{ error: { code, message } }`, with what to do in the message. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../protocols/base/log.ts';
import type { Problem } from '../../protocols/rules/rule.ts';
import { AlertingError, type AlertingErrorCode } from '../alerts/errors.ts';
import { FleetError, type FleetErrorCode } from '../fleet/errors.ts';
import { LimitError } from '../limits/limit-desk.ts';
import { EventLogError } from '../log/event-log.ts';
import { StoreError } from '../store/store.ts';
import { TimeSeriesError } from '../timeseries/time-series.ts';
import { CursorError } from '../tracking/reader.ts';

export type ApiErrorCode =
  | 'invalid-parameter'
  | 'package-unknown'
  | 'package-ambiguous'
  | 'route-unknown'
  | 'too-many-streams'
  | 'store-unavailable'
  | 'timeseries-unavailable'
  | 'log-unavailable'
  | 'credentials-missing'
  | 'event-invalid'
  | 'capture-unknown'
  | 'letter-unknown'
  | 'letter-settled'
  | 'letter-not-replayable'
  | 'replay-unknown'
  | 'replay-running'
  | FleetErrorCode
  | 'preview-busy'
  | AlertingErrorCode
  | 'limits-invalid'
  | 'internal-error';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  readonly status: number;
  /** What the name may have meant. */
  readonly candidates: readonly string[] | undefined;
  /** What is wrong with what was sent: where, what, and what would be right. */
  readonly problems: readonly Problem[] | undefined;

  constructor(fault: {
    code: ApiErrorCode;
    status: number;
    message: string;
    candidates?: readonly string[];
    problems?: readonly Problem[] | undefined;
  }) {
    super(fault.message);
    this.code = fault.code;
    this.status = fault.status;
    this.candidates = fault.candidates;
    this.problems = fault.problems;
  }
}

/** What was sent cannot be meant so: where and what to do stand in the message. */
export function invalidParameter(message: string, status = 400): ApiError {
  return new ApiError({ code: 'invalid-parameter', status, message });
}

export function installErrorAnswers(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError | Error, request, reply) => {
    const fault = apiErrorOf(error, request);
    if (fault.status >= 500) log.error({ code: fault.code, url: request.url, error: error.message }, 'request failed');
    return send(reply, fault);
  });
  app.setNotFoundHandler((request, reply) => send(reply, unknownRoute(request)));
}

function apiErrorOf(error: FastifyError | Error, request: FastifyRequest): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof FleetError) {
    const { code, message, problems } = error;
    return new ApiError({ code, status: FLEET_STATUS[code], message, problems });
  }
  if (error instanceof LimitError) return new ApiError({ code: 'limits-invalid', status: 422, message: error.message });
  if (error instanceof AlertingError) {
    const { code, message } = error;
    return new ApiError({ code, status: ALERTING_STATUS[code], message });
  }
  if (error instanceof CursorError) return invalidParameter(error.message);
  if (error instanceof StoreError) {
    const message = 'the database does not answer; GET /healthz says more';
    return new ApiError({ code: 'store-unavailable', status: 503, message });
  }
  if (error instanceof EventLogError) {
    const message = 'the event log does not answer, nothing was taken: send it again; GET /healthz says more';
    return new ApiError({ code: 'log-unavailable', status: 503, message });
  }
  if (error instanceof TimeSeriesError) {
    const message = 'the time series database does not answer; GET /healthz says more';
    return new ApiError({ code: 'timeseries-unavailable', status: 503, message });
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (status < 500) return invalidParameter(messageOf(error, request), status);
  return new ApiError({
    code: 'internal-error',
    status: 500,
    message: 'this should not happen; the log of the hub has the reason',
  });
}

const ALERTING_STATUS: Readonly<Record<AlertingErrorCode, number>> = {
  'incident-unknown': 404,
  'incident-cleared': 409,
  'silence-unknown': 404,
  'silence-invalid': 422,
  'silence-over': 409,
  'subscription-unknown': 404,
  'subscription-invalid': 422,
  'email-not-configured': 422,
  'address-private': 422,
};

const FLEET_STATUS: Readonly<Record<FleetErrorCode, number>> = {
  'gateway-unknown': 404,
  'profile-unknown': 404,
  'profile-version-unknown': 404,
  'profile-changed': 409,
  'profile-invalid': 422,
  'profiles-contradict': 422,
  'labels-invalid': 422,
  'rollout-unknown': 404,
  'rollout-open': 409,
  'rollout-over': 409,
  'rollout-pointless': 422,
};

function messageOf(error: FastifyError | Error, { method, headers, routeOptions }: FastifyRequest): string {
  const [fault] = ('validation' in error ? error.validation : undefined) ?? [];
  if (fault?.keyword === 'additionalProperties') {
    return `there is no parameter ${JSON.stringify(fault.params.additionalProperty)}; GET /openapi.json lists those that there are`;
  }
  if (fault?.keyword === 'enum') return `${error.message}: ${(fault.params.allowedValues as string[]).join(', ')}`;
  if (fault?.keyword === 'format' && fault.params.format === 'date-time')
    return `${error.message}: a time such as 2026-11-23T06:00:00Z was expected`;
  const { code } = error as { code?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return `${method} ${routeOptions.url} takes bodies of at most ${routeOptions.bodyLimit} bytes: send it in parts`;
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return `content-type ${JSON.stringify(headers['content-type'] ?? '')} is not taken here: application/json was expected`;
  return error.message;
}

function unknownRoute({ method, url }: FastifyRequest): ApiError {
  const path = url.split('?')[0] ?? '';
  const message = `there is no ${method} ${path.slice(0, 200)}; GET /openapi.json lists what there is`;
  return new ApiError({ code: 'route-unknown', status: 404, message });
}

function send(reply: FastifyReply, { status, code, message, candidates, problems }: ApiError): FastifyReply {
  if (status === 503) void reply.header('retry-after', '2');
  return reply
    .status(status)
    .send({ error: { code, message, ...(candidates && { candidates }), ...(problems && { problems }) } });
}
