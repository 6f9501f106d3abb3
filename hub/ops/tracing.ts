/**
 * OpenTelemetry traces of sampled batches: one trace for each, `ingest` → `process` (once for each group) → `project`, linked through the
 * `traceparent` header of log records; beside them `judge`, for packages' own limits. What is not sampled costs one comparison.
 *
 * The EventLog is where all of it passes, so it is where it is traced: nothing else knows. The libraries are loaded only when an endpoint is
 * configured. Spans wait in a queue of bounded length and are given up when the collector is away.
 */
import type { Span, Tracer } from '@opentelemetry/api';
import { CodecError } from '../../protocols/base/codec-error.ts';
import { readBatchHeader } from '../../protocols/uplink/batch.ts';
import { type EventLog, type LogRecord, type StoredRecord, TOPICS } from '../log/event-log.ts';
import { overriding } from './overriding.ts';
import { readTraceparent, TRACEPARENT, type TraceContext, writeTraceparent } from './trace-context.ts';

export interface TracingOptions {
  /** Of the collector, for example `http://127.0.0.1:4318`. */
  endpoint: string;
  /** Share of batches, 0 to 1. */
  sampleRatio: number;
  /** For the choice of batches: 0 to 1. */
  random: () => number;
  attributes: Readonly<Record<string, string>>;
}

export interface Tracing {
  log(eventLog: EventLog): EventLog;
  /** Sends what waits, and ends. */
  close(): Promise<void>;
}

const MAX_QUEUE = 2_048;

export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const [api, sdk, otlp, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new otlp.OTLPTraceExporter({ url: `${options.endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new sdk.BasicTracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': 'milepost-hub', ...options.attributes }),
    // Which batches are traced is decided before a span is made.
    sampler: new sdk.AlwaysOnSampler(),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter, { maxQueueSize: MAX_QUEUE })],
  });
  const spans = new Spans(provider.getTracer('milepost'), api);
  return {
    log: (eventLog) => traced(eventLog, spans, options),
    close: () => provider.shutdown().catch(() => {}),
  };
}

class Spans {
  readonly #tracer: Tracer;
  readonly #api: typeof import('@opentelemetry/api');

  constructor(tracer: Tracer, api: typeof import('@opentelemetry/api')) {
    this.#tracer = tracer;
    this.#api = api;
  }

  start(
    name: string,
    of: { kind: 'producer' | 'consumer'; parent?: TraceContext; attributes: Record<string, string> },
  ): Span {
    const { SpanKind, ROOT_CONTEXT, TraceFlags, trace } = this.#api;
    const parent = of.parent
      ? trace.setSpanContext(ROOT_CONTEXT, { ...of.parent, traceFlags: TraceFlags.SAMPLED, isRemote: true })
      : ROOT_CONTEXT;
    const kind = of.kind === 'producer' ? SpanKind.PRODUCER : SpanKind.CONSUMER;
    return this.#tracer.startSpan(name, { kind, attributes: of.attributes }, parent);
  }

  async within<T>(spans: readonly Span[], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      for (const span of spans) {
        span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: (error as Error).message });
      }
      throw error;
    } finally {
      for (const span of spans) span.end();
    }
  }
}

function traced(eventLog: EventLog, spans: Spans, { sampleRatio, random }: TracingOptions): EventLog {
  return overriding(eventLog, {
    async append(records) {
      const own: Span[] = [];
      const signed = records.map((record) => {
        if (record.topic !== TOPICS.uplink || random() >= sampleRatio) return record;
        const span = spans.start('ingest', { kind: 'producer', attributes: attributesOf(record) });
        own.push(span);
        return withContext(record, span.spanContext());
      });
      if (own.length === 0) return eventLog.append(records);
      return spans.within(own, () => eventLog.append(signed));
    },

    transform: (options) =>
      eventLog.transform({
        ...options,
        async onRecords(records) {
          const batches = sampled(records).flatMap((batch) => {
            const range = rangeOf(batch.record);
            return range ? [{ ...batch, range }] : [];
          });
          if (batches.length === 0) return options.onRecords(records);
          const started = batches.map(({ record, parent, range }) => ({
            range,
            span: spans.start('process', { kind: 'consumer', parent, attributes: attributesOf(record, options.group) }),
          }));
          const all = started.map(({ span }) => span);
          const result = await spans.within(all, () => options.onRecords(records));
          const outputs = result.outputs.map((record) => {
            const source = sourceOf(record);
            const origin = source && started.find(({ range }) => holds(range, source));
            return origin ? withContext(record, origin.span.spanContext()) : record;
          });
          return { ...result, outputs };
        },
      }),

    follow(options) {
      const { group, topic } = options;
      // Without a group it is a replay, or somebody who reads what gateways last said: not a batch on its way.
      if (group === undefined) return eventLog.follow(options);
      const name = topic === TOPICS.uplink ? 'judge' : 'project';
      return eventLog.follow({
        ...options,
        onRecords(records) {
          const own = sampled(records).map(({ record, parent }) =>
            spans.start(name, { kind: 'consumer', parent, attributes: attributesOf(record, group) }),
          );
          return own.length === 0 ? options.onRecords(records) : spans.within(own, () => options.onRecords(records));
        },
      });
    },
  });
}

function sampled(records: readonly StoredRecord[]): { record: StoredRecord; parent: TraceContext }[] {
  return records.flatMap((record) => {
    const parent = readTraceparent(record.headers?.[TRACEPARENT]);
    return parent ? [{ record, parent }] : [];
  });
}

function withContext(record: LogRecord, context: TraceContext): LogRecord {
  return { ...record, headers: { ...record.headers, [TRACEPARENT]: writeTraceparent(context) } };
}

function attributesOf(record: LogRecord | StoredRecord, group?: string): Record<string, string> {
  return {
    ...(group !== undefined && { 'messaging.consumer.group.name': group }),
    'messaging.system': 'milepost',
    'messaging.destination.name': record.topic,
    'messaging.kafka.message.key': record.key,
    ...(record.headers?.lane !== undefined && { 'milepost.lane': record.headers.lane }),
  };
}

interface Range {
  gatewayId: string;
  epoch: string;
  lane: string;
  first: number;
  last: number;
}

function rangeOf({ key, value }: StoredRecord): Range | undefined {
  try {
    if (value === null) return undefined;
    const { epoch, lane, firstSequence, count } = readBatchHeader(value);
    return { gatewayId: key, epoch, lane, first: firstSequence, last: firstSequence + count - 1 };
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

type Source = { gatewayId: string; epoch: string; lane: string; sequence: number };

/** Whose event or alert an output is, by its header `identity` (process/publish.ts): its value may be Protobuf. */
function sourceOf({ headers }: LogRecord): Source | undefined {
  const [gatewayId, epoch, lane, sequence] = headers?.identity?.split('/') ?? [];
  if (gatewayId === undefined || epoch === undefined || lane === undefined) return undefined;
  return { gatewayId, epoch, lane, sequence: Number(sequence) };
}

function holds(range: Range, { gatewayId, epoch, lane, sequence }: Source): boolean {
  const isOne = range.gatewayId === gatewayId && range.epoch === epoch && range.lane === lane;
  return isOne && range.first <= sequence && sequence <= range.last;
}
