import { expect, test } from 'vitest';
import { type Measure, waitWhileItImproves } from './progress.ts';

/** The result for measures that are `at(nowMs)`, and when it came. */
async function waited(stallMs: number, at: (nowMs: number) => Measure): Promise<[Measure | null, number]> {
  let nowMs = 0;
  const time = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  return [await waitWhileItImproves(stallMs, async () => at(nowMs), time), nowMs];
}

test('the wait continues as long as the cluster makes progress', async () => {
  const bytes = (nowMs: number): number => Math.max(0, 10_000_000 - nowMs);
  const [left, tookMs] = await waited(60_000, (nowMs) => [bytes(nowMs) === 0 ? 0 : 3, bytes(nowMs)]);
  expect(left).toBeNull();
  expect(tookMs).toBe(10_000_000);
});

test('the wait ends after the given time without progress', async () => {
  const [left, tookMs] = await waited(60_000, (nowMs) => [nowMs < 30_000 ? 3 : 1, 500]);
  expect(left).toEqual([1, 500]);
  expect(tookMs).toBe(90_000);
});

test('a replica that repeatedly joins and leaves the ISR is not progress', async () => {
  const [left, tookMs] = await waited(60_000, (nowMs) => [nowMs % 1_000 === 0 ? 1 : 2, 100]);
  expect(left).toEqual([1, 100]);
  expect(tookMs).toBe(60_000);
});
