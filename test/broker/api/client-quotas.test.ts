import { expect, test } from 'vitest';
import { record } from '../../../src/metadata/records.ts';
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../../src/protocol/messages/security/48-describe-client-quotas.ts';
import { TestBroker } from '../harness.ts';

type Component = { entityType: string; matchType: number; match: string | null };
const part = (entityType: string, matchType: number, match: string | null = null): Component => ({
  entityType,
  matchType,
  match,
});
const exact = 0;
const byDefault = 1;
const any = 2;

function quota(entity: Record<string, string | null>, key: string) {
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));
  return record('ClientQuotaRecord', { entity: parts, key, value: 7, remove: false });
}

function broker(): TestBroker {
  return new TestBroker({
    records: [
      quota({ user: 'alice' }, 'producer_byte_rate'),
      quota({ user: 'alice' }, 'consumer_byte_rate'),
      quota({ user: null }, 'producer_byte_rate'),
      quota({ user: 'alice', 'client-id': 'app' }, 'producer_byte_rate'),
      quota({ user: null, 'client-id': null }, 'producer_byte_rate'),
      quota({ 'client-id': 'app' }, 'request_percentage'),
      quota({ ip: '10.0.0.1' }, 'connection_creation_rate'),
    ],
  });
}

async function describeQuotas(components: Component[], strict: boolean) {
  const request = { components, strict };
  return broker().inject(DescribeClientQuotasRequest, DescribeClientQuotasResponse, 1, request);
}

/** Entities as `type=name`, a default as `type`, in alphabetical order. */
async function found(components: Component[], strict = false): Promise<string[]> {
  const { entries } = await describeQuotas(components, strict);
  const text = (part: { entityType: string; entityName: string | null }): string =>
    part.entityName === null ? part.entityType : `${part.entityType}=${part.entityName}`;
  return (entries ?? []).map(({ entity }) => entity.map(text).join(' ')).sort();
}

test('matches exact names, defaults and any entity of a type', async () => {
  const pair = 'client-id=app user=alice';
  expect(await found([part('user', exact, 'alice')])).toEqual([pair, 'user=alice']);
  expect(await found([part('user', exact, 'alice')], true)).toEqual(['user=alice']);
  expect(await found([part('user', byDefault)])).toEqual(['client-id user', 'user']);
  expect(await found([part('user', any)], true)).toEqual(['user', 'user=alice']);
  expect(await found([part('user', any), part('client-id', any)], true)).toEqual(['client-id user', pair]);
  expect(await found([part('client-id', exact, 'app'), part('user', exact, 'alice')])).toEqual([pair]);
  expect(await found([part('ip', any)])).toEqual(['ip=10.0.0.1']);
  expect(await found([part('user', exact, 'bob')])).toEqual([]);
  expect(await found([])).toHaveLength(6);
  expect(await found([], true)).toEqual([]);
});

test('lists all values of an entity', async () => {
  const { entries } = await describeQuotas([part('user', exact, 'alice')], true);
  expect(entries?.[0]?.values).toEqual([
    { key: 'producer_byte_rate', value: 7 },
    { key: 'consumer_byte_rate', value: 7 },
  ]);
});

test.each([
  [[part('', any)], 'Invalid empty entity type.'],
  [[part('user', any), part('user', 9)], 'Entity type user cannot appear more than once in the filter.'],
  [[part('nope', any)], 'Unsupported entity type nope'],
  [[part('user', 3)], 'Unknown match type 3'],
  [[part('user', exact)], 'Request specified MATCH_TYPE_EXACT, but set match string to null.'],
  [
    [part('user', byDefault, 'a')],
    'Request specified MATCH_TYPE_DEFAULT, but also specified a match string.',
  ],
  [[part('user', any, 'a')], 'Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.'],
  [
    [part('ip', any), part('user', any)],
    'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
  ],
])('refuses %j', async (components, message) => {
  expect(await describeQuotas(components, false)).toMatchObject({ errorMessage: message, entries: null });
});
