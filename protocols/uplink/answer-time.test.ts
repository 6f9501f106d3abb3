import { describe, expect, it } from 'vitest';
import { AnswerTime } from './answer-time.ts';

describe('how long an acknowledgement is waited for', () => {
  it('is the most before the first answer', () => {
    expect(new AnswerTime(5_000).waitMs).toBe(2_500);
  });

  // RFC 6298, 2.2 and 2.3: SRTT ← R, RTTVAR ← R/2; then RTTVAR ← 3/4 RTTVAR + 1/4 |SRTT − R'|, SRTT ← 7/8 SRTT + 1/8 R'.
  it('follows what answers take, and how they vary', () => {
    const time = new AnswerTime(60_000);
    time.answered(400);
    expect(time.waitMs).toBe(400 + 4 * 200);
    time.answered(800);
    expect(time.waitMs).toBe(450 + 4 * (0.75 * 200 + 0.25 * 400));
  });

  it('stays within its bounds', () => {
    const time = new AnswerTime(5_000);
    for (let n = 0; n < 50; n++) time.answered(5);
    expect(time.waitMs).toBe(500);
    for (let n = 0; n < 50; n++) time.answered(100_000);
    expect(time.waitMs).toBe(2_500);
    expect(new AnswerTime(200).waitMs).toBe(100);
  });

  it('lets a batch wait once to twice as long, and longer with each repetition', () => {
    const time = new AnswerTime(5_000);
    for (let n = 0; n < 50; n++) time.answered(5);
    const first = (draw: number) => time.delays(() => draw).next().value;
    expect([first(0), first(0.999_999)]).toEqual([500, 1_000]);
    const delays = time.delays(() => 0.999_999);
    expect(Array.from({ length: 9 }, () => delays.next().value)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
  });

  it('stays doubled after a wait that was too short, until a batch that was sent once is answered', () => {
    const time = new AnswerTime(5_000);
    for (let n = 0; n < 50; n++) time.answered(100);
    expect(time.waitMs).toBe(500);
    time.late();
    time.late();
    expect(time.waitMs).toBe(2_000);
    time.late();
    expect(time.waitMs).toBe(2_500);
    time.answered(100);
    expect(time.waitMs).toBe(500);
  });
});
