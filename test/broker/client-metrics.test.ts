/**
 * KIP-714: which metrics a broker requests from clients, and when clients may request a subscription and push, as in Kafka's
 * ClientMetricsManager.
 */
import { describe, expect, test } from 'vitest';
import { type ClientAttributes, ClientMetrics, type Push } from '../../src/broker/client-metrics.ts';
import { clientInstancesMax } from '../../src/broker/limits.ts';
import type { ConfigsImage } from '../../src/metadata/configs-image.ts';
import { MetadataDelta } from '../../src/metadata/delta.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import { record } from '../../src/metadata/records.ts';
import { KafkaError } from '../../src/protocol/errors.ts';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../src/protocol/messages/telemetry/71-get-telemetry-subscriptions.ts';
import {
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '../../src/protocol/messages/telemetry/72-push-telemetry.ts';
import { uuidOf } from '../controller/harness.ts';
import { TestBroker } from './harness.ts';

const client: ClientAttributes = {
  client_id: 'app-1',
  client_instance_id: uuidOf(5),
  client_software_name: 'apache-kafka-java',
  client_software_version: '4.3.1',
  client_source_address: '10.0.0.1',
  client_source_port: '4711',
};
const id = client.client_instance_id;

/** The records of client metrics subscriptions: name → keys. */
function subscriptions(of: Record<string, Record<string, string>>) {
  return Object.entries(of).flatMap(([resourceName, values]) =>
    Object.entries(values).map(([name, value]) =>
      record('ConfigRecord', { resourceType: 16, resourceName, name, value }),
    ),
  );
}

function configsOf(of: Record<string, Record<string, string>>): ConfigsImage {
  const delta = new MetadataDelta(emptyImage());
  delta.replayAll(subscriptions(of));
  return delta.apply(1, 1).configs;
}

function errorOf(call: () => unknown): string {
  try {
    call();
    return 'NONE';
  } catch (error) {
    if (error instanceof KafkaError) return error.error.name;
    throw error;
  }
}

describe('the metrics that a broker requests from a client', () => {
  const asked = (of: Record<string, Record<string, string>>) => {
    const { metrics, pushIntervalMs } = new ClientMetrics().subscription(id, client, configsOf(of), 0);
    return [metrics, pushIntervalMs];
  };

  test('are none without a subscription', () => {
    expect(asked({})).toEqual([[], 300_000]);
  });

  test('are those of all subscriptions that match it, at the shortest interval', () => {
    expect(
      asked({
        a: { metrics: 'x, y', 'interval.ms': '2000' },
        b: { metrics: 'y,z', 'interval.ms': '9000' },
        other: { metrics: 'w', 'interval.ms': '100', match: 'client_id=app-2' },
      }),
    ).toEqual([['x', 'y', 'z'], 2000]);
  });

  test('are all when one of the subscriptions has all', () => {
    expect(asked({ a: { metrics: 'x' }, b: { metrics: '*' } })).toEqual([['*'], 300_000]);
  });

  test.each([
    ['client_id=app-.*', true],
    ['client_id=app', false],
    [`client_instance_id=${id}`, true],
    ['client_software_name=apache-kafka-.*,client_software_version=4\\..*', true],
    ['client_software_name=apache-kafka-.*,client_software_version=3\\..*', false],
    [' client_source_address = 10\\.0\\.0\\.[0-9] ', true],
    ['client_source_port=4711', true],
  ])("by the subscription's match %s", (match, isMeant) => {
    expect(asked({ a: { metrics: 'x', match } })[0]).toEqual(isMeant ? ['x'] : []);
  });
});

/** An instance that has asked for its subscription at time 0. Its interval is one second. */
function begun() {
  const manager = new ClientMetrics();
  const configs = configsOf({ a: { metrics: 'x', 'interval.ms': '1000' } });
  const { subscriptionId } = manager.subscription(id, client, configs, 0);
  const push = (nowMs: number, more: Partial<Push> = {}, now = configs) =>
    errorOf(() =>
      manager.push(
        {
          clientInstanceId: id,
          subscriptionId,
          terminating: false,
          compressionType: 0,
          sizeBytes: 10,
          ...more,
        },
        client,
        now,
        nowMs,
        100,
      ),
    );
  const ask = (nowMs: number, now = configs) => errorOf(() => manager.subscription(id, client, now, nowMs));
  return { manager, push, ask };
}

describe('a client metrics instance', () => {
  test('may push once after it got its subscription, then once an interval', () => {
    const { push } = begun();
    expect([push(1), push(500), push(1000), push(1001)]).toEqual([
      'NONE',
      'THROTTLING_QUOTA_EXCEEDED',
      'THROTTLING_QUOTA_EXCEEDED',
      'NONE',
    ]);
  });

  test('may ask for its subscription once an interval, and at once after its push was refused for the subscription or compression', () => {
    const { push, ask } = begun();
    expect(ask(999)).toBe('THROTTLING_QUOTA_EXCEEDED');
    expect(push(999, { subscriptionId: 1 })).toBe('UNKNOWN_SUBSCRIPTION_ID');
    expect(ask(1000)).toBe('NONE');
    expect(ask(1001)).toBe('THROTTLING_QUOTA_EXCEEDED');
    expect(ask(2000)).toBe('NONE');
    expect(push(2001, { compressionType: 5 })).toBe('UNSUPPORTED_COMPRESSION_TYPE');
    expect(ask(2002)).toBe('NONE');
  });

  test('may push once more when it terminates, and not after that', () => {
    const { push } = begun();
    expect([push(1), push(2, { terminating: true }), push(5000, { terminating: true })]).toEqual([
      'NONE',
      'NONE',
      'INVALID_REQUEST',
    ]);
  });

  test.each([
    [{ sizeBytes: 101 }, 'TELEMETRY_TOO_LARGE'],
    [{ compressionType: -1 }, 'UNSUPPORTED_COMPRESSION_TYPE'],
    [{ clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'INVALID_REQUEST'],
    [{ clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, 'INVALID_REQUEST'],
    [{ compressionType: 4 }, 'NONE'],
  ])('that pushes %j gets %s', (more, error) => {
    expect(begun().push(1, more)).toBe(error);
  });

  test('gets a new subscription id when its subscriptions change, and may ask for it at once', () => {
    const { push, ask } = begun();
    const unrelated = configsOf({
      a: { metrics: 'x', 'interval.ms': '1000' },
      b: { metrics: 'y', match: 'client_id=nobody' },
    });
    expect(ask(1, unrelated)).toBe('THROTTLING_QUOTA_EXCEEDED');
    const changed = configsOf({ a: { metrics: 'x,y', 'interval.ms': '1000' } });
    expect(ask(2, changed)).toBe('NONE');
    expect(push(3, {}, changed)).toBe('UNKNOWN_SUBSCRIPTION_ID');
  });
});

test('accepted and refused pushes are counted; the instances silent longest are dropped, and those above clientInstancesMax', () => {
  const { manager, push } = begun();
  push(1);
  push(2);
  push(1500, { subscriptionId: 1 });
  const seen = () => {
    const values: Record<string, number> = {};
    manager.collect((name, value) => {
      values[name.replace('kafka_server_client_metrics_', '')] = value;
    });
    return values;
  };
  expect(seen()).toEqual({
    instance_count: 1,
    push_total: 1,
    push_bytes_total: 10,
    throttle_total: 1,
    unknown_subscription_request_total: 1,
  });
  const configs = configsOf({});
  for (let i = 0; i < clientInstancesMax + 5; i++)
    manager.subscription(uuidOf(100 + i), client, configs, 2000);
  expect(seen()['instance_count']).toBe(clientInstancesMax);
  manager.subscription(id, client, configs, 2000 + 900_001);
  expect(seen()['instance_count']).toBe(1);
});

test('a new instance gets an id and its subscription, and can push (through the request pipeline)', async () => {
  const broker = new TestBroker({ properties: 'telemetry.max.bytes=4' });
  broker.apply(subscriptions({ a: { metrics: 'org.apache.kafka.', 'interval.ms': '1000' } }));
  const asked = await broker.inject(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, 0, {
    clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAA',
  });
  expect(asked).toMatchObject({
    errorCode: 0,
    acceptedCompressionTypes: [4, 3, 1, 2],
    pushIntervalMs: 1000,
    telemetryMaxBytes: 4,
    deltaTemporality: true,
    requestedMetrics: ['org.apache.kafka.'],
  });
  const { clientInstanceId, subscriptionId } = asked;
  const push = async (bytes: number) => {
    const body = {
      clientInstanceId,
      subscriptionId,
      terminating: false,
      compressionType: 0,
      // A field that nobody knows, which takes the rest.
      metrics: Uint8Array.of(...[0x7a, bytes - 2], ...new Uint8Array(bytes - 2)),
    };
    return (await broker.inject(PushTelemetryRequest, PushTelemetryResponse, 0, body)).errorCode;
  };
  expect(await push(4)).toBe(0);
  expect(await push(4)).toBe(89);
  await broker.time.advance(1000);
  expect(await push(5)).toBe(118);
});
