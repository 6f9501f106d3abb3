/** `milepost track PACKAGE`: a package's state and timeline, from the hub's API. */
import type { TrackingEvent } from '../protocols/uplink/tracking-event.ts';
import { BAD, DONE, print, printError } from './exit.ts';
import { answerOf } from './hub-call.ts';

interface Answer {
  packageId: string;
  status: string;
  eventCount: number;
  position?: { latitude: number; longitude: number };
}

const PAGE = 500;

export async function track(packageName: string, options: { hub: string; json: boolean }): Promise<number> {
  try {
    const name = encodeURIComponent(packageName);
    const state = await get<Answer>(`${options.hub}/v1/packages/${name}`);
    const events = await allEvents(options.hub, state.packageId);
    if (options.json) print(JSON.stringify({ ...state, events }));
    else printTimeline(state, events);
    return DONE;
  } catch (error) {
    const { code = 'hub-unreachable', message } = error as { code?: string; message: string };
    if (options.json) print(JSON.stringify({ error: { code, message } }));
    else printError(message);
    return BAD;
  }
}

/** Every event of a package, oldest first. */
export async function allEvents(hub: string, packageId: string): Promise<TrackingEvent[]> {
  const events: TrackingEvent[] = [];
  for (let after: string | undefined; ; ) {
    const cursor: string = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
    const path = `/v1/packages/${encodeURIComponent(packageId)}/events?limit=${PAGE}${cursor}`;
    const page = await get<{ items: TrackingEvent[]; next?: string }>(`${hub}${path}`);
    events.push(...page.items);
    if (page.next === undefined) return events;
    after = page.next;
  }
}

/** @throws Error with `code` and a message that says what to do. */
export async function get<T>(url: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    throw Object.assign(new Error(`no hub answers at ${url}: ${reason}; say where it is with --hub URL`), {
      code: 'hub-unreachable',
    });
  }
  return answerOf(response, url);
}

function printTimeline(state: Answer, events: readonly TrackingEvent[]): void {
  const where = state.position
    ? ` near ${state.position.latitude.toFixed(5)}, ${state.position.longitude.toFixed(5)}`
    : '';
  print(`${state.packageId}  ${state.status}${where}  (${state.eventCount} events)`);
  for (const event of events) {
    const { facilityId, vehicleId, readPoint } = event.location;
    const place = [facilityId ?? vehicleId ?? '', readPoint ?? ''].filter(Boolean).join(' / ');
    print(`${event.occurredAt}  ${event.scanType.padEnd(16)} ${place.padEnd(34)} ${event.source.deviceId}`);
  }
}
