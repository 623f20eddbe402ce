import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClientRateQuota } from '../../../src/broker/quotas/client-rate-quota.ts';
import { Rate } from '../../../src/broker/quotas/rate.ts';

const window = { samplesMax: 11, sampleMs: 1000 };
const client = { user: 'ANONYMOUS', clientId: 'app' };

function quotaOf(limit: number): ClientRateQuota {
  const quota = new ClientRateQuota({ key: 'producer_byte_rate', window });
  const values = new Map([['producer_byte_rate', limit]]);
  quota.setQuotas([{ entity: [{ entityType: 'client-id', entityName: 'app' }], values }]);
  return quota;
}

describe('the rate', () => {
  test('of a first value is over ten seconds', () => {
    const rate = new Rate(window);
    rate.record(5000, 0);
    expect(rate.measure(0)).toBe(500);
    expect(rate.measure(500)).toBeCloseTo(5000 / 10.5);
  });

  test('counts at most eleven samples, and the end of the sample that overlaps the window', () => {
    const rate = new Rate(window);
    for (let second = 0; second <= 30; second++) rate.record(1000, second * 1000);
    // The samples that began at 20 to 30 s.
    expect(rate.measure(30_000)).toBe(1100);
    expect(rate.measure(30_999)).toBeCloseTo(11_000 / 10.999);
    // The sample of 20 s has left the window, and counts as begun now.
    expect(rate.measure(31_000)).toBe(1000);
  });

  test('counts a value until eleven seconds after the last value of its sample', () => {
    const rate = new Rate(window);
    rate.record(1000, 0);
    rate.record(1000, 999);
    expect(rate.measure(11_998)).toBeCloseTo(2000 / 11.998);
    expect(rate.measure(11_999)).toBe(0);
  });

  test('begins a sample with the first value after a pause', () => {
    const rate = new Rate(window);
    rate.record(1, 0);
    rate.record(1000, 9500);
    expect(rate.measure(11_000)).toBeCloseTo(1000 / 10.5);
  });
});

describe('the throttle time', () => {
  // The numbers of Kafka's `ClientQuotaManagerTest.testQuotaViolation`.
  test('is the one that Kafka computes', () => {
    const quota = quotaOf(500);
    let nowMs = 0;
    for (let i = 0; i < 10; i++) {
      expect(quota.record(client, 400, nowMs)).toBe(0);
      nowMs += 1000;
    }
    nowMs += 500;
    // 4000 + 2300 in 10.5 s are 600/s, a fifth too much.
    expect(quota.record(client, 2300, nowMs)).toBe(2100);
    nowMs += 2100;
    for (let i = 0; i < 10; i++) {
      quota.record(client, 400, nowMs);
      nowMs += 1000;
    }
    expect(quota.record(client, 0, nowMs)).toBe(0);
  });

  test('of a percentage is at most one sample', () => {
    const quota = new ClientRateQuota({ key: 'request_percentage', window, throttleMsMax: 1000 });
    quota.setQuotas([
      { entity: [{ entityType: 'user', entityName: null }], values: new Map([['request_percentage', 1]]) },
    ]);
    expect(quota.record(client, 500, 0)).toBe(1000);
  });
});

test('a changed limit takes effect with the next value; earlier values count', () => {
  const quota = quotaOf(1000);
  expect(quota.record(client, 10_000, 0)).toBe(0);
  quota.setQuotas([
    {
      entity: [{ entityType: 'client-id', entityName: null }],
      values: new Map([['producer_byte_rate', 500]]),
    },
  ]);
  expect(quota.record(client, 0, 0)).toBe(10_000);
  quota.setQuotas([]);
  expect(quota.record(client, 1e9, 0)).toBe(0);
  expect([quota.isOff, quota.size]).toEqual([true, 0]);
});

describe('a response above the quota', () => {
  test('is refused and does not count', () => {
    const quota = quotaOf(100);
    expect(quota.recordOrRefuse(client, 900, 0)).toEqual({ throttleMs: 0, isRefused: false });
    expect(quota.recordOrRefuse(client, 200, 0)).toEqual({ throttleMs: 1000, isRefused: true });
    expect(quota.recordOrRefuse(client, 100, 0)).toEqual({ throttleMs: 0, isRefused: false });
  });

  test('passes when nothing was used before, so that a batch above the burst does not stop a consumer', () => {
    const quota = quotaOf(100);
    expect(quota.burst(client)).toBe(1000);
    expect(quota.recordOrRefuse(client, 3000, 0)).toEqual({ throttleMs: 20_000, isRefused: false });
    expect(quota.recordOrRefuse(client, 3000, 1000).isRefused).toBe(true);
  });
});

test('the last throttle time is shown for the length of the window', () => {
  const quota = quotaOf(100);
  const throttleMs = quota.record(client, 5000, 0);
  expect(throttleMs).toBeGreaterThan(0);
  const shown = (nowMs: number) => quota.newest(1, nowMs).map((state) => quota.lastThrottleMs(state, nowMs));
  expect([shown(0), shown(10_999), shown(11_000)]).toEqual([[throttleMs], [throttleMs], [0]]);
});

/** Waits until a client may send again, and returns how long that took. The window becomes shorter at the end of a sample. */
function obey(quota: ClientRateQuota, startMs: number, throttleMs: number): number {
  let waitedMs = throttleMs;
  for (let rounds = 0; ; rounds++) {
    const moreMs = quota.record(client, 0, startMs + waitedMs);
    if (moreMs === 0) return waitedMs;
    waitedMs += moreMs;
    expect(rounds).toBeLessThan(20);
  }
}

test('over a long time a client that waits for its throttle times gets its rate, and each throttle ends', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 1_000_000 }),
      fc.array(fc.record({ share: fc.double({ min: 0.001, max: 3, noNaN: true }), pauseMs: fc.nat(3000) }), {
        minLength: 50,
        maxLength: 200,
      }),
      (limit, requests) => {
        const quota = quotaOf(limit);
        let [nowMs, total] = [0, 0];
        for (const { share, pauseMs } of requests) {
          const bytes = Math.ceil(share * limit);
          const throttleMs = quota.record(client, bytes, nowMs);
          total += bytes;
          nowMs += throttleMs > 0 ? obey(quota, nowMs, throttleMs) : pauseMs % 50;
        }
        // The window is 10 to 11 seconds long, so the rate may be a tenth higher. The burst is a window, and the request that
        // exceeded it.
        const burst = limit * (11 + 3);
        expect(total).toBeLessThanOrEqual((1.1 * limit * nowMs) / 1000 + burst);
      },
    ),
  );
});
