/** Where kafka-console-consumer gets its records from, on scripted brokers in virtual time. */
import { expect, test } from 'vitest';
import {
  groupSource,
  partitionSource,
  type RecordSource,
  topicSource,
} from '../../../src/cli/console/console-source.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { ScriptedCluster, ScriptedPartition } from '../../client/scripted-cluster.ts';

function append(partition: ScriptedPartition | undefined, text: string): void {
  const record = { key: null, value: new TextEncoder().encode(text), headers: [], timestamp: 0 };
  partition?.append(buildBatch({ records: [record], compression: 'none' }));
}

/** The values that come within `ms`. */
async function read(cluster: ScriptedCluster, source: RecordSource, ms: number): Promise<string[]> {
  const values: string[] = [];
  for (const endMs = cluster.time.nowMs + ms; cluster.time.nowMs < endMs; )
    for (const { value } of await cluster.until(source.poll(100, 10)))
      values.push(new TextDecoder().decode(value ?? new Uint8Array(0)));
  return values;
}

const idOf = (letter: string): string => `${'A'.repeat(20)}${letter}A`;

test('without a group, added partitions are read from their beginning', async () => {
  const cluster = new ScriptedCluster(1);
  append(cluster.partitions[0], 'before');
  const source = topicSource(cluster.client(), { topic: 't' }, { reset: 'latest' }, 2_000, () => {});
  expect(await read(cluster, source, 500)).toEqual([]);
  cluster.partitions = [...cluster.partitions, new ScriptedPartition()];
  append(cluster.partitions[1], 'added');
  expect(await read(cluster, source, 3_000)).toEqual(['added']);
});

test('without a group, a topic that was deleted and created again is read on, also its new partitions', async () => {
  const cluster = new ScriptedCluster(1);
  cluster.recreate(idOf('B'));
  append(cluster.partitions[0], 'old');
  const source = topicSource(cluster.client(), { topic: 't' }, { reset: 'earliest' }, 60_000, () => {});
  expect(await read(cluster, source, 500)).toEqual(['old']);
  cluster.recreate(idOf('C'), 2);
  append(cluster.partitions[0], 'new 0');
  append(cluster.partitions[1], 'new 1');
  // Long before the metadata are too old: the refused fetch makes the source look.
  expect((await read(cluster, source, 3_000)).sort()).toEqual(['new 0', 'new 1']);
});

test.each(['a partition', 'topics', 'a group'])(
  '%s: brokers that do not respond are waited for',
  async (what) => {
    const cluster = new ScriptedCluster(1);
    append(cluster.partitions[0], 'late');
    cluster.script = () => 'closed';
    const [client, fetch] = [cluster.client(), { reset: 'earliest' as const }];
    const source =
      what === 'a partition'
        ? partitionSource(client, 't', 0, 'earliest', fetch)
        : what === 'topics'
          ? topicSource(client, { topic: 't' }, fetch, null, () => {})
          : groupSource(client, { topic: 't' }, new Map(), 'g', fetch, () => {});
    let outcome = 'pending';
    const polled = source.poll(100, 10).then(
      (records) => (outcome = `${records.length} records`),
      (error: unknown) => (outcome = String(error)),
    );
    // Longer than any time-out of the client.
    await cluster.time.advance(300_000);
    expect(outcome).toBe('pending');
    if (what === 'a group') return;
    cluster.script = () => 'served';
    await cluster.until(polled);
    expect(outcome).toBe('1 records');
  },
);

test('a topic that does not exist is reported and waited for; an invalid name is an error', async () => {
  const cluster = new ScriptedCluster(1);
  append(cluster.partitions[0], 'first');
  cluster.script = ({ api }) => (api === 'Metadata' ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'served');
  const missing: string[] = [];
  const source = topicSource(cluster.client(), { topic: 't' }, { reset: 'earliest' }, null, (topic) => {
    missing.push(topic);
  });
  expect(await read(cluster, source, 1_000)).toEqual([]);
  expect(new Set(missing)).toEqual(new Set(['t']));
  cluster.script = () => 'served';
  expect(await read(cluster, source, 1_000)).toEqual(['first']);
  cluster.script = ({ api }) => (api === 'Metadata' ? 'INVALID_TOPIC_EXCEPTION' : 'served');
  const invalid = topicSource(cluster.client(), { topic: 'a/b' }, {}, null, () => {});
  await expect(cluster.until(invalid.poll(100, 10))).rejects.toThrow('Invalid topics: [a/b]');
});
