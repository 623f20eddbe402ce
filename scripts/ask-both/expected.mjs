/** The intended differences: rows of `docs/differences.md`, each with the ids of the questions that it explains. */
const aclFilter = 'filters of unknown kinds without authorizer';
const helpful = 'Produce says why a batch is refused';
const undecodable = 'batches that nobody can decode';
const inTheFault = 'the request is at fault, not the server';
const numbers = 'digits of other scripts, hexadecimal doubles';
const anyNode = 'broker settings through any node';
const words = 'other words';
const resolvedFirst = 'a heartbeat with a new regular expression';
const noOrphans = 'a group that went to the classic protocol and back in the middle of a rebalance';

/** @type {[id: RegExp, why: string][]} */
const rows = [
  // [a pattern for the id of the question, the row of docs/differences.md]
  [/^(Describe|Delete)Acls: type /, aclFilter],
  [/^AlterConfigs: twice/, 'AlterConfigs names a resource twice'],
  [/^IncrementalAlterConfigs: operation 9 of /, inTheFault],
  [/^AlterClientQuotas: (a host|.* that is no number), /, 'quotas that can not be enforced'],
  [/^Metadata: id zero/, inTheFault],
  [/^AlterUserScramCredentials: no password/, inTheFault],
  [/^WriteTxnMarkers: .*version 0, an epoch before/, inTheFault],
  [/^DescribeTopicPartitions: \[""\]/, inTheFault],
  [/^CreatePartitions: count 20000/, inTheFault],
  [/='(١|0x1p-1)' v/, numbers],
  [/^Produce: null records/, inTheFault],
  [/^Produce: (compression [57]|another compression|(a delta|deltas) .*gzip)/, undecodable],
  [/^Produce: a batch and 5 bytes/, 'bytes behind a batch'],
  [/^Produce: a partition twice/, 'Produce names a partition twice'],
  [/^Produce: /, helpful],
  [/^Fetch: good and bad v1[3-8]/, 'Fetch by id: partitions that fail'],
  [/AlterConfigs: brokers? \S+='java.lang.String'/, 'classes of Java'],
  [/AlterConfigs: broker (listener\.security\.protocol\.map|listeners)=/, words],
  [/AlterConfigs: brokers? (max\.connections\.per\.ip\.overrides='a|log\.cleaner\.threads='0')/, words],
  [/^CreateTopics: colliding, made/, 'two names that collide in one request'],
  [/^ListGroups: all, state Empty/, 'refused JoinGroups make no group'],
  [/^ConsumerGroupHeartbeat: (first|again|once more), (expression|no topics|names and an)/, resolvedFirst],
  [/^ConsumerGroupDescribe: (first no topics|expression|both)/, resolvedFirst],
  [/^(ConsumerGroupHeartbeat|ConsumerGroupDescribe): c\.(static|away).* (back|later|new id)/, noOrphans],
  [/^ListConfigResources: (2(,2)?)?( with values)? v/, 'no share groups'],
  [/^Fetch: session of v17, /, 'sessions over topics that are made again'],
  [/: resource broker '(9|-1)' v/, anyNode],
  [/^IncrementalAlterConfigs: resource (logger|type 8)/, words],
  [/^IncrementalAlterConfigs: (append|subtract) .* of broker nope/, words],
  [/^DescribeConfigs: (logger '9'|type 8)/, words],
  [
    /^Offset(Commit|Delete): a (partition twice, apart|topic twice)/,
    'offsets of a topic that is named twice',
  ],
];

/** Returns why the answers to a question may differ, or null. */
export function expectedDifference(question, version) {
  const id = `${question.id} v${version}`;
  return rows.find(([pattern]) => pattern.test(id))?.[1] ?? null;
}
