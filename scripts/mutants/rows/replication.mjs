/**
 * Bugs of replication, the ISR and log directories: each removes one check. Most checks are from Vanlightly's TLA+
 * specification of Kafka's replication, or from KIPs.
 */
const highWatermark = 'src/replication/leader/high-watermark.ts';
const leader = 'src/replication/leader/leader-state.ts';
const leaderTest = 'test/replication/leader-state.test.ts';
const fetcher = 'src/replication/stream/replica-fetcher.ts';
const fetcherTest = 'test/replication/replica-fetcher.test.ts';
const followerTest = 'test/replication/follower.test.ts';
const alterPartition = 'src/controller/alter-partition.ts';
const partitionsTest = 'test/controller/partitions.test.ts';
const directoriesTest = 'test/controller/directories.test.ts';
const logDirectoriesTest = 'test/log/log-directories.test.ts';
const reads = 'src/replication/partition-reads.ts';
const readsTest = 'test/replication/partition-reads.test.ts';
const movesTest = 'test/log/log-moves.test.ts';

export const replicationRows = [
  {
    number: 900,
    bug: 'an ISR proposal or a directory of a replica is lost with the request that carried it',
    reference: 'AlterPartitionManager: a round that threw lost its proposals',
    change: 'what was not settled is not pending again',
    edits: [
      {
        file: 'src/replication/outbox.ts',
        from: 'else this.#pending.set(key, entry);',
        to: '',
      },
    ],
    caughtBy: { test: 'test/replication/outbox.test.ts' },
  },
  {
    number: 901,
    bug: 'an old entry takes the place of a newer one when its request was not answered',
    reference: 'Kafka: unsentIsrUpdates.putIfAbsent',
    change: 'what was not settled is pending again, whatever came since',
    edits: [
      {
        file: 'src/replication/outbox.ts',
        from: 'if (this.#isStopped || this.#pending.has(key)) this.#dropped(entry);\n      else this',
        to: 'this',
      },
    ],
    caughtBy: { test: 'test/replication/outbox.test.ts' },
  },
  {
    number: 201,
    bug: 'the high watermark moves while the ISR is below min.insync.replicas',
    reference: 'KIP-966',
    change: 'the size of the ISR is not checked',
    edits: [
      {
        file: highWatermark,
        from: 'if (input.committedIsrSize < input.minInsyncReplicas) {',
        to: 'if (input.committedIsrSize < 0) {',
      },
    ],
    caughtBy: { test: leaderTest },
  },
  {
    number: 202,
    bug: 'the high watermark does not wait for a proposed member of the ISR',
    reference: 'KIP-497, maximal ISR',
    change: 'only the committed ISR is used',
    edits: [{ file: leader, from: 'maximalIsr: this.isr.maximal,', to: 'maximalIsr: this.isr.committed,' }],
    caughtBy: { test: leaderTest },
  },
  {
    number: 203,
    bug: 'a follower joins the ISR below the high watermark',
    reference: 'Vanlightly, kafka_replication_v3_5, CHECK',
    change: 'the high watermark is not compared',
    edits: [
      {
        file: leader,
        from: 'follower.logEndOffset >= this.highWatermark &&',
        to: 'follower.logEndOffset >= 0 &&',
      },
    ],
    caughtBy: { test: leaderTest },
  },
  {
    number: 204,
    bug: 'a follower joins the ISR below the start of the leader epoch',
    reference: 'Vanlightly, kafka_replication_v3_5, CHECK',
    change: 'the start of the epoch is not compared',
    edits: [
      {
        file: leader,
        from: 'follower.logEndOffset >= this.epochStartOffset &&',
        to: 'follower.logEndOffset >= 0 &&',
      },
    ],
    caughtBy: { test: leaderTest },
  },
  {
    number: 205,
    bug: "a follower truncates to the leader's offset, not to the end of the common epochs",
    reference: 'KIP-101, KIP-279',
    change: 'its own end offset of the epoch is not compared',
    edits: [
      {
        file: 'src/replication/follower/follower-truncation.ts',
        from: 'return Math.min(own.endOffset, bounded);',
        to: 'return bounded;',
      },
    ],
    caughtBy: { test: followerTest },
  },
  {
    number: 206,
    bug: 'subscriptions of an older incarnation of a broker are accepted',
    reference: 'KIP-903',
    change: 'the broker epoch is not compared',
    edits: [
      {
        file: leader,
        from: 'if (follower === undefined || brokerEpoch < follower.brokerEpoch) {',
        to: 'if (follower === undefined) {',
      },
    ],
    caughtBy: { test: leaderTest },
  },
  {
    number: 207,
    bug: 'an ISR change based on an old partition epoch is accepted',
    reference: 'KIP-497',
    change: 'the partition epoch is not compared',
    edits: [
      {
        file: alterPartition,
        from: 'if (wanted.partitionEpoch < before.partitionEpoch) {',
        to: 'if (wanted.partitionEpoch < -1) {',
      },
    ],
    caughtBy: { test: partitionsTest },
  },
  {
    number: 208,
    bug: 'a replica that restarted empty meanwhile is taken into the ISR',
    reference: 'KIP-903',
    change: 'the broker epoch of a proposed member is not compared',
    edits: [
      {
        file: alterPartition,
        from: 'return member.brokerEpoch === -1 || member.brokerEpoch === epoch;',
        to: 'return member.brokerEpoch === -1 || epoch !== undefined;',
      },
    ],
    caughtBy: { test: partitionsTest },
  },
  {
    number: 209,
    bug: 'a fenced replica is accepted into the ISR',
    reference: 'KIP-841',
    change: 'a proposed member may be fenced',
    edits: [{ file: alterPartition, from: 'if (!brokerIsActive(state.image, id)) {', to: 'if (id < 0) {' }],
    caughtBy: { test: partitionsTest },
  },
  {
    number: 210,
    bug: 'a broker that stopped uncleanly stays eligible to lead',
    reference: 'KIP-966',
    change: 'every shutdown counts as clean',
    edits: [
      {
        file: 'src/controller/registration.ts',
        from: 'const isUnclean = request.previousBrokerEpoch !== known.epoch;',
        to: 'const isUnclean = false;',
      },
    ],
    caughtBy: { test: partitionsTest },
  },
  {
    number: 211,
    bug: 'the clean-shutdown epoch is that of the best directory',
    reference: 'KIP-966, review of this project',
    change: 'the directories need not agree',
    edits: [
      {
        file: 'src/log/directories/log-directories.ts',
        from: '!isOffline && lost.size === 0 && previousBrokerEpoch === first?.previousBrokerEpoch,',
        to: '!isOffline || previousBrokerEpoch === first?.previousBrokerEpoch,',
      },
    ],
    caughtBy: { test: logDirectoriesTest },
  },
  {
    number: 212,
    bug: 'a replica in an offline directory is created again, empty',
    reference: 'KAFKA-4763 (KIP-112), review of this project',
    change: 'another directory is used in place of the missing one',
    edits: [
      {
        file: 'src/log/directories/log-directories.ts',
        from: 'if (offline.length > 0 && (directoryId !== null || !isNew)) {',
        to: 'if (offline.length > this.all.length) {',
      },
    ],
    caughtBy: { test: logDirectoriesTest },
  },
  {
    number: 213,
    bug: 'a replica in a directory that is not registered is elected',
    reference: 'KIP-858',
    change: 'a broker with one directory has all its replicas there',
    edits: [
      {
        file: 'src/controller/lookups.ts',
        from: 'return logDirs.length === 0 || logDirs.includes(directory);',
        to: 'return logDirs.length <= 1 || logDirs.includes(directory);',
      },
    ],
    caughtBy: { test: directoriesTest },
  },
  {
    number: 214,
    bug: 'a replica in a failed directory comes back into the ISR',
    reference: 'found with a disk that was shut down under a running node',
    change: 'the directory of a proposed member is not checked',
    edits: [
      { file: alterPartition, from: 'if (!hasDirectory(state.image, id, directory)) return false;', to: '' },
    ],
    caughtBy: { test: directoriesTest },
  },
  {
    number: 215,
    bug: 'a failed directory keeps leaderships that were assigned to it late',
    reference: 'KIP-858',
    change: 'an assignment to a failed directory moves no leadership',
    edits: [
      {
        file: 'src/controller/assign-directories.ts',
        from: 'const isr = hasFailed ? partition.isr.filter((member) => member !== id) : partition.isr;',
        to: 'const isr = partition.isr;\n  void hasFailed;',
      },
    ],
    caughtBy: { test: directoriesTest },
  },
  {
    number: 216,
    bug: 'the recovery point moves beyond the end of a truncated log',
    reference: 'found by the random moves of test/log/log-moves.test.ts',
    change: 'a sealed segment is synced up to where it ended when it was sealed',
    edits: [
      {
        file: 'src/log/log-writer.ts',
        from: 'if (state.truncationCount === truncationCount) void this.#flushSealed(old, plan.baseOffset);',
        to: 'void this.#flushSealed(old, plan.baseOffset);\n      void truncationCount;',
      },
    ],
    caughtBy: { test: movesTest },
  },
  {
    number: 217,
    bug: 'the copy of a moving replica keeps what its log truncated',
    reference: 'KAFKA-7150, KIP-113',
    change: 'truncations are not applied to the copy',
    edits: [
      {
        file: 'src/log/directories/log-moves.ts',
        from: 'const end = Math.min(move.truncatedTo ?? Number.MAX_SAFE_INTEGER, log.logEndOffset);',
        to: 'const end = log.logEndOffset;',
      },
    ],
    caughtBy: { test: movesTest },
  },
  {
    number: 218,
    bug: 'a replica moves before the controller knows where to',
    reference: 'KIP-858',
    change: 'the response of the controller is not awaited',
    edits: [
      {
        file: 'src/log/directories/log-moves.ts',
        from: 'if (isRecorded) return;',
        to: 'if (move.isAssigned) return;',
      },
    ],
    caughtBy: { test: movesTest },
  },
  {
    number: 219,
    bug: 'two logs of one partition after its topic was deleted on a failing disk: the node does not start, or takes the wrong one',
    reference: 'found by the simulation of several directories, seeds 9, 19 and 146',
    change: 'the log that was found first is the partition’s',
    edits: [
      {
        file: 'src/log/directories/log-twins.ts',
        from: 'return all.sort((a, b) => rank(b) - rank(a) || b.log.logEndOffset - a.log.logEndOffset);',
        to: 'void rank;\n    return all;',
      },
    ],
    caughtBy: { test: logDirectoriesTest },
  },
  {
    number: 220,
    bug: 'a reassignment exceeds its throttle',
    reference: 'KIP-73',
    change: 'a leader sends without throttling',
    edits: [
      {
        file: 'src/replication/stream/feed-slot.ts',
        from: 'this.#isThrottled = waitMs > 0;',
        to: 'this.#isThrottled = waitMs > 1e9;',
      },
    ],
    caughtBy: {
      test: 'test/replication/replication.test.ts',
      name: 'not in sync catches up at the rate of its ',
    },
  },
  {
    number: 221,
    bug: 'a consumer is sent to a replica that is not in sync',
    reference: 'KIP-392',
    change: 'the ISR is not checked',
    edits: [
      {
        file: leader,
        from: 'if (this.isr.committed.includes(brokerId)) yield follower;',
        to: 'yield follower;\n      void brokerId;',
      },
    ],
    caughtBy: { test: 'test/replication/replica-selector.test.ts' },
  },
  {
    number: 222,
    bug: 'a follower counts for the high watermark before it has said, in this leader epoch, where its log ends',
    reference: 'Vanlightly, kafka_replication_v3_5, CHECK; KAFKA-1647',
    change: 'a follower that has not subscribed counts as having everything',
    edits: [
      {
        file: 'src/replication/leader/follower-progress.ts',
        from: 'export const unknownOffset = -1;',
        to: 'export const unknownOffset = Number.MAX_SAFE_INTEGER;',
      },
    ],
    caughtBy: { test: leaderTest, name: 'waits until every member of the ISR has subscribed in this epoch' },
  },
  {
    number: 223,
    bug: 'a follower joins the ISR though its stream has broken',
    reference: 'Vanlightly, kafka_replication_v3_5, CHECK: a fetch in this leader epoch',
    change: 'the stream is not checked',
    edits: [{ file: leader, from: 'follower.attached &&', to: 'follower.brokerId >= 0 &&' }],
    caughtBy: { test: leaderTest, name: 'a live stream' },
  },
  {
    number: 224,
    bug: 'records for a subscription that has ended are appended',
    reference: 'Vanlightly, kafka_replication_v3_5, CHECK: the fetch offset or the leader epoch has changed',
    change: 'an ended slot is still found by its number',
    edits: [
      {
        file: fetcher,
        from: '      this.#bySlot.delete(slot.slot);\n      this.#toUnsubscribe',
        to: '      this.#toUnsubscribe',
      },
    ],
    caughtBy: {
      test: fetcherTest,
      name: 'records of an ended subscription are dropped, and their credit is returned',
    },
  },
  {
    number: 225,
    bug: 'a follower stays with its subscription in the next leader epoch',
    reference: 'Vanlightly, kafka_replication_v3_5, CHECK: a partition is added again for a higher epoch',
    change: 'any epoch will do',
    edits: [
      {
        file: fetcher,
        from: 'known.leaderEpoch === leaderEpoch',
        to: 'known.leaderEpoch <= leaderEpoch',
      },
    ],
    caughtBy: { test: fetcherTest, name: 'a new leader epoch ends the old subscription before the new one' },
  },
  {
    number: 226,
    bug: 'a former leader acknowledges records that the new one has truncated',
    reference: 'KAFKA-13574; acks=all looks at the leader epoch before it answers',
    change: 'waiting produces above a truncation are not refused',
    edits: [
      {
        file: 'src/replication/leader/acknowledgements.ts',
        from: 'if (waiter.endOffset > offset) waiter.reject(error);',
        to: 'if (waiter.endOffset < offset) waiter.reject(error);',
      },
    ],
    caughtBy: {
      test: 'test/replication/acknowledgements.test.ts',
      name: 'rejectAbove refuses waiters above the offset and keeps those below',
    },
  },
  {
    number: 227,
    bug: 'each partition that moves costs a message of its own',
    reference: 'review of 2026-11, replica-fetcher.ts: 10,000 messages for a failover of 10,000',
    change: 'the end of a subscription is sent at once',
    edits: [
      {
        file: fetcher,
        from: 'if (this.#toUnsubscribe.length === 1) this.#context.scheduler.soon(() => this.#sendUnsubscribes());',
        to: 'this.#sendUnsubscribes();',
      },
    ],
    caughtBy: { test: fetcherTest, name: 'subscriptions that end in one turn share one message' },
  },
  {
    number: 1160,
    bug: 'a follower that lacks the records of a leader epoch answers that the reader has diverged',
    reference: 'KIP-392',
    change: 'an epoch ends at the end of the log',
    edits: [
      {
        file: reads,
        from: 'const end = log.endOffsetForEpoch(lastFetchedEpoch);',
        to:
          'if (!isLeader && lastFetchedEpoch > log.latestEpoch) ' +
          'return { epoch: log.latestEpoch, endOffset: log.logEndOffset }; ' +
          'const end = log.endOffsetForEpoch(lastFetchedEpoch);',
      },
    ],
    caughtBy: { test: readsTest },
  },
  {
    number: 1161,
    bug: 'a follower takes uncommitted records for proof that a reader has diverged',
    reference: 'KIP-392',
    change: 'the high watermark is not compared',
    edits: [{ file: reads, from: '(isLeader || end.endOffset < log.highWatermark)', to: 'true' }],
    caughtBy: { test: readsTest },
  },
  {
    number: 1162,
    bug: 'a debugging tool gets the high watermark as the end of a log',
    reference: 'ReplicaManager.fetchOffset: only consumers have an isolation level',
    change: 'every reader has the isolation of a consumer',
    edits: [
      {
        file: 'src/broker/api/records/02-list-offsets.ts',
        from: "if (replicaId !== consumer) return 'log_end';",
        to: '',
      },
    ],
    caughtBy: { test: 'test/broker/api/admin.test.ts' },
  },
];
