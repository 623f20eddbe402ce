import { describe, expect, test } from 'vitest';
import { MutationQuota } from '../../../src/broker/quotas/mutation-quota.ts';
import { Errors, KafkaError } from '../../../src/protocol/errors.ts';

const client = { user: 'alice', clientId: 'app' };

/** One partition a second, and a burst of ten. */
function quotaOf(limit = 1): MutationQuota {
  const quota = new MutationQuota({ samplesMax: 10, sampleMs: 1000 });
  const values = new Map([['controller_mutation_rate', limit]]);
  quota.setQuotas([{ entity: [{ entityType: 'user', entityName: 'alice' }], values }]);
  return quota;
}

function recorded(quota: MutationQuota, partitions: number, nowMs: number, isStrict = true): number | string {
  const mutations = quota.begin(client, isStrict, nowMs);
  try {
    mutations.record(partitions);
    return mutations.throttleTimeMs;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    expect(error.error).toBe(Errors.THROTTLING_QUOTA_EXCEEDED);
    return `${error.message} ${mutations.throttleTimeMs}`;
  }
}

describe('controller_mutation_rate for a client that is told of the quota', () => {
  test('admits a change while there is no debt, and refuses further ones until the debt is paid', () => {
    const quota = quotaOf();
    expect(recorded(quota, 10, 0)).toBe(0);
    expect(recorded(quota, 5, 0)).toBe(0);
    expect(recorded(quota, 1, 0)).toBe('The throttling quota has been exceeded. 5000');
    expect(recorded(quota, 1, 4000)).toBe('The throttling quota has been exceeded. 1000');
    expect(recorded(quota, 1, 5000)).toBe(0);
  });

  test('allows a burst of the whole window and no more', () => {
    const quota = quotaOf();
    expect(recorded(quota, 0, 0)).toBe(0);
    recorded(quota, 12, 3_600_000);
    expect(recorded(quota, 1, 3_600_000)).toMatch(/ 2000$/);
  });
});

test('a client of an older version is not refused, but throttled for the debt', () => {
  const quota = quotaOf();
  expect(recorded(quota, 15, 0, false)).toBe(5000);
  expect(recorded(quota, 2, 1000, false)).toBe(6000);
});

test('a changed limit of controller_mutation_rate takes effect at once', () => {
  const quota = quotaOf();
  recorded(quota, 20, 0);
  const values = new Map([['controller_mutation_rate', 10]]);
  quota.setQuotas([{ entity: [{ entityType: 'user', entityName: 'alice' }], values }]);
  expect(recorded(quota, 1, 0)).toMatch(/ 1000$/);
  quota.setQuotas([]);
  expect([recorded(quota, 1000, 0), quota.size]).toEqual([0, 0]);
});
