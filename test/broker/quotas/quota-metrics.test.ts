import { expect, test } from 'vitest';
import { record, type MetadataRecord } from '../../../src/metadata/records.ts';
import type { Collector } from '../../../src/telemetry/metrics.ts';
import { TestBroker } from '../harness.ts';

function quota(entityType: string, entityName: string, key: string, value: number): MetadataRecord {
  return record('ClientQuotaRecord', { entity: [{ entityType, entityName }], key, value, remove: false });
}

/** The values of metrics whose names contain `part`, by name without the common prefix and by labels. */
function shown(collect: Collector, part: string): Record<string, number> {
  const values: Record<string, number> = {};
  const steps = collect((metric, value, labels = []) => {
    if (!metric.includes(part)) return;
    values[[metric.replace(/^kafka_server_(quota|socket_server_metrics)_/, ''), ...labels].join(' ')] = value;
  });
  for (const _ of steps ?? []) continue;
  return values;
}

test('controller_mutation_rate: rate, tokens, and the last throttle time', () => {
  const broker = new TestBroker();
  broker.apply([quota('user', 'alice', 'controller_mutation_rate', 1)]);
  const { quotas } = broker;
  const change = (isStrict: boolean, partitions: number): void =>
    quotas.mutation.begin({ user: 'alice', clientId: 'app' }, isStrict, quotas.nowMs()).record(partitions);
  change(true, 15);
  expect(shown(quotas.collect, 'quota')).toMatchObject({
    'tokens ControllerMutation alice ': -4,
    'throttle_time ControllerMutation alice ': 0,
  });
  expect(() => change(true, 1)).toThrow();
  expect(shown(quotas.collect, 'quota')).toMatchObject({
    'mutation_rate ControllerMutation alice ': 1.5,
    'throttle_time ControllerMutation alice ': 4000,
  });
});

test('new connections by listener and by address with a quota; what was refused does not count', () => {
  const broker = new TestBroker({ properties: 'max.connection.creation.rate=1' });
  broker.apply([quota('ip', '10.0.0.9', 'connection_creation_rate', 0.5)]);
  for (let i = 0; i < 8; i++) broker.connect('broker', '10.0.0.9');
  for (let i = 0; i < 6; i++) broker.connect('broker', '10.0.0.8');
  // Of five seconds of quota one connection is refused each time; the broker's rate allows ten connections.
  expect(shown(broker.server.collect, 'connection_accept')).toEqual({
    broker_connection_accept_rate: 1.1,
    'connection_accept_rate PLAINTEXT ': 1.1,
    'connection_accept_throttle_time PLAINTEXT': 1000,
    'ip_connection_accept_throttle_time PLAINTEXT': 1000,
  });
  expect(shown(broker.quotas.collect, 'connection_accept')).toEqual({
    'connection_accept_rate  10.0.0.9': 0.5,
  });
});
