import { describe, expect, it } from 'vitest';
import type { Reading } from '../driver.ts';
import type { Intake } from './intake.ts';
import type { ReadPoint } from './read-point.ts';
import { ScanStage } from './scan-stage.ts';

type Scan = Extract<Reading, { kind: 'scan' }>;

const POINT: ReadPoint = {
  id: 'dock-4',
  businessStep: 'receiving',
  scanWindowMs: 3_000,
  tagDepartedAfterMs: 5_000,
  tagDepartures: true,
};
const NO_WINDOW: ReadPoint = { ...POINT, scanWindowMs: 0 };

function setup() {
  /** What the disk has not yet answered. */
  const waiting: ((accepted: boolean) => void)[] = [];
  let stored = 0;
  let repeated = 0;
  const keep: Intake['keep'] = (_payload, _observedUs, settle) => {
    stored++;
    waiting.push(settle);
  };
  const stage = new ScanStage({
    intake: { keep },
    identify: ({ text }) => [`code:${text}`],
    site: () => ({}),
    onRepeated: () => repeated++,
  });
  const answers: [text: string, accepted: boolean][] = [];
  const scan = (atS: number, text = 'A', more: Partial<Scan> = {}): Scan => ({
    kind: 'scan',
    monotonicUs: atS * 1e6,
    text,
    acknowledge: (accepted) => answers.push([text, accepted]),
    ...more,
  });
  const settle = async (accepted: boolean) => {
    for (const resolve of waiting.splice(0)) resolve(accepted);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { stage, scan, answers, settle, stored: () => stored, repeated: () => repeated };
}

describe('the answer to a scan', () => {
  it('waits for the disk, also that of a repetition, whichever device it comes from', async () => {
    const { stage, scan, answers, settle, stored, repeated } = setup();
    const first = stage.take('left', POINT, scan(1));
    const second = stage.take('right', POINT, scan(1.5));
    const third = stage.take('left', POINT, scan(2, 'A', { resentWithinMs: 6_000 }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual([]);
    await settle(true);
    await Promise.all([first, second, third]);
    expect(repeated()).toBe(2);
    expect(answers).toEqual([
      ['A', true],
      ['A', true],
      ['A', true],
    ]);
    expect(stored()).toBe(1);
    await stage.take('left', POINT, scan(2.5));
    expect(answers).toHaveLength(4);
  });

  it('is no when the scan was given up, for its repetitions too, and then the next one is new', async () => {
    const { stage, scan, answers, settle, stored } = setup();
    void stage.take('left', POINT, scan(1));
    void stage.take('left', POINT, scan(2));
    await settle(false);
    expect(answers).toEqual([
      ['A', false],
      ['A', false],
    ]);
    void stage.take('left', POINT, scan(2.5, 'A', { resentWithinMs: 6_000 }));
    await settle(true);
    expect(answers.at(-1)).toEqual(['A', true]);
    expect(stored()).toBe(2);
  });

  it('is no when the label cannot be made into a record', async () => {
    const { stage, scan, answers } = setup();
    await expect(
      stage.take('left', POINT, {
        ...scan(1),
        get aim(): string {
          throw new Error('a bug');
        },
      }),
    ).rejects.toThrow('a bug');
    expect(answers).toEqual([['A', false]]);
  });
});

describe('what a device sends again', () => {
  it('is its last scan, though there is no window', async () => {
    const { stage, scan, settle, stored, repeated } = setup();
    void stage.take('left', NO_WINDOW, scan(1));
    await settle(true);
    await stage.take('left', NO_WINDOW, scan(6, 'A', { resentWithinMs: 6_000 }));
    expect(repeated()).toBe(1);
    expect(stored()).toBe(1);
  });

  it.each([
    ['after the time in which it would have sent it', 'left', 'A', 8, { resentWithinMs: 6_000 }],
    ['by another device', 'right', 'A', 2, { resentWithinMs: 6_000 }],
    ['of another label', 'left', 'B', 2, { resentWithinMs: 6_000 }],
    ['for the first time', 'left', 'A', 2, {}],
  ])('is a new scan %s', async (_, device, text, atS, more) => {
    const { stage, scan, settle, stored } = setup();
    void stage.take('left', NO_WINDOW, scan(1));
    await settle(true);
    void stage.take(device, NO_WINDOW, scan(atS, text, more));
    await settle(true);
    expect(stored()).toBe(2);
  });

  it('is known from before a restart of the daemon, and so is the window', async () => {
    const { stage, scan, answers, stored } = setup();
    const before = { deviceId: 'left', readPoint: 'dock-4', monotonicUs: 1e6 };
    stage.remember(
      [
        { ...before, text: 'OLD' },
        { ...before, text: 'A' },
      ],
      () => 3_000,
    );
    await stage.take('left', NO_WINDOW, scan(6, 'A', { resentWithinMs: 6_000 }));
    await stage.take('right', POINT, scan(3.5, 'OLD'));
    expect(answers).toEqual([
      ['A', true],
      ['OLD', true],
    ]);
    expect(stored()).toBe(0);
  });
});
