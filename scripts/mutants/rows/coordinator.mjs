/** Bugs of the coordinator runtime, and of offsets within transactions. */
const offsets = 'src/group/txn-offsets.ts';
const host = 'src/broker/coordinator/shard-host.ts';
const queue = 'src/broker/coordinator/write-queue.ts';
const offsetsTest = 'test/group/txn-offsets.test.ts';
const hostTest = 'test/broker/coordinator/shard-host.test.ts';
const handlerTest = 'test/broker/groups/txn-offset-commit.test.ts';
const model = 'fetched offsets follow from the log';

export const coordinatorRows = [
  {
    number: 640,
    bug: 'a coordinator serves state that its former leader never committed',
    reference:
      'krabka PF-106; review of 2026-11 §6.17; Kafka CoordinatorLoaderImpl waits for the high watermark',
    change: 'loading does not wait until the high watermark reaches the log end',
    edits: [
      {
        file: host,
        from: 'if (loaded === null || !(await this.#committed(loaded.endOffset))) return;',
        to: 'if (loaded === null) return;',
      },
    ],
    caughtBy: { test: hostTest, name: 'waits until all records of the log are committed' },
  },
  {
    number: 641,
    bug: 'a coordinator answers when its record is appended, not when it is committed',
    reference: 'krabka PF-106: decisions lost on failover',
    change: 'the acknowledgement of the replicas is not awaited',
    edits: [
      {
        file: queue,
        from: 'acknowledged = partition.appendAsLeader(bytes, -1, appendOptions(writes[0] as Write)).acknowledged;',
        to: 'void partition.appendAsLeader(bytes, -1, appendOptions(writes[0] as Write)).acknowledged.catch(() => undefined);',
      },
    ],
    caughtBy: { test: hostTest, name: 'a commit is answered, and visible, when its records are' },
  },
  {
    number: 642,
    bug: 'a write that lost its leadership before the commit is reported as successful',
    reference: 'Kafka CoordinatorRuntime fails the deferred events of a shard that is unloaded',
    change: 'an error of the acknowledgement counts as success',
    edits: [
      {
        file: queue,
        from: 'else if (error !== null) return listener.lost(coordinatorError(error, tooLarge));',
        to: 'else if (error === Errors.UNKNOWN_SERVER_ERROR) return listener.lost(coordinatorError(error, tooLarge));',
      },
    ],
    caughtBy: { test: hostTest, name: 'a leadership that is lost while an append is pending ends' },
  },
  {
    number: 643,
    bug: 'offsets of a transaction share a batch with others',
    reference: 'the producer is in the head of a batch: an abort would drop the others',
    change: 'all waiting records go into the batch of the first',
    edits: [
      {
        file: queue,
        from: 'return first.end === null && other.end === null && sameProducer(first.producer, other.producer);',
        to: 'return first.end === null && other.end === null;',
      },
    ],
    caughtBy: { test: handlerTest, name: 'offsets of different transactions, and those outside of' },
  },
  {
    number: 644,
    bug: 'committed offsets go back: an older offset of a transaction wins because its marker comes later',
    reference: 'Kafka KAFKA-5273, OffsetMetadataManager.replayEndTransactionMarker compares record offsets',
    change: 'the order of the ends decides',
    edits: [
      {
        file: offsets,
        from: "if (present !== undefined && present.order > value.order) mark('group.transactional-offset-is-older');\n        else setOffset",
        to: "if (present?.order === -1) mark('group.transactional-offset-is-older');\n        else setOffset",
      },
    ],
    caughtBy: { test: offsetsTest, name: model },
  },
  {
    number: 645,
    bug: 'offsets of an aborted transaction are seen',
    reference: 'redpanda#3279, #5162; PF-36',
    change: 'an abort counts as a commit',
    edits: [{ file: offsets, from: "if (type === 'abort') continue;", to: '' }],
    caughtBy: { test: offsetsTest, name: 'is never returned when the transaction was aborted' },
  },
  {
    number: 646,
    bug: 'a new member fetches offsets that a pending transaction will change',
    reference: 'KIP-447: requireStable must cover commits under way',
    change: 'partitions are unstable from the commit of the record on only',
    edits: [
      {
        file: offsets,
        from: 'const settled = pendingOffsets.begin(groupId, offsets);',
        to: 'const settled = (): void => undefined;',
      },
    ],
    caughtBy: { test: offsetsTest, name: 'is unstable while its write is pending' },
  },
  {
    number: 647,
    bug: 'a deleted offset comes back with the marker of a transaction that was open meanwhile',
    reference: 'Kafka OffsetMetadataManager.replay removes pending offsets with a tombstone',
    change: 'a tombstone leaves pending offsets alone when the log is loaded',
    edits: [
      {
        file: 'src/group/replay.ts',
        from: '    shard.pendingOffsets.remove(groupId, topic, partition);\n',
        to: '',
      },
    ],
    caughtBy: { test: offsetsTest, name: model },
  },
  {
    number: 648,
    bug: 'a deleted group comes back with the marker of a transaction that was open meanwhile',
    reference: 'Kafka OffsetMetadataManager.deleteAllOffsets buries pending offsets too',
    change: 'DeleteGroups writes no tombstones for offsets that are only pending',
    edits: [
      {
        file: 'src/group/delete-group.ts',
        from: 'const pending = pendingOffsets.partitions(group.groupId);',
        to: 'const pending: ReturnType<typeof pendingOffsets.partitions> = [];',
      },
    ],
    caughtBy: { test: offsetsTest, name: 'are deleted by DeleteGroups' },
  },
  {
    number: 649,
    bug: 'an offset expires under a transaction that commits it',
    reference: 'Kafka OffsetMetadataManager.cleanupExpiredOffsets',
    change: 'expiry does not look at pending offsets',
    edits: [
      {
        file: 'src/group/sweep.ts',
        from: 'isExpired(value) && !pendingOffsets.has(group.groupId, topic, partition)',
        to: 'isExpired(value)',
      },
    ],
    caughtBy: { test: offsetsTest, name: 'keep the group and the committed offset' },
  },
  {
    number: 650,
    bug: 'a zombie commits offsets in its transaction after its group has rebalanced',
    reference: 'KIP-447: TxnOffsetCommit v3 checks the generation',
    change: 'any generation of a member will do',
    edits: [
      {
        file: offsets,
        from: 'return generationId === group.generation ? null : Errors.ILLEGAL_GENERATION;',
        to: 'return generationId <= group.generation ? null : Errors.ILLEGAL_GENERATION;',
      },
    ],
    caughtBy: { test: offsetsTest, name: 'a member with an older generation' },
  },
  {
    number: 651,
    bug: 'a commit that was late on the network begins a transaction in __consumer_offsets that nobody ends',
    reference: 'KIP-890, hanging transactions',
    change: 'the log does not require a verification of coordinators',
    edits: [
      {
        file: 'src/log/producers/producer-state.ts',
        from: 'if (header.isTransactional) this.#checkVerified(header, verification);',
        to: "if (header.isTransactional && origin === 'client') this.#checkVerified(header, verification);",
      },
    ],
    caughtBy: {
      test: 'test/log/transactions.test.ts',
      name: 'offsets that the group coordinator writes need a verification as well',
    },
  },
  {
    number: 652,
    bug: 'a commit of offsets is written though the coordinator refused to take the partition into the transaction',
    reference: 'KIP-890',
    change: 'errors of the verification are ignored',
    edits: [
      {
        file: 'src/broker/groups/txn-verification.ts',
        from: 'if (error !== undefined) throw new KafkaError(refusal(error));',
        to: '',
      },
    ],
    caughtBy: { test: handlerTest, name: 'writes nothing' },
  },
  {
    number: 780,
    bug: 'a zombie in a transaction commits the offsets of partitions that it lost, beside one that it still has',
    reference:
      'Kafka 4.3.1 OffsetMetadataManager: one partition that may not be committed refuses the commit',
    change: 'the epoch is compared for the partitions together, not for each',
    edits: [
      {
        file: 'src/group/consumer/commit.ts',
        from: 'if (error !== null) return error;',
        to: 'if (error === null) return error;',
      },
    ],
    caughtBy: { test: 'test/group/consumer/commit.test.ts', name: 'fails the whole commit' },
  },
];
