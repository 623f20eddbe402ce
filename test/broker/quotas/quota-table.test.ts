import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quotaClientOf, QuotaTable } from '../../../src/broker/quotas/quota-table.ts';
import type { QuotaEntityPart } from '../../../src/metadata/security-image.ts';

const client = { user: 'alice', clientId: 'app' };

function entity(user: string | null | undefined, clientId: string | null | undefined): QuotaEntityPart[] {
  return [
    ...(clientId === undefined ? [] : [{ entityType: 'client-id', entityName: clientId }]),
    ...(user === undefined ? [] : [{ entityType: 'user', entityName: user }]),
  ];
}

/** In Kafka's order (documentation of `ClientQuotaManager`), with who shares the quota. */
const levels = [
  { entity: entity('alice', 'app'), user: 'alice', clientId: 'app' },
  { entity: entity('alice', null), user: 'alice', clientId: 'app' },
  { entity: entity('alice', undefined), user: 'alice', clientId: null },
  { entity: entity(null, 'app'), user: 'alice', clientId: 'app' },
  { entity: entity(null, null), user: 'alice', clientId: 'app' },
  { entity: entity(null, undefined), user: 'alice', clientId: null },
  { entity: entity(undefined, 'app'), user: null, clientId: 'app' },
  { entity: entity(undefined, null), user: null, clientId: 'app' },
] as const;

test('of all entities that match a client the first one in the order of precedence has the quota', () => {
  fc.assert(
    fc.property(fc.subarray([...levels.keys()]), fc.boolean(), (chosen, reversed) => {
      const images = chosen.map((at) => ({
        entity: levels[at]?.entity ?? [],
        values: new Map([['producer_byte_rate', at + 1]]),
      }));
      const table = new QuotaTable(reversed ? images.reverse() : images, 'producer_byte_rate');
      const first = levels[Math.min(...chosen)];
      const wanted =
        first === undefined
          ? null
          : { limit: Math.min(...chosen) + 1, user: first.user, clientId: first.clientId };
      expect(table.find(client)).toEqual(wanted);
    }),
  );
});

test('entities with other names or other keys do not match', () => {
  const images = [
    { entity: entity('bob', 'app'), values: new Map([['producer_byte_rate', 1]]) },
    { entity: entity('alice', 'other'), values: new Map([['producer_byte_rate', 2]]) },
    { entity: entity('alice', 'app'), values: new Map([['consumer_byte_rate', 3]]) },
    { entity: [{ entityType: 'ip', entityName: '10.0.0.1' }], values: new Map([['producer_byte_rate', 4]]) },
  ];
  const table = new QuotaTable(images, 'producer_byte_rate');
  expect(table.find(client)).toBeNull();
  expect(table.isEmpty).toBe(false);
  expect(new QuotaTable(images, 'request_percentage').isEmpty).toBe(true);
});

test('the user of an entity is the name of the principal', () => {
  const named = (principal: string): string =>
    quotaClientOf({ connection: { principal }, clientId: '' }).user;
  expect(named('User:ANONYMOUS')).toBe('ANONYMOUS');
  expect(named('User:CN=a:b')).toBe('CN=a:b');
});
