import { expect, test } from 'vitest';
import { RecentValues } from '../../src/telemetry/recent-values.ts';

test('average, maximum and rate cover the last 30 to 60 seconds', () => {
  const values = new RecentValues(0);
  expect([values.average(0), values.largest(0), values.sumPerSecond(0)]).toEqual([Number.NaN, Number.NaN, 0]);
  values.add(10, 1_000);
  values.add(20, 2_000);
  expect([values.average(10_000), values.largest(10_000), values.sumPerSecond(10_000)]).toEqual([15, 20, 3]);
  values.add(30, 40_000);
  expect([values.average(40_000), values.largest(40_000), values.sumPerSecond(40_000)]).toEqual([
    20, 30, 1.5,
  ]);
  // The window of the first two is over.
  expect([values.average(70_000), values.largest(70_000)]).toEqual([30, 30]);
  expect(values.sumPerSecond(70_000)).toBe(0.75);
  expect([values.average(130_000), values.largest(130_000), values.sumPerSecond(130_000)]).toEqual([
    Number.NaN,
    Number.NaN,
    0,
  ]);
});

test('the rate of a single value in the first second is one', () => {
  const values = new RecentValues(0);
  values.add(1, 1);
  expect(values.sumPerSecond(1)).toBe(1);
});
