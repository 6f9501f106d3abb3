/** New settings reach the running pipeline: what it knows of labels, tags and last values stays. */
import { expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { Intake } from './intake.ts';
import { Pipeline, type PipelineDevice } from './pipeline.ts';
import type { ReadPoint } from './read-point.ts';

const dock: ReadPoint = {
  ...{ id: 'dock', businessStep: 'receiving', scanWindowMs: 3_000, tagDepartedAfterMs: 5_000, tagDepartures: true },
};
const devicesWith = (point: Partial<ReadPoint>, deadband = 1): PipelineDevice[] => [
  { id: 'reader', readPoint: { ...dock, ...point } },
  { id: 'cooler', changes: new Map([['temperatureCelsius', { deadband, maxIntervalMs: 600_000 }]]) },
];

function setUp() {
  const clock = new ManualClock();
  const stored: string[] = [];
  const appender = {
    put: (_lane: string, payload: Uint8Array, _at: object, settle: (outcome: number) => void) => {
      stored.push(nameOf(decodePayload(Buffer.from(payload))));
      settle(stored.length);
    },
  };
  const pipeline = new Pipeline({
    devices: devicesWith({}),
    site: { facilityId: 'DC' },
    intake: new Intake({ appender, clock, log: silentLog }),
    identify: ({ text }) => [`plain:${text}`],
    identifyTag: (epcHex) => [`epc:${epcHex}`],
    clock,
    log: silentLog,
  });
  const after = async (ms: number) => {
    await clock.advance(ms);
    pipeline.tick();
    await clock.advance(0);
  };
  const now = () => ({ monotonicUs: clock.monotonicUs() });
  return {
    ...{ pipeline, after },
    said: () => stored.splice(0),
    scan: () => pipeline.take('reader', { kind: 'scan', text: 'A', ...now() }),
    tag: () => pipeline.take('reader', { kind: 'tag', epcHex: 'ab', antenna: 1, reads: 1, ...now() }),
    warm: (temperatureCelsius: number) =>
      pipeline.take('cooler', { kind: 'temperature', temperatureCelsius, ...now() }),
  };
}

function nameOf(payload: Payload): string {
  if (payload.kind === 'tracking') return `${payload.eventType} ${payload.packageId}`;
  return payload.kind === 'temperature' ? `${payload.temperatureCelsius}` : payload.kind;
}

it('a scan within its window is none, and the next window is the new one', async () => {
  const { pipeline, scan, said, after } = setUp();
  await scan();
  pipeline.configure(devicesWith({ scanWindowMs: 10_000 }));
  await after(2_000);
  await scan();
  expect(said()).toEqual(['PACKAGE_SCANNED plain:A']);
  await after(2_000);
  await scan();
  await after(9_000);
  await scan();
  expect(said()).toEqual(['PACKAGE_SCANNED plain:A']);
});

it('a tag that is there stays, and departs by the new silence', async () => {
  const { pipeline, tag, said, after } = setUp();
  await tag();
  pipeline.configure(devicesWith({ tagDepartedAfterMs: 60_000 }));
  await after(30_000);
  expect([pipeline.tagsPresent(), said()]).toEqual([1, ['PACKAGE_SCANNED epc:ab']]);
  await tag();
  expect(said()).toEqual([]);
  pipeline.configure(devicesWith({ tagDepartedAfterMs: 2_000 }));
  await after(2_500);
  expect([pipeline.tagsPresent(), said()]).toEqual([0, ['TAG_DEPARTED epc:ab']]);
});

it('a dead band is measured from the value that was stored last', async () => {
  const { pipeline, warm, said } = setUp();
  for (const value of [5, 5.5]) await warm(value);
  pipeline.configure(devicesWith({}, 0.4));
  for (const value of [5.3, 5.5, 5.8]) await warm(value);
  expect(said()).toEqual(['5', '5.5']);
});
