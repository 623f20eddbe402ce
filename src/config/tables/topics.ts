/**
 * Properties of topics, replication and fetching, one row each. Defaults, bounds and update modes are those of Apache Kafka
 * 4.3.1; `define.ts` explains the columns.
 */
import { knownClass } from '../checks.ts';
import { bool, int, intOrNull, kibibytes, list, long, mebibytes, seconds, stringOrNull } from '../define.ts';

export const topicsProperties = {
  'auto.create.topics.enable': bool(true, {
    importance: 'high',
    effect: 'honoured',
    doc: 'Whether a topic is created when a client that wants to write or read asks for it.',
  }),
  'auto.leader.rebalance.enable': bool(true, {
    importance: 'high',
    effect: 'honoured',
    doc: 'Whether the controller moves leaderships back to the preferred replicas from time to time.',
  }),
  'cordoned.log.dirs': list([], {
    update: 'per-broker',
    effect: 'honoured',
    doc: 'Directories that get no new partitions; * means all.',
  }),
  'default.replication.factor': int(1, {
    effect: 'honoured',
    doc: 'Replication factor of a topic that is created without one.',
  }),
  'delete.records.purgatory.purge.interval.requests': int(1, {
    effect: 'none',
    doc: 'How often completed requests are removed from the purgatory; here they are removed at once.',
  }),
  'delete.topic.enable': bool(true, {
    importance: 'high',
    effect: 'honoured',
    doc: 'Allows topics to be deleted.',
  }),
  'fetch.max.bytes': int(mebibytes(55), {
    min: kibibytes(1),
    effect: 'honoured',
    doc: 'The most bytes in one Fetch response.',
  }),
  'fetch.purgatory.purge.interval.requests': int(1000, {
    effect: 'none',
    doc: 'How often completed requests are removed from the purgatory; here they are removed at once.',
  }),
  'leader.imbalance.check.interval.seconds': long(300, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'How often the controller moves leaderships back to the preferred replicas.',
  }),
  'max.incremental.fetch.session.cache.slots': int(1000, {
    min: 0,
    effect: 'honoured',
    doc: 'Fetch sessions kept for clients; 0: none.',
  }),
  'max.request.partition.size.limit': int(2000, {
    min: 1,
    effect: 'honoured',
    doc: 'The most partitions in one DescribeTopicPartitions response.',
  }),
  'num.partitions': int(1, {
    min: 1,
    effect: 'honoured',
    doc: 'Partitions of a topic that is created without a number of partitions.',
  }),
  'num.replica.alter.log.dirs.threads': intOrNull({
    importance: 'high',
    effect: 'honoured',
    doc: 'Replicas that move between log directories at the same time; as many as there are directories when null.',
  }),
  'num.replica.fetchers': int(1, {
    min: 1,
    importance: 'high',
    update: 'cluster-wide',
    effect: 'none',
    doc: 'Threads that fetch from one leader; here one stream carries all partitions.',
  }),
  'producer.purgatory.purge.interval.requests': int(1000, {
    effect: 'none',
    doc: 'How often completed requests are removed from the purgatory; here they are removed at once.',
  }),
  'replica.fetch.backoff.ms': int(seconds(1), {
    min: 0,
    effect: 'none',
    doc: 'Pause before a follower tries again after an error.',
  }),
  'replica.fetch.max.bytes': int(mebibytes(1), {
    min: 0,
    effect: 'none',
    doc: 'Bytes of one partition in one fetch of a follower; here credits of the replication stream limit the bytes in flight.',
  }),
  'replica.fetch.min.bytes': int(1, {
    importance: 'high',
    effect: 'none',
    doc: "Bytes that a follower's fetch waits for; here the leader pushes records at once.",
  }),
  'replica.fetch.response.max.bytes': int(mebibytes(10), {
    min: 0,
    effect: 'none',
    doc: 'Bytes in flight on the replication stream of a follower.',
  }),
  'replica.fetch.wait.max.ms': int(500, {
    importance: 'high',
    effect: 'none',
    doc: "How long a follower's fetch waits; here the leader pushes records at once.",
  }),
  'replica.high.watermark.checkpoint.interval.ms': long(seconds(5), {
    importance: 'high',
    effect: 'honoured',
    doc: 'How often high watermarks are written to disk.',
  }),
  'replica.lag.time.max.ms': long(seconds(30), {
    importance: 'high',
    effect: 'honoured',
    doc: 'A follower that has not caught up for this long leaves the in-sync replicas.',
  }),
  'replica.selector.class': stringOrNull({
    effect: 'honoured',
    check: knownClass(
      'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'org.apache.kafka.common.replica.LeaderSelector',
    ),
    doc: 'Chooses the replica from which a consumer reads; org.apache.kafka.common.replica.RackAwareReplicaSelector is supported.',
  }),
  'replica.socket.receive.buffer.bytes': int(kibibytes(64), {
    importance: 'high',
    effect: 'none',
    doc: 'Receive buffer of followers; the system chooses it here.',
  }),
  'replica.socket.timeout.ms': int(seconds(30), {
    importance: 'high',
    effect: 'none',
    doc: "How long a follower's fetch may take; here a broken connection ends the replication stream.",
  }),
};
