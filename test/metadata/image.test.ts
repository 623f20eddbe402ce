import { expect, test } from 'vitest';
import type { Clock, Scheduler } from '../../src/base/clock.ts';
import { nodeId } from '../../src/base/ids.ts';
import { MetadataDelta } from '../../src/metadata/delta.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import { MetadataLoader } from '../../src/metadata/loader.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';
import { decodeRecords, encodeRecords, record } from '../../src/metadata/records.ts';
import { decodeSnapshot, imageToRecords, snapshotBytes } from '../../src/metadata/snapshot.ts';

/** A clock that advances at each reading, so that every slice is over at once. */
const impatient: Clock = { monotonicMs: () => (readMs += 10), wallMs: () => 0 };
let readMs = 0;
const queue: Scheduler = { after: () => ({ cancel: () => {} }), soon: queueMicrotask };

const a = 'AAAAAAAAAAAAAAAAAAAAew';
const b = 'AAAAAAAAAAAAAAAAAAABew';

function partition(topicId: string, partitionId: number, isr = [1, 2]): MetadataRecord {
  return record('PartitionRecord', {
    topicId,
    partitionId,
    replicas: [1, 2],
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [],
  });
}

export function imageOf(
  records: readonly MetadataRecord[],
  before: MetadataImage = emptyImage(),
): MetadataImage {
  const delta = new MetadataDelta(before);
  delta.replayAll(records);
  return delta.apply(before.offset + 1, 1);
}

const two = [
  record('TopicRecord', { name: 'a', topicId: a }),
  partition(a, 0),
  partition(a, 1),
  record('TopicRecord', { name: 'b', topicId: b }),
  partition(b, 0),
  record('ConfigRecord', { resourceType: 2, resourceName: 'a', name: 'retention.ms', value: '7' }),
];

test('a change of one partition keeps all other objects of the image', () => {
  const before = imageOf(two);
  const delta = new MetadataDelta(before);
  delta.replay(record('PartitionChangeRecord', { topicId: a, partitionId: 1, isr: [2], leader: 2 }));
  const after = delta.apply(9, 1);
  expect(after.topics.partition(a, 1)).toMatchObject({
    leader: 2,
    isr: [2],
    leaderEpoch: 1,
    partitionEpoch: 1,
  });
  expect(after.topics.partition(a, 0)).toBe(before.topics.partition(a, 0));
  expect(after.topics.byId(b)).toBe(before.topics.byId(b));
  expect(before.topics.partition(a, 1)?.leader).toBe(1);
  expect(after.configs).toBe(before.configs);
  expect(after.cluster).toBe(before.cluster);
  expect([...delta.changedTopics]).toEqual([a]);
  expect([...delta.changedPartitions(a)]).toEqual([1]);
});

test('a change of the ISR keeps the leader epoch; one with a leader increases it, even with the same leader', () => {
  const before = imageOf(two);
  const shrunk = imageOf([record('PartitionChangeRecord', { topicId: a, partitionId: 0, isr: [1] })], before);
  expect(shrunk.topics.partition(a, 0)).toMatchObject({ leaderEpoch: 0, partitionEpoch: 1 });
  const named = imageOf([record('PartitionChangeRecord', { topicId: a, partitionId: 0, leader: 1 })], shrunk);
  expect(named.topics.partition(a, 0)).toMatchObject({ leaderEpoch: 1, partitionEpoch: 2, isr: [1] });
});

test('a topic is deleted with its configurations; one delta can create a topic with the same name', () => {
  const before = imageOf(two);
  const again = 'AAAAAAAAAAAAAAAAAAACew';
  const delta = new MetadataDelta(before);
  delta.replayAll([
    record('RemoveTopicRecord', { topicId: a }),
    record('TopicRecord', { name: 'a', topicId: again }),
    partition(again, 0),
  ]);
  const after = delta.apply(7, 1);
  expect(after.topics.byName('a')?.id).toBe(again);
  expect(after.topics.names()).toEqual(['a', 'b']);
  expect(after.configs.topic('a').size).toBe(0);
  expect([...delta.removedTopics]).toEqual([a]);
  expect([...delta.changedTopics]).toEqual([again]);
});

test('a snapshot replays to an equal image; publishers get a delta with the differences', async () => {
  const image = imageOf(two);
  const copy = imageOf([...decodeSnapshot(snapshotBytes(image))]);
  expect([...imageToRecords(copy)]).toEqual([...imageToRecords(image)]);

  const next = imageOf(
    [
      record('RemoveTopicRecord', { topicId: b }),
      record('PartitionChangeRecord', { topicId: a, partitionId: 1, leader: 2 }),
      record('ConfigRecord', { resourceType: 4, resourceName: '', name: 'x', value: '1' }),
    ],
    image,
  );
  const loader = new MetadataLoader(impatient, queue);
  const seen: string[] = [];
  loader.addPublisher({
    onMetadataUpdate: (delta) => {
      const changed = [...delta.changedTopics].map((id) => [...delta.changedPartitions(id)]);
      seen.push(JSON.stringify([changed, [...delta.removedTopics], delta.changedConfigs.map((c) => c.name)]));
    },
  });
  loader.onCommit([{ offset: 3, epoch: 1, payload: encodeRecords(two), appendedMs: 0 }]);
  const old = loader.image.topics.partition(a, 0);
  const loaded = loader.onSnapshot({ offset: 10, epoch: 2, bytes: snapshotBytes(next) });
  // The snapshot is applied in slices. Until all of it is applied, the previous image is the current one.
  expect(loader.image.offset).toBe(3);
  await loaded;
  expect(seen).toEqual([
    JSON.stringify([[[0, 1], [0]], [], ['a']]),
    JSON.stringify([[[0, 1].slice(1)], [b], ['']]),
  ]);
  expect(loader.image.offset).toBe(10);
  expect([...imageToRecords(loader.image)]).toEqual([...imageToRecords(next)]);
  expect(loader.image.topics.partition(a, 0)).toBe(old);
});

test('a snapshot of another history with the same epochs changes what differs, and keeps what is equal', () => {
  const before = imageOf(two);
  const other = imageOf([
    record('TopicRecord', { name: 'a', topicId: a }),
    partition(a, 0),
    partition(a, 1, [2]),
  ]);
  const delta = MetadataDelta.between(before, other);
  expect([...delta.changedTopics]).toEqual([a]);
  expect([...delta.changedPartitions(a)]).toEqual([1]);
  expect([...delta.removedTopics]).toEqual([b]);

  const again = new MetadataDelta(before, { isSnapshot: true });
  again.replayAll([...imageToRecords(other)]);
  const after = again.apply(9, 3);
  expect(after.topics.partition(a, 0)).toBe(before.topics.partition(a, 0));
  expect(after.topics.partition(a, 1)?.isr).toEqual([2]);
});

test('partitions with equal lists share one list object', () => {
  const ids = Array.from({ length: 50 }, (_, i) => i);
  const image = imageOf([
    record('TopicRecord', { name: 'a', topicId: a }),
    ...ids.map((i) => partition(a, i, i % 2 === 0 ? [1, 2] : [2])),
  ]);
  const changed = imageOf(
    ids.map((i) =>
      record('PartitionChangeRecord', { topicId: a, partitionId: i, isr: [1], directories: [b, a] }),
    ),
    image,
  );
  for (const { topics } of [image, changed]) {
    const lists = topics
      .byId(a)
      ?.partitions.flatMap(({ replicas, isr, directories }) => [replicas, isr, directories]);
    expect(new Set(lists).size).toBeLessThanOrEqual(4);
  }
  expect(changed.topics.partition(a, 7)).toMatchObject({ isr: [1], replicas: [1, 2], directories: [b, a] });
});

test('a credential does not keep its whole payload in memory', () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const credential = record('UserScramCredentialRecord', {
    name: 'u',
    mechanism: 1,
    salt: bytes,
    storedKey: bytes,
    serverKey: bytes,
    iterations: 4096,
  });
  const image = imageOf(decodeRecords(encodeRecords([credential])));
  for (const { salt, storedKey, serverKey } of image.security.scram.values())
    for (const field of [salt, storedKey, serverKey]) expect(field.buffer.byteLength).toBe(3);
  expect(image.security.scram.size).toBe(1);
});

test('records fence, unfence and unregister a broker', () => {
  const register = record('RegisterBrokerRecord', {
    brokerId: 3,
    incarnationId: a,
    brokerEpoch: 5,
    endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }],
    features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
    rack: null,
  });
  const change = (fields: object): MetadataRecord =>
    record('BrokerRegistrationChangeRecord', { brokerId: 3, brokerEpoch: 5, ...fields });
  let image = imageOf([register]);
  expect(image.cluster.brokers.get(nodeId(3))).toMatchObject({ fenced: true, epoch: 5 });
  image = imageOf([change({ fenced: -1 })], image);
  expect(image.cluster.brokers.get(nodeId(3))?.fenced).toBe(false);
  image = imageOf([change({ inControlledShutdown: 1 })], image);
  expect(image.cluster.brokers.get(nodeId(3))).toMatchObject({ fenced: false, inControlledShutdown: true });
  image = imageOf([change({ fenced: 1 })], image);
  expect(image.cluster.brokers.get(nodeId(3))?.fenced).toBe(true);
  image = imageOf([record('UnregisterBrokerRecord', { brokerId: 3, brokerEpoch: 5 })], image);
  expect(image.cluster.brokers.size).toBe(0);
});
