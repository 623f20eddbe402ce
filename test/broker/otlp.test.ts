/** The decoder of pushed metrics (KIP-714), against another encoder, and with bytes that are not metrics. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedError } from '../../src/base/protobuf.ts';
import { decodeMetrics, type MetricPoint } from '../../src/broker/otlp.ts';
import { attributesOf, pushOf } from './pushes.ts';

const points = (metrics: readonly object[]): readonly MetricPoint[] =>
  decodeMetrics(pushOf(metrics), 1000).points;

const attributes = attributesOf({ topic: 'a' });
const read = { attributes: [['topic', 'a']] };
/** AggregationTemporality. */
const [delta, cumulative] = [1, 2];

describe('decodes', () => {
  test.each<[string, object, object[]]>([
    [
      'a gauge',
      { gauge: { dataPoints: [{ asDouble: 1.5, attributes }, { asInt: -3 }] } },
      [
        { kind: 'gauge', isDelta: false, ...read, value: 1.5 },
        { kind: 'gauge', isDelta: false, attributes: [], value: -3 },
      ],
    ],
    [
      'a monotonic sum of changes',
      {
        sum: { dataPoints: [{ asDouble: 2, attributes }], aggregationTemporality: delta, isMonotonic: true },
      },
      [{ kind: 'counter', isDelta: true, ...read, value: 2 }],
    ],
    [
      'a sum that may fall',
      { sum: { dataPoints: [{ asInt: 2, attributes }], aggregationTemporality: cumulative } },
      [{ kind: 'gauge', isDelta: false, ...read, value: 2 }],
    ],
    [
      'a histogram',
      { histogram: { dataPoints: [{ count: 4, sum: 9.5, attributes }], aggregationTemporality: delta } },
      [{ kind: 'summary', isDelta: true, ...read, value: { count: 4, sum: 9.5, quantiles: [] } }],
    ],
    [
      'an exponential histogram',
      { exponentialHistogram: { dataPoints: [{ count: 4, sum: 9.5, attributes }] } },
      [{ kind: 'summary', isDelta: false, ...read, value: { count: 4, sum: 9.5, quantiles: [] } }],
    ],
    [
      'a summary',
      {
        summary: {
          dataPoints: [{ count: 4, sum: 9.5, quantileValues: [{ quantile: 0.99, value: 8 }], attributes }],
        },
      },
      [{ kind: 'summary', isDelta: false, ...read, value: { count: 4, sum: 9.5, quantiles: [[0.99, 8]] } }],
    ],
    ['no point without a value', { gauge: { dataPoints: [{ asDouble: 1, flags: 1 }, {}] } }, []],
    ['a metric without data', {}, []],
  ])('%s', (_what, data, expected) => {
    expect(points([{ name: 'x.y', ...data }])).toEqual(expected.map((point) => ({ name: 'x.y', ...point })));
  });

  test('attributes of each scalar type, and those of the client', () => {
    const values = [{ boolValue: true }, { intValue: -7 }, { doubleValue: 0.5 }, { stringValue: 'ä' }, {}];
    const given = values.map((value, i) => ({ key: `k${i}`, value }));
    const metric = { name: 'x', gauge: { dataPoints: [{ asInt: 1, attributes: given }] } };
    const decoded = decodeMetrics(pushOf([metric], { group_id: 'g' }), 1000);
    expect(decoded.ofClient).toEqual([['group_id', 'g']]);
    expect(decoded.points[0]?.attributes).toEqual([
      ['k0', 'true'],
      ['k1', '-7'],
      ['k2', '0.5'],
      ['k3', 'ä'],
    ]);
  });
});

describe('refuses', () => {
  const push = pushOf([
    { name: 'x', sum: { dataPoints: [{ asDouble: 1, attributes }, { asInt: 2 }], isMonotonic: true } },
    { name: 'y', summary: { dataPoints: [{ count: 1, quantileValues: [{ quantile: 1, value: 1 }] }] } },
  ]);

  test('more messages inside than elementsMax', () => {
    // Of the client 3, metrics 2, kinds 2, points 3, an attribute 2, a quantile 1.
    const inside = 13;
    expect(decodeMetrics(push, inside).points).toHaveLength(3);
    expect(() => decodeMetrics(push, inside - 1)).toThrow(MalformedError);
  });

  test('a text that is not UTF-8', () => {
    expect(() => decodeMetrics(Uint8Array.of(10, 7, 18, 5, 18, 3, 10, 1, 0xff), 100)).toThrow(MalformedError);
  });

  test('every beginning of a push that is cut within a message', () => {
    for (let size = 1; size < push.length; size++)
      expect(() => decodeMetrics(push.subarray(0, size), 100), `${size}`).toThrow(MalformedError);
  });

  test('other bytes, only with MalformedError', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(push.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
        const bytes = Uint8Array.from(push);
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          decodeMetrics(bytes, 100);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
