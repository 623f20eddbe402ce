/**
 * The metrics of consumer group lag. A broker computes them from its own replicas, or asks the leaders of the other partitions.
 */
import { expect, test } from 'vitest';
import { type GroupOverview, GroupMetrics } from '../../src/server/metrics/group-metrics.ts';
import { Exposition } from '../../src/telemetry/exposition.ts';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import type { BrokerClient } from '../../src/metadata/broker-port.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';

const committed = (partitionIndex: number, committedOffset: number) => ({ partitionIndex, committedOffset });

function setUp(groups: GroupOverview[]) {
  const requests: { leader: number; topics: unknown }[] = [];
  const ends: Record<string, number> = { '2:1': 50, '3:2': 7 };
  const brokers = {
    async request(leader: number, _q: unknown, _s: unknown, _version: number, init: { topics: unknown }) {
      requests.push({ leader, topics: init.topics });
      if (leader === 3) throw new KafkaError(Errors.NETWORK_EXCEPTION);
      const topics = init.topics as { name: string; partitions: { partitionIndex: number }[] }[];
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: 0,
            offset: ends[`${leader}:${partitionIndex}`],
          })),
        })),
      };
    },
  } as unknown as BrokerClient;
  const partitions = [{ leader: 1 }, { leader: 2 }, { leader: 3 }, { leader: -1 }];
  const image = {
    topics: { byName: (name: string) => (name === 't' ? { partitions } : undefined) },
  } as unknown as MetadataImage;
  const metrics = new GroupMetrics({
    groups: () => groups,
    image: () => image,
    highWatermark: (topic, index) => (topic === 't' && index === 0 ? 10 : null),
    brokers,
  });
  const lines = async (): Promise<string[]> => {
    await metrics.prepare();
    const exposition = new Exposition();
    for (const _ of metrics.collect(exposition.sink) ?? []) void _;
    return [...exposition.texts()]
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('kafka_'));
  };
  return { lines, requests };
}

test('lag is computed with high watermarks of this broker, or of other leaders by one request each', async () => {
  const topics = [
    { name: 't', partitions: [committed(0, 4), committed(1, 20), committed(2, 1), committed(3, 9)] },
    { name: 'deleted', partitions: [committed(0, 5)] },
  ];
  const { lines, requests } = setUp([
    { groupId: 'g', memberCount: 2, topics },
    {
      groupId: 'h',
      memberCount: 0,
      topics: [{ name: 't', partitions: [committed(1, 60), committed(0, -1)] }],
    },
  ]);
  expect(await lines()).toEqual([
    'kafka_consumergroup_members{consumergroup="g"} 2',
    'kafka_consumergroup_members{consumergroup="h"} 0',
    'kafka_consumergroup_current_offset{consumergroup="g",topic="t",partition="0"} 4',
    'kafka_consumergroup_current_offset{consumergroup="g",topic="t",partition="1"} 20',
    'kafka_consumergroup_current_offset{consumergroup="g",topic="t",partition="2"} 1',
    'kafka_consumergroup_current_offset{consumergroup="g",topic="t",partition="3"} 9',
    'kafka_consumergroup_current_offset{consumergroup="g",topic="deleted",partition="0"} 5',
    'kafka_consumergroup_current_offset{consumergroup="h",topic="t",partition="1"} 60',
    'kafka_consumergroup_lag{consumergroup="g",topic="t",partition="0"} 6',
    'kafka_consumergroup_lag{consumergroup="g",topic="t",partition="1"} 30',
    // The group has committed more than the log end that the leader answered a moment ago: lag 0, not negative.
    'kafka_consumergroup_lag{consumergroup="h",topic="t",partition="1"} 0',
    'kafka_consumergroup_current_offset_sum{consumergroup="g",topic="t"} 34',
    'kafka_consumergroup_current_offset_sum{consumergroup="g",topic="deleted"} 5',
    'kafka_consumergroup_current_offset_sum{consumergroup="h",topic="t"} 60',
    'kafka_consumergroup_lag_sum{consumergroup="g",topic="t"} 36',
    'kafka_consumergroup_lag_sum{consumergroup="g",topic="deleted"} 0',
    'kafka_consumergroup_lag_sum{consumergroup="h",topic="t"} 0',
  ]);
  expect(requests.map(({ leader }) => leader).sort()).toEqual([2, 3]);
});
