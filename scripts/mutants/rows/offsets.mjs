/** Bugs of ListOffsets, DeleteRecords and retention: which records a partition has, and at which offsets. */
export const offsetRows = [
  {
    number: 1188,
    bug: 'after a truncation within a batch, records that replace it count as synced: a power cut loses them',
    reference: 'random logs (test/log/recovery.test.ts), seed -1775179273',
    change:
      'the recovery point is set to the requested offset, not to the begin of the batch that contains it',
    edits: [
      {
        file: 'src/log/log-truncation.ts',
        from: 'state.recoveryPoint = cut.offset;\n    await',
        to: 'state.recoveryPoint = offset;\n    await',
      },
    ],
    caughtBy: {
      test: 'test/log/recovery.test.ts',
      name: 'a truncation within a batch lowers the recovery point',
    },
  },
  {
    number: 1186,
    bug: 'after a start a broker deletes records by its default retention, because it does not know the topics yet',
    reference: 'seed 122 of the cluster world; Kafka starts its LogManager with the first metadata',
    change: 'retention does not wait for the configuration of the topic',
    edits: [
      {
        file: 'src/log/manager/retention.ts',
        from: "if (!log.state.isConfigured) return mark('log.not-configured-yet');",
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/log/log-manager.test.ts',
      name: 'before the configuration of the topic is known',
    },
  },
  {
    number: 1187,
    bug: 'after a start a broker compacts logs of which it does not know the configuration yet',
    reference: 'sibling of row 1186',
    change: 'compaction does not wait for the configuration of the topic',
    edits: [
      {
        file: 'src/log/manager/log-manager.ts',
        from: 'if (log.state.isConfigured && this.#moves.of(log) === null) yield',
        to: 'if (this.#moves.of(log) === null) yield',
      },
    ],
    caughtBy: {
      test: 'test/log/log-manager.test.ts',
      name: 'before the configuration of the topic is known',
    },
  },
  {
    number: 1181,
    bug: 'after a change of leader ListOffsets returns a smaller end offset than before',
    reference: 'KIP-207, KAFKA-2334',
    change: 'a new leader returns its high watermark before it has reached the start of the leader epoch',
    edits: [
      {
        file: 'src/replication/partition-reads.ts',
        from: 'leaderState.epochStartOffset > log.highWatermark;',
        to: 'leaderState.epochStartOffset < 0;',
      },
    ],
    caughtBy: { world: 'cluster', invariant: 'I37' },
  },
  {
    number: 1182,
    bug: 'a search for a timestamp does not find the first record',
    reference: 'Kafka LogSegment.findOffsetByTimestamp',
    change: 'segments are searched from the newest to the oldest',
    edits: [
      {
        file: 'src/log/log-reader.ts',
        from: 'for (const segment of state.segments) {\n      if (segment.sizeBytes === 0 || (await segment.largestTimestamp()) < timestamp) continue;',
        to: 'for (const segment of [...state.segments].reverse()) {\n      if (segment.sizeBytes === 0 || (await segment.largestTimestamp()) < timestamp) continue;',
      },
    ],
    caughtBy: { world: 'cluster', invariant: 'I37' },
  },
  {
    number: 1183,
    bug: 'DeleteRecords is answered before the followers have deleted: after a change of leader the records are back',
    reference: 'Kafka DelayedDeleteRecords',
    change: 'the response does not wait for the followers',
    edits: [
      {
        file: 'src/broker/api/records/21-delete-records.ts',
        from: 'failure !== null || lowWatermark >= startOffset;',
        to: 'true;\n        lowWatermark = Math.max(lowWatermark, startOffset);',
      },
    ],
    caughtBy: { world: 'cluster', invariant: 'I38' },
  },
  {
    number: 1184,
    bug: 'DeleteRecords deletes records that nobody asked to delete',
    reference: 'Kafka UnifiedLog.deleteLogStartOffsetBreachedSegments',
    change: 'the segment that contains the new log start offset is removed too',
    edits: [
      {
        file: 'src/log/log-retention.ts',
        from: 'while (count < state.segments.length - 1 && state.endOfSegment(count) <= state.logStartOffset) count += 1;',
        to: 'while (count < state.segments.length - 1 && (state.segments[count]?.baseOffset ?? 0) < state.logStartOffset) count += 1;',
      },
    ],
    caughtBy: { world: 'cluster', invariant: 'I38' },
  },
  {
    number: 1185,
    bug: 'DeleteRecords never ends',
    reference: 'Kafka ReplicaFetcherThread: a follower takes the log start offset of its leader over',
    change: "a follower does not raise its log start offset to the leader's",
    edits: [
      {
        file: 'src/replication/follower/follower-offsets.ts',
        from: 'void this.#followLogStart(logStartOffset);',
        to: 'void 0;',
      },
    ],
    caughtBy: { world: 'cluster', invariant: 'L7' },
  },
];
