import { expect, test } from 'vitest';
import { refusedConnectionsMax, refusedSilenceMs } from '../../../src/broker/limits.ts';
import { ConnectionQuota } from '../../../src/broker/quotas/connection-quota.ts';
import { record } from '../../../src/metadata/records.ts';
import { TestBroker } from '../harness.ts';

const window = { samplesMax: 11, sampleMs: 1000 };
const key = 'connection_creation_rate';

function quotaOf(limits: Record<string, number>): ConnectionQuota {
  const quota = new ConnectionQuota(window);
  quota.setQuotas(
    Object.entries(limits).map(([name, limit]) => ({
      entity: [{ entityType: 'ip', entityName: name === '' ? null : name }],
      values: new Map([[key, limit]]),
    })),
  );
  return quota;
}

test('an address may open its rate times ten seconds of connections at once; a refused connection does not count', () => {
  const quota = quotaOf({ '10.0.0.1': 2 });
  for (let i = 0; i < 20; i++) expect(quota.throttleTimeMs('10.0.0.1', 0)).toBe(0);
  for (let i = 0; i < 5; i++) expect(quota.throttleTimeMs('10.0.0.1', 0)).toBe(500);
  // 21 in 10.9 s are within the rate, 26 would not be.
  expect(quota.throttleTimeMs('10.0.0.1', 10_900)).toBe(0);
});

test('an address without its own quota has the default one; all spellings of an address share one quota', () => {
  const quota = quotaOf({ '': 0.1, '2001:db8::1': 100 });
  expect(quota.throttleTimeMs('10.0.0.1', 0)).toBe(0);
  expect(quota.throttleTimeMs('::ffff:10.0.0.1', 0)).toBe(1000);
  expect(quota.throttleTimeMs('10.0.0.2', 0)).toBe(0);
  expect(quota.throttleTimeMs('2001:db8:0:0::1', 0)).toBe(0);
  expect(quota.throttleTimeMs('2001:db8:0:0::1', 0)).toBe(0);
  quota.setQuotas([]);
  expect([quota.throttleTimeMs('10.0.0.2', 0), quota.size]).toEqual([0, 0]);
});

test('a connection above the quota is closed after its throttle time without being read; other addresses are served', async () => {
  const broker = new TestBroker();
  const entity = [{ entityType: 'ip', entityName: '10.0.0.9' }];
  broker.apply([record('ClientQuotaRecord', { entity, key, value: 0.1, remove: false })]);
  const [first, second, silent] = [broker.connect(), broker.connect(), broker.connect()];
  const other = broker.connect('broker', '10.0.0.8');
  second.feed(new Uint8Array([0, 0, 0, 9]));
  expect([first, second, other].map(({ closed, paused }) => closed || paused)).toEqual([false, true, false]);
  await broker.time.advance(999);
  expect([second.closed, silent.closed]).toEqual([false, false]);
  await broker.time.advance(refusedSilenceMs - 999);
  expect([first, second, silent, other].map(({ closed }) => closed)).toEqual([false, true, true, false]);
});

test('a connection above the quota closes no other connection', async () => {
  const broker = new TestBroker({ properties: 'max.connections=2' });
  const entity = [{ entityType: 'ip', entityName: '10.0.0.9' }];
  broker.apply([record('ClientQuotaRecord', { entity, key, value: 0.1, remove: false })]);
  const idle = broker.connect('broker', '10.0.0.8');
  await broker.time.advance(5000);
  // The first connection of this address is within its quota.
  broker.connect('broker', '10.0.0.9');
  broker.connect('broker', '10.0.0.9');
  expect(idle.closed).toBe(false);
});

test('connections above the quota leave room for connections that may come from another node', async () => {
  const broker = new TestBroker({ properties: 'max.connections=2' });
  const entity = [{ entityType: 'ip', entityName: '10.0.0.9' }];
  broker.apply([record('ClientQuotaRecord', { entity, key, value: 0.1, remove: false })]);
  const connections = Array.from({ length: 2 * refusedConnectionsMax }, () => {
    const connection = broker.connect('broker', '10.0.0.9');
    connection.feed(new Uint8Array([0, 0, 0, 9]));
    return connection;
  });
  const open = connections.filter(({ closed }) => !closed);
  // The first one is within the quota.
  expect(open.length).toBe(1 + refusedConnectionsMax);
  const perhapsNode = broker.connect('broker', '10.0.0.9');
  expect(perhapsNode.closed).toBe(false);
});
