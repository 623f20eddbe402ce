/** KIP-714: the values that clients push, kept for `/metrics`. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ClientAttributes } from '../../src/broker/client-metrics.ts';
import {
  clientSeriesCharactersMax,
  clientSeriesMax,
  clientSeriesPerInstanceMax,
  pushElementsMax,
  pushUnpackedBytesMax,
} from '../../src/broker/limits.ts';
import { PushedMetrics } from '../../src/broker/pushed-metrics.ts';
import { KafkaError } from '../../src/protocol/errors.ts';
import { Exposition } from '../../src/telemetry/exposition.ts';
import { uuidOf } from '../controller/harness.ts';
import { ManualTime } from './harness.ts';
import { attributesOf, pushOf } from './pushes.ts';

const intervalMs = 30_000;

function clientOf(number: number): ClientAttributes {
  return {
    client_id: `app-${number}`,
    client_instance_id: uuidOf(number),
    client_software_name: 'apache-kafka-java',
    client_software_version: '4.3.1',
    client_source_address: '10.0.0.1',
    client_source_port: '4711',
  };
}

function store() {
  const time = new ManualTime();
  const pushed = new PushedMetrics(time);
  return {
    time,
    push(bytes: Uint8Array, { number = 1, metrics = ['*'], compressionType = 0 } = {}): string {
      const subscription = { subscriptionId: 1, pushIntervalMs: intervalMs, metrics };
      try {
        pushed.take({ client: clientOf(number), compressionType, bytes }, subscription);
        return 'NONE';
      } catch (error) {
        if (error instanceof KafkaError) return error.error.name;
        throw error;
      }
    },
    /** The lines of the page, without comments, and without `client_info` unless it is asked for. */
    lines(hasInfo = false): string[] {
      const page = new Exposition();
      for (const _ of pushed.show(page));
      const lines = [...page.texts()].join('').trimEnd().split('\n');
      return lines.filter((line) => !/^(#|$)/.test(line) && (hasInfo || !line.startsWith('client_info')));
    },
    counts(): Record<string, number> {
      const values: Record<string, number> = {};
      pushed.collect((name, value) => {
        values[name.replace('bendemann_client_metrics_', '')] = value;
      });
      return values;
    },
  };
}

const labels = `client_instance_id="${uuidOf(1)}",client_id="app-1"`;
const gauge = (name: string, asDouble: number, attributes: Record<string, string> = {}): object => ({
  name,
  gauge: { dataPoints: [{ asDouble, attributes: attributesOf(attributes) }] },
});
const counter = (name: string, asInt: number, aggregationTemporality: number): object => ({
  name,
  sum: { dataPoints: [{ asInt }], aggregationTemporality, isMonotonic: true },
});
const distribution = (kind: object): object => ({ name: 'x', ...kind });

describe('on the page', () => {
  test('a gauge has its last value, with the attributes as labels', () => {
    const { push, lines } = store();
    push(pushOf([gauge('org.apache.kafka.x-y', 1, { topic: 'a"b', 'node.id': '3' })]));
    push(pushOf([gauge('org.apache.kafka.x-y', 2, { topic: 'a"b', 'node.id': '3' })]));
    expect(lines()).toEqual([`client_org_apache_kafka_x_y{${labels},topic="a\\"b",node_id="3"} 2`]);
  });

  test('changes are added up, and whole counts replace each other', () => {
    const { push, lines } = store();
    push(pushOf([counter('a.total', 5, 1), counter('b.total', 5, 2)]));
    push(pushOf([counter('a.total', 7, 1), counter('b.total', 7, 2)]));
    expect(lines()).toEqual([`client_a_total{${labels}} 12`, `client_b_total{${labels}} 7`]);
  });

  test('histograms and summaries have a sum and a count, summaries their quantiles', () => {
    const { push, lines } = store();
    const histogram = { histogram: { dataPoints: [{ count: 2, sum: 3 }], aggregationTemporality: 1 } };
    push(pushOf([distribution(histogram)]));
    push(pushOf([distribution(histogram)]));
    expect(lines()).toEqual([`client_x_sum{${labels}} 6`, `client_x_count{${labels}} 4`]);
    const quantileValues = [{ quantile: 0.5, value: 9 }];
    push(pushOf([distribution({ summary: { dataPoints: [{ count: 1, sum: 9, quantileValues }] } })]), {
      number: 2,
    });
    expect(lines().filter((line) => line.includes('app-2'))).toEqual([
      expect.stringMatching(/^client_x\{.*client_id="app-2",quantile="0.5"\} 9$/),
      expect.stringMatching(/^client_x_sum\{.*\} 9$/),
      expect.stringMatching(/^client_x_count\{.*\} 1$/),
    ]);
  });

  test('client_info has the attributes of the client, as they are now', () => {
    const { push, lines } = store();
    push(pushOf([gauge('x', 1)], { group_id: 'g' }));
    push(pushOf([gauge('x', 1)], { group_id: 'g', member_id: 'm' }));
    const software = 'client_software_name="apache-kafka-java",client_software_version="4.3.1"';
    expect(lines(true)).toContain(
      `client_info{${labels},${software},client_source_address="10.0.0.1",group_id="g",member_id="m"} 1`,
    );
    expect(lines(true)).toHaveLength(2);
  });

  test('labels of the client have other names than attributes of the same name', () => {
    const { push, lines } = store();
    push(
      pushOf([gauge('x', 1, { client_id: 'c', quantile: 'q', __n: 'n', '.1': 'i', 'a.b': 'x', a_b: 'y' })]),
    );
    const others = 'attribute_client_id="c",attribute_quantile="q",attribute___n="n",_1="i"';
    expect(lines()).toEqual([`client_x{${labels},${others},a_b="x"} 1`]);
  });

  test('a metric has one kind; the help is one line', () => {
    const { push } = store();
    const page = new Exposition();
    push(pushOf([gauge('x', 1)]));
    expect(push(pushOf([counter('x', 5, 1)]))).toBe('NONE');
    page.addOther({ name: 'client_x', kind: 'gauge', help: 'a\\b\nc', labels: 'a="1"', value: 1 });
    page.addOther({ name: 'client_x', kind: 'counter', help: '', labels: 'a="2"', value: 1 });
    expect([...page.texts()]).toEqual([
      '# HELP client_x a\\\\b\\nc\n# TYPE client_x gauge\nclient_x{a="1"} 1\n',
    ]);
  });
});

describe('kept', () => {
  test('are only metrics of the subscription', () => {
    const { push, lines } = store();
    push(pushOf([gauge('org.a.x', 1), gauge('org.b', 2), gauge('net', 3)]), { metrics: ['org.a.', 'net'] });
    expect(lines().map((line) => line.split('{')[0])).toEqual(['client_org_a_x', 'client_net']);
  });

  test('is a series until it was not pushed for three intervals', async () => {
    const { time, push, lines, counts } = store();
    push(pushOf([gauge('x', 1), gauge('y', 1)]));
    await time.advance(2 * intervalMs);
    push(pushOf([gauge('y', 1)]));
    await time.advance(intervalMs);
    expect(lines().map((line) => line.split('{')[0])).toEqual(['client_x', 'client_y']);
    await time.advance(1);
    expect(lines().map((line) => line.split('{')[0])).toEqual(['client_y']);
    await time.advance(2 * intervalMs);
    expect(lines(true)).toEqual([]);
    expect(counts()).toEqual({ series: 0, dropped_total: 0, refused_push_total: 0 });
  });

  test('are pushes in each compression', () => {
    const { push, lines } = store();
    expect(push(gzipSync(pushOf([gauge('x', 1)])), { compressionType: 1 })).toBe('NONE');
    expect(lines()).toHaveLength(1);
  });
});

describe('bounds', () => {
  const many = (count: number, name = 'x'): Uint8Array =>
    pushOf(Array.from({ length: count }, (_, i) => gauge(`${name}${i}`, 1)));

  test('clientSeriesPerInstanceMax: further series of an instance are dropped and counted', () => {
    const { push, counts } = store();
    expect(push(many(clientSeriesPerInstanceMax))).toBe('NONE');
    // One of the series is `client_info`.
    expect(counts()).toMatchObject({ series: clientSeriesPerInstanceMax, dropped_total: 1 });
    push(many(clientSeriesPerInstanceMax));
    expect(counts()).toMatchObject({ series: clientSeriesPerInstanceMax, dropped_total: 2 });
  });

  test('clientSeriesMax: further series of all instances are dropped, until others expire', async () => {
    const { time, push, counts } = store();
    const instances = clientSeriesMax / clientSeriesPerInstanceMax;
    for (let number = 1; number <= instances; number++) push(many(clientSeriesPerInstanceMax), { number });
    expect(counts()['series']).toBe(clientSeriesMax);
    const before = counts()['dropped_total'] as number;
    push(many(1), { number: 100 });
    expect(counts()).toMatchObject({ series: clientSeriesMax, dropped_total: before + 2 });
    await time.advance(3 * intervalMs + 1);
    push(many(1), { number: 101 });
    expect(counts()['series']).toBe(2);
  });

  test('clientSeriesCharactersMax: so are those whose names are too long together', () => {
    const { push, counts } = store();
    const name = 'x'.repeat(clientSeriesCharactersMax / 8);
    expect(push(pushOf([gauge(name, 1)]))).toBe('NONE');
    expect(push(pushOf([gauge(`${name}y`, 1)]), { number: 2 })).toBe('NONE');
    expect(push(pushOf([gauge(`${name}z`, 1)]), { number: 3 })).toBe('NONE');
    expect(counts()['dropped_total']).toBe(1);
  });

  test.each([
    ['pushUnpackedBytesMax', gzipSync(new Uint8Array(pushUnpackedBytesMax + 1)), 1],
    ['pushElementsMax', pushOf([{ name: 'x', gauge: { dataPoints: Array(pushElementsMax).fill({}) } }]), 0],
    ['bytes that are no metrics', Uint8Array.of(1, 2, 3), 0],
    ['bytes that are not compressed', Uint8Array.of(1, 2, 3), 4],
  ])('%s: refused as INVALID_RECORD', (_what, bytes, compressionType) => {
    const { push, counts } = store();
    expect(push(bytes, { compressionType })).toBe('INVALID_RECORD');
    expect(counts()['refused_push_total']).toBe(1);
  });
});
