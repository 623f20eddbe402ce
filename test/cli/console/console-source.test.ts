/** Where kafka-console-consumer gets its records from, on scripted brokers in virtual time. */
import { expect, test } from 'vitest';
import { groupSource, partitionSource } from '../../../src/cli/console/console-source.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { ScriptedCluster, ScriptedPartition } from '../../client/scripted-cluster.ts';

function append(partition: ScriptedPartition | undefined, text: string): void {
  const record = { key: null, value: new TextEncoder().encode(text), headers: [], timestamp: 0 };
  partition?.append(buildBatch({ records: [record], compression: 'none' }));
}

test.each(['a partition', 'a group'])('%s: brokers that do not respond are waited for', async (what) => {
  const cluster = new ScriptedCluster(1);
  append(cluster.partitions[0], 'late');
  cluster.script = () => 'closed';
  const [client, fetch] = [cluster.client(), { reset: 'earliest' as const }];
  const source =
    what === 'a partition'
      ? partitionSource(client, 't', 0, 'earliest', fetch)
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
});

test('a topic that does not exist is reported; an invalid name is an error', async () => {
  const cluster = new ScriptedCluster(1);
  cluster.script = ({ api }) => (api === 'Metadata' ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'served');
  const told = new Promise<string>((resolve) => {
    const source = groupSource(cluster.client(), { topic: 't' }, new Map(), 'g', {}, resolve);
    void source.poll(100, 10).catch(() => {});
  });
  expect(await cluster.until(told)).toBe('t');
  cluster.script = ({ api }) => (api === 'Metadata' ? 'INVALID_TOPIC_EXCEPTION' : 'served');
  const invalid = groupSource(cluster.client(), { topic: 'a/b' }, new Map(), 'g', {}, () => {});
  await expect(cluster.until(invalid.poll(100, 10))).rejects.toThrow('Invalid topics: [a/b]');
});
