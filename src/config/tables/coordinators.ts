/**
 * Properties of the group and transaction coordinators, one row each. Defaults, bounds and update modes are those of Apache
 * Kafka 4.3.1; `define.ts` explains the columns.
 */
import {
  bool,
  days,
  hours,
  int,
  intMax,
  kibibytes,
  list,
  long,
  mebibytes,
  minutes,
  seconds,
  short,
  string,
} from '../define.ts';

export const coordinatorsProperties = {
  'add.partitions.to.txn.retry.backoff.max.ms': int(100, {
    min: 0,
    importance: 'high',
    effect: 'honoured',
    doc: 'How long the broker keeps trying to add a partition to a transaction.',
  }),
  'add.partitions.to.txn.retry.backoff.ms': int(20, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Pause before a partition is added to a transaction again, because the last transaction of the producer has not ended yet.',
  }),
  'group.consumer.assignment.interval.ms': int(seconds(1), {
    min: 0,
    update: 'cluster-wide',
    effect: 'honoured',
    doc: 'The target assignment of a group is computed at most this often.',
  }),
  'group.consumer.assignors': list(['uniform', 'range'], {
    nonEmpty: true,
    effect: 'honoured',
    doc: 'Assignors of the consumer protocol (KIP-848), the default first: uniform, range.',
  }),
  'group.consumer.heartbeat.interval.ms': int(seconds(5), {
    min: 1,
    effect: 'honoured',
    doc: 'Heartbeat interval of members of the consumer protocol.',
  }),
  'group.consumer.max.assignment.interval.ms': int(seconds(15), {
    min: 0,
    effect: 'honoured',
    doc: 'The longest assignment interval that the configuration of a group may set.',
  }),
  'group.consumer.max.heartbeat.interval.ms': int(seconds(15), {
    min: 1,
    effect: 'honoured',
    doc: 'The longest heartbeat interval that the configuration of a group may set.',
  }),
  'group.consumer.max.session.timeout.ms': int(minutes(1), {
    min: 1,
    effect: 'honoured',
    doc: 'The longest session timeout that the configuration of a group may set.',
  }),
  'group.consumer.max.size': int(intMax, {
    min: 1,
    effect: 'honoured',
    doc: 'Most members of a group of the consumer protocol.',
  }),
  'group.consumer.migration.policy': string('bidirectional', {
    oneOf: ['DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'],
    ignoreCase: true,
    effect: 'honoured',
    doc: 'Whether groups may change between the classic and the consumer protocol.',
  }),
  'group.consumer.min.assignment.interval.ms': int(0, {
    min: 0,
    effect: 'honoured',
    doc: 'The shortest assignment interval that the configuration of a group may set.',
  }),
  'group.consumer.min.heartbeat.interval.ms': int(seconds(5), {
    min: 1,
    effect: 'honoured',
    doc: 'The shortest heartbeat interval that the configuration of a group may set.',
  }),
  'group.consumer.min.session.timeout.ms': int(seconds(45), {
    min: 1,
    effect: 'honoured',
    doc: 'The shortest session timeout that the configuration of a group may set.',
  }),
  'group.consumer.regex.refresh.interval.ms': int(minutes(10), {
    min: seconds(10),
    internal: true,
    effect: 'honoured',
    doc: 'Subscriptions by regular expression are matched anew at least this often.',
  }),
  'group.consumer.session.timeout.ms': int(seconds(45), {
    min: 1,
    effect: 'honoured',
    doc: 'Session timeout of members of the consumer protocol.',
  }),
  'group.coordinator.append.linger.ms': int(-1, {
    min: -1,
    effect: 'none',
    doc: 'How long the coordinator gathers records before a write; -1: the coordinator chooses the time.',
  }),
  'group.coordinator.background.threads': int(2, {
    min: 1,
    importance: 'high',
    effect: 'none',
    doc: 'Size of a thread pool; one event loop does the work here.',
  }),
  'group.coordinator.cached.buffer.max.bytes': int(1_048_588, {
    min: kibibytes(512),
    update: 'cluster-wide',
    effect: 'none',
    doc: 'Largest buffer that the coordinator keeps for reuse.',
  }),
  'group.coordinator.rebalance.protocols': list(['classic', 'consumer', 'streams'], {
    oneOf: ['consumer', 'classic', 'share', 'streams'],
    nonEmpty: true,
    effect: 'honoured',
    doc: 'Group protocols that clients may use.',
  }),
  'group.coordinator.threads': int(4, {
    min: 1,
    importance: 'high',
    effect: 'none',
    doc: 'Size of a thread pool; one event loop does the work here.',
  }),
  'group.initial.rebalance.delay.ms': int(seconds(3), {
    effect: 'honoured',
    doc: 'How long an empty group waits for more members before its first assignment.',
  }),
  'group.max.session.timeout.ms': int(minutes(30), {
    effect: 'honoured',
    doc: 'The longest session timeout that a consumer may ask for.',
  }),
  'group.max.size': int(intMax, { min: 1, effect: 'honoured', doc: 'Most members of a group.' }),
  'group.min.session.timeout.ms': int(seconds(6), {
    effect: 'honoured',
    doc: 'The shortest session timeout that a consumer may ask for.',
  }),
  'offset.metadata.max.bytes': int(kibibytes(4), {
    importance: 'high',
    effect: 'honoured',
    doc: 'Longest text that may be committed with an offset.',
  }),
  'offsets.commit.timeout.ms': int(seconds(5), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'How long a commit may take to reach all in-sync replicas.',
  }),
  'offsets.load.buffer.size': int(mebibytes(5), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Bytes read at once when a coordinator loads.',
  }),
  'offsets.retention.check.interval.ms': long(minutes(10), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'How often the coordinator looks for expired offsets and deletes them.',
  }),
  'offsets.retention.minutes': int(10_080, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'How long the offsets of a group without members are kept.',
  }),
  'offsets.topic.compression.codec': int(0, {
    importance: 'high',
    effect: 'honoured',
    doc: 'Compression of the offset records.',
  }),
  'offsets.topic.num.partitions': int(50, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Partitions of __consumer_offsets; must not be changed once the topic exists.',
  }),
  'offsets.topic.replication.factor': short(3, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Replicas of __consumer_offsets.',
  }),
  'offsets.topic.segment.bytes': int(mebibytes(100), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Segment size of __consumer_offsets.',
  }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(seconds(10), {
    min: 1,
    importance: 'low',
    effect: 'honoured',
    doc: 'How often the coordinator looks for transactions that exceeded their timeout, and aborts them.',
  }),
  'transaction.max.timeout.ms': int(minutes(15), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'The longest transaction timeout that a producer may request.',
  }),
  'transaction.partition.verification.enable': bool(true, {
    importance: 'low',
    update: 'cluster-wide',
    effect: 'honoured',
    doc: 'Asks the coordinator whether a partition belongs to the running transaction before writing.',
  }),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(hours(1), {
    min: 1,
    importance: 'low',
    effect: 'honoured',
    doc: 'How often the coordinator looks for transactional ids that are no longer used, and removes them.',
  }),
  'transaction.state.log.load.buffer.size': int(mebibytes(5), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Bytes read at once when a coordinator loads.',
  }),
  'transaction.state.log.min.isr': int(2, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'In-sync replicas that __transaction_state needs for a write.',
  }),
  'transaction.state.log.num.partitions': int(50, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Partitions of __transaction_state; must not be changed once the topic exists.',
  }),
  'transaction.state.log.replication.factor': short(3, {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Replicas of __transaction_state.',
  }),
  'transaction.state.log.segment.bytes': int(mebibytes(100), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'Segment size of __transaction_state.',
  }),
  'transaction.two.phase.commit.enable': bool(false, {
    importance: 'low',
    effect: 'honoured',
    doc: 'Lets producers use transactions without a timeout.',
  }),
  'transactional.id.expiration.ms': int(days(7), {
    min: 1,
    importance: 'high',
    effect: 'honoured',
    doc: 'How long an unused transactional id is remembered.',
  }),
};
