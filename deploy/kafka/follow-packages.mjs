#!/usr/bin/env node
/**
 * An example of a reader without Milepost code: prints a line for each event in `package-events`, each event once. Needs Node.js and kcat.
 *
 *   node follow-packages.mjs localhost:9092 [--exit]     --exit: ends at the end of the topic instead of waiting for more
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const [brokers = 'localhost:9092', mode] = process.argv.slice(2);
/** Identities seen lately: a hub that replays events on demand sends them again. */
const seen = new Set();
const MOST_SEEN = 1_000_000;

const kcat = spawn(
  'kcat',
  [
    ...['-C', '-q', '-u', '-J', '-b', brokers, '-t', 'package-events', '-o', 'beginning'],
    // What a transaction has not committed was never said.
    ...['-X', 'isolation.level=read_committed'],
    ...(mode === '--exit' ? ['-e'] : []),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);

for await (const line of createInterface({ input: kcat.stdout })) {
  const { key, payload, headers } = JSON.parse(line);
  const named = new Map(pairs(headers ?? []));
  // Name, version and encoding of the schema: within a version fields are only ever added.
  if (named.get('schema') !== 'tracking-event/1+json') continue;
  const id = named.get('identity');
  if (seen.has(id)) continue;
  seen.add(id);
  if (seen.size > MOST_SEEN) seen.delete(seen.values().next().value);
  const event = JSON.parse(payload);
  const place = event.location.readPoint ?? event.location.facilityId ?? event.location.vehicleId ?? '';
  console.log([event.occurredAt, key, event.scanType, place].join('\t'));
}

function pairs(list) {
  return Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index], list[2 * index + 1]]);
}
