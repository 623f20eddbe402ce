import { expect, test } from 'vitest';
import { ConnectionRates } from '../../../src/broker/quotas/connection-rates.ts';

const window = { samplesMax: 11, sampleMs: 1000 };
const noLimit = Number.POSITIVE_INFINITY;

function ratesOf(broker: number, limits: Record<string, number>, protectedListener = ''): ConnectionRates {
  return new ConnectionRates(window, {
    ofBroker: () => broker,
    ofListener: (listener) => limits[listener] ?? noLimit,
    isProtected: (listener) => listener === protectedListener,
  });
}

test('the longer of both throttle times counts, at most that of one sample', () => {
  const rates = ratesOf(2, { A: 1 });
  for (let i = 0; i < 10; i++) expect(rates.record('A', 0)).toBe(0);
  // 11 in ten seconds exceed a rate of 1 by a tenth.
  expect(rates.record('A', 0)).toBe(1000);
  for (let i = 11; i < 20; i++) expect(rates.record('B', 0)).toBe(0);
  expect(rates.record('B', 0)).toBe(500);
  for (let i = 0; i < 10; i++) rates.record('B', 0);
  expect(rates.record('B', 0)).toBe(1000);
});

test('the limit of the broker neither counts nor holds for the listener of other brokers', () => {
  const rates = ratesOf(1, { INTERNAL: 3 }, 'INTERNAL');
  for (let i = 0; i < 30; i++) expect(rates.record('INTERNAL', 0)).toBe(0);
  expect(rates.record('INTERNAL', 0)).toBeGreaterThan(0);
  expect(rates.record('CLIENTS', 0)).toBe(0);
});

test('rates and the last throttle time are shown for each listener', () => {
  const rates = ratesOf(noLimit, { A: 1 });
  for (let i = 0; i < 11; i++) rates.record('A', 0);
  rates.record('B', 0);
  rates.recordRefused('B', 300, 0);
  expect(rates.rate(0)).toBeCloseTo(1.2);
  expect(rates.listeners(0)).toEqual([
    { listener: 'A', rate: 1.1, throttleMs: 1000, addressThrottleMs: 0 },
    { listener: 'B', rate: 0.1, throttleMs: 0, addressThrottleMs: 300 },
  ]);
  expect(rates.listeners(11_000).map(({ throttleMs }) => throttleMs)).toEqual([0, 0]);
});
