import { beforeEach, describe, expect, test } from 'vitest';
import { ClientRateQuota } from '../../../src/broker/quotas/client-rate-quota.ts';
import { LoopTime } from '../../../src/broker/quotas/loop-time.ts';

const window = { samplesMax: 11, sampleMs: 1000 };
const one = { user: 'ANONYMOUS', clientId: 'one' };
const two = { user: 'ANONYMOUS', clientId: 'two' };

let nowMs = 0;
let readings = 0;
let ends: (() => void)[] = [];
let quota: ClientRateQuota;
let loopTime: LoopTime;

beforeEach(() => {
  nowMs = 0;
  readings = 0;
  ends = [];
  quota = new ClientRateQuota({ key: 'request_percentage', window, throttleMsMax: 1000 });
  setLimit(1);
  const monotonicMs = (): number => {
    readings++;
    return nowMs;
  };
  const clock = { monotonicMs, wallMs: () => 0 };
  loopTime = new LoopTime({ quota, clock, afterTurn: (callback) => ends.push(callback) });
});

function setLimit(percent: number | null): void {
  const values = new Map(percent === null ? [] : [['request_percentage', percent]]);
  quota.setQuotas([{ entity: [{ entityType: 'client-id', entityName: null }], values }]);
}

function endTurn(): void {
  for (const end of ends.splice(0)) end();
}

/** Milliseconds that each client has used in the window of ten seconds. */
function used(): Record<string, number> {
  const rates = quota
    .newest(10, nowMs)
    .map(({ clientId, rate }) => [clientId, Math.round(rate.measure(nowMs) * 100)]);
  return Object.fromEntries(rates) as Record<string, number>;
}

describe('the time of the event loop', () => {
  test('is charged to a client until the end of the turn, once', () => {
    loopTime.begin(one);
    nowMs = 3;
    loopTime.begin({ ...one });
    nowMs = 5;
    expect(ends).toHaveLength(1);
    endTurn();
    nowMs = 400;
    loopTime.begin(one);
    nowMs = 402;
    endTurn();
    nowMs = 0;
    expect(used()).toEqual({ one: 7 });
  });

  test('is charged to the next client, or to nobody, from the moment the loop works for it', () => {
    loopTime.begin(one);
    nowMs = 3;
    loopTime.begin(two);
    nowMs = 13;
    loopTime.begin(null);
    nowMs = 500;
    loopTime.begin(two);
    nowMs = 501;
    endTurn();
    nowMs = 0;
    expect(used()).toEqual({ one: 3, two: 11 });
  });

  test('of the current turn counts for the throttle time', () => {
    loopTime.begin(one);
    nowMs = 100;
    expect(loopTime.throttleTimeMs(one)).toBe(0);
    nowMs = 102;
    expect(loopTime.throttleTimeMs(one)).toBeGreaterThan(100);
    nowMs = 1000;
    // At most one sample.
    expect(loopTime.throttleTimeMs(one)).toBe(1000);
    expect(loopTime.throttleTimeMs(two)).toBe(0);
  });

  test('is not measured while no client has the quota', () => {
    setLimit(null);
    loopTime.begin(one);
    expect(loopTime.throttleTimeMs(one)).toBe(0);
    expect([readings, ends.length, quota.size]).toEqual([0, 0, 0]);
  });

  test('is not charged when the quota is removed during the turn', () => {
    loopTime.begin(one);
    setLimit(null);
    nowMs = 50;
    endTurn();
    setLimit(1);
    expect(quota.size).toBe(0);
  });
});
