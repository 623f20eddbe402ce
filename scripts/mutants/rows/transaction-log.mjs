/** Bugs of transactions in a partition's log. */
const filter = 'src/log/compaction/compaction-filter.ts';
const compaction = 'src/log/compaction/compaction.ts';
const cleaned = { test: 'test/log/compaction-transactions.test.ts', name: 'random histories' };
const state = 'src/log/producers/producer-state.ts';
const history = 'test/log/transaction-history.test.ts';
const transactions = 'test/log/transactions.test.ts';

export const transactionLogRows = [
  {
    number: 660,
    bug: 'read_committed readers see records of open transactions',
    reference: 'KIP-98; kop#1283 (PF-34)',
    change: 'the last stable offset is the high watermark',
    edits: [
      {
        file: 'src/log/partition-log.ts',
        from: 'return unstable === null ? highWatermark :',
        to: 'return unstable !== -2 ? highWatermark :',
      },
    ],
    caughtBy: {
      test: transactions,
      name: 'is the start of an open transaction until its marker is below the high watermark',
    },
  },
  {
    number: 661,
    bug: 'an ended transaction is stable before its marker is on all replicas in sync',
    reference: 'KAFKA-5355',
    change: 'a marker counts from its append on',
    edits: [
      {
        file: state,
        from: 'if (lastOffset === null || lastOffset >= highWatermark) return firstOffset;',
        to: 'if (lastOffset === null && highWatermark >= 0) return firstOffset;',
      },
    ],
    caughtBy: {
      test: transactions,
      name: 'is the start of an open transaction until its marker is below the high watermark',
    },
  },
  {
    number: 662,
    bug: 'a truncated marker still aborts its transaction',
    reference: 'LogSegment.truncateTo',
    change: 'the transaction index is not truncated',
    edits: [
      {
        file: 'src/log/segment/transaction-index.ts',
        from: '(entry) => entry.lastOffset < offset',
        to: '(entry) => entry.lastOffset < offset + 1e9',
      },
    ],
    caughtBy: {
      test: history,
      name: 'after a truncation of markers their transactions are open again, and not aborted',
    },
  },
  {
    number: 663,
    bug: 'after a restart an open transaction does not limit the last stable offset',
    reference: 'KIP-98, producer snapshots',
    change: 'a snapshot is read without its open transactions',
    edits: [
      {
        file: state,
        from: 'if (row.currentTxnFirstOffset >= 0) {',
        to: 'if (row.currentTxnFirstOffset >= 1e15) {',
      },
    ],
    caughtBy: { test: history, name: 'a clean shutdown' },
  },
  {
    number: 664,
    bug: 'aborted records are returned as committed: the list of aborted transactions has one segment only',
    reference: 'automq#754, redpanda#6630 (PF-35)',
    change: 'only the index of the segment that holds the first offset is read',
    edits: [
      {
        file: 'src/log/log-reader.ts',
        from: 'if (entries.some((entry) => entry.lastStableOffset >= to)) break;',
        to: 'if (entries.some((entry) => entry.lastStableOffset >= 0)) break;',
      },
    ],
    caughtBy: { test: history, name: 'a read of any range gets every aborted transaction that overlaps it' },
  },
  {
    number: 665,
    bug: 'aborted transactions are forgotten in a crash',
    reference: 'redpanda#6630 (PF-35)',
    change: 'recovery does not make the transaction index again',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'if (aborted !== null) transactions.push(aborted);',
        to: 'void aborted;',
      },
    ],
    caughtBy: { test: history, name: 'a crash, all segments' },
  },
  {
    number: 666,
    bug: 'a follower that becomes leader takes a retry for a new batch',
    reference: 'redpanda#3039 (PF-27)',
    change: 'followers do not record producers',
    edits: [
      {
        file: 'src/log/log-appender.ts',
        from: 'written = this.#enqueue(bytes, header, nowMs);\n    }\n    const lastLeaderEpoch',
        to: 'written = this.#enqueue(bytes, { ...header, producerId: -1 }, nowMs);\n    }\n    const lastLeaderEpoch',
      },
    ],
    caughtBy: {
      test: history,
      name: 'a follower has the same transactions, and detects a duplicate when it becomes leader',
    },
  },
  {
    number: 667,
    bug: 'records of a transaction that its coordinator does not know hang for ever',
    reference: 'KIP-890',
    change: 'a transaction begins without verification',
    edits: [
      {
        file: state,
        from: "if (verification === 'off' || this.#isOngoing",
        to: "if (verification !== 'on' || this.#isOngoing",
      },
    ],
    caughtBy: {
      test: transactions,
      name: 'the first batch of a transaction needs a verification, later ones need none',
    },
  },
  {
    number: 668,
    bug: 'the expiry of producers forgets an open transaction: its marker aborts nothing',
    reference: 'KAFKA-6119',
    change: 'expiry goes by time alone',
    edits: [
      {
        file: state,
        from: 'if (entry.currentTxnFirstOffset === null && nowMs - entry.lastSeenMs',
        to: 'if (nowMs - entry.lastSeenMs',
      },
    ],
    caughtBy: { test: transactions, name: 'a producer with an open transaction does not expire' },
  },
  {
    number: 669,
    bug: 'a former coordinator ends a transaction of its successor',
    reference: 'KIP-98, TRANSACTION_COORDINATOR_FENCED',
    change: 'the coordinator epoch is not recorded',
    edits: [{ file: state, from: 'entry.coordinatorEpoch = marker.coordinatorEpoch;', to: '' }],
    caughtBy: { test: transactions, name: 'a marker with an older coordinator epoch is refused' },
  },
  {
    number: 670,
    bug: 'a late marker of version 2 ends the next transaction',
    reference: 'KIP-890',
    change: 'the epoch of the transaction itself is taken for a marker',
    edits: [
      {
        file: state,
        from: '? epoch <= entry.producerEpoch && !isRepeated',
        to: '? epoch < entry.producerEpoch && !isRepeated',
      },
    ],
    caughtBy: { test: transactions, name: ', open: ' },
  },
  {
    number: 671,
    bug: 'an aborted record wins over the committed one of its key',
    reference: 'redpanda#6630, PF-114',
    change: 'compaction takes keys from aborted records',
    edits: [
      {
        file: 'src/log/compaction/compaction.ts',
        from: 'const skipped = aborted.isAborted(header) || header.isControl',
        to: 'const skipped = (aborted.isAborted(header) && range.end < 0) || header.isControl',
      },
    ],
    caughtBy: {
      test: 'test/log/compaction.test.ts',
      name: 'removes aborted records, which replace no others, and stops at an open transaction',
    },
  },
  {
    number: 672,
    bug: 'nothing is logged about a transaction that stays open, or a line each minute',
    reference: 'KIP-664',
    change: 'a late transaction is named at every look',
    edits: [
      {
        file: 'src/log/producers/producer-upkeep.ts',
        from: 'if (this.#warned.get(log) === firstOffset) return;',
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/log/log-manager.test.ts',
      name: 'a transaction that stays open is logged once, and counted until it ends',
    },
  },
  {
    number: 840,
    bug: 'compaction removes the marker of a transaction with records: after a recovery readers wait for ever',
    reference: 'KAFKA-8522, KIP-534',
    change: 'a marker is removed by its delete horizon alone',
    edits: [
      {
        file: filter,
        from: 'const isNeededMarker = hasBatches || header.baseOffset >= context.end;',
        to: 'const isNeededMarker = (hasBatches && context.end < 0) || header.baseOffset >= context.end;',
      },
    ],
    caughtBy: cleaned,
  },
  {
    number: 841,
    bug: 'a marker is removed with the records of its transaction: a reader that has the records waits for it',
    reference: 'KIP-534',
    change: 'the delete horizon of markers is not waited for',
    edits: [
      {
        file: filter,
        from: 'if (header.baseTimestamp > nowMs) return',
        to: 'if (header.baseTimestamp < 0) return',
      },
    ],
    caughtBy: {
      test: 'test/log/compaction.test.ts',
      name: "removes a marker and its index entry delete.retention.ms after its transaction's last record",
    },
  },
  {
    number: 842,
    bug: 'a transaction whose records and marker lie in different segments loses its marker',
    reference: 'Kafka Cleaner carries its transactions over all groups of segments',
    change: 'each group of segments begins without transactions',
    edits: [
      {
        file: compaction,
        from: 'const cleaned = await rewrite(state, group, context, throttle);',
        to: 'const cleaned = await rewrite(state, group, { ...context, transactions: new TransactionsWithBatches() }, throttle);',
      },
    ],
    caughtBy: cleaned,
  },
  {
    number: 843,
    bug: 'compaction keeps every marker of a coordinator for ever',
    reference: 'Kafka ProducerAppendInfo counts batches without sequence',
    change: 'batches without sequence are not the last ones of their producer',
    edits: [
      {
        file: state,
        from: '    if (entry.batches.length === batchesRetained) entry.batches.shift();\n    entry.batches.push({',
        to: '    if (entry.batches.length === batchesRetained) entry.batches.shift();\n    if (header.baseSequence >= 0) entry.batches.push({',
      },
    ],
    caughtBy: cleaned,
  },
  {
    number: 844,
    bug: 'compaction forgets an epoch: a fenced producer writes again after a recovery',
    reference: 'Kafka Cleaner, third case of batch retention',
    change: 'nothing is kept of a marker without which the epoch is not known',
    edits: [
      {
        file: filter,
        from: 'return { bytes: isLast ? rebuild(header, [], null) : null, isNeededMarker };',
        to: 'return { bytes: isLast && nowMs < 0 ? rebuild(header, [], null) : null, isNeededMarker };',
      },
    ],
    caughtBy: cleaned,
  },
  {
    number: 845,
    bug: 'the epoch in an emptied marker is not read: a fenced producer writes again after a recovery',
    reference: 'our own: Kafka 4.3 does not read it',
    change: 'emptied markers are skipped when a log is replayed',
    edits: [
      {
        file: 'src/log/recovery/log-replay.ts',
        from: '    producers.recordEmptiedMarker(header.producerId, header.producerEpoch, nowMs);\n',
        to: '',
      },
    ],
    caughtBy: cleaned,
  },
  {
    number: 846,
    bug: 'the transaction index grows for ever in a compacted topic',
    reference: 'Kafka CleanedTransactionMetadata',
    change: 'entries whose transaction has no batches are kept',
    edits: [
      {
        file: compaction,
        from: 'const entry = kept.isNeededMarker ? aborted.get(header.baseOffset) : undefined;',
        to: 'const entry = aborted.get(header.baseOffset);',
      },
    ],
    caughtBy: cleaned,
  },
  {
    number: 847,
    bug: 'compaction shows aborted records: the index is not rewritten with the segment',
    reference: 'redpanda#6630, PF-114',
    change: 'the cleaned segment has no aborted transactions',
    edits: [
      {
        file: compaction,
        from: 'if (entry !== undefined) cleaned.addAborted(entry);',
        to: 'if (entry !== undefined && entry.lastOffset < 0) cleaned.addAborted(entry);',
      },
    ],
    caughtBy: cleaned,
  },
  {
    number: 896,
    bug: 'a loss of power that tears the end of .txnindex shows aborted records of the segment',
    reference: 'simulated cluster, seed 49',
    change: 'entries that were synced are written again with new ones, and may be torn',
    edits: [
      {
        file: 'src/log/segment/transaction-index.ts',
        from: 'const from = this.#writtenCount;',
        to: 'const from = 0;',
      },
    ],
    caughtBy: {
      test: 'test/log/transaction-index.test.ts',
      name: 'has every synced entry after a power cut, or is known to be damaged',
    },
  },
  {
    number: 897,
    bug: 'a flush ends before the list of aborted transactions is written',
    reference: 'reading after seed 49 of the simulated cluster',
    change: 'writes are not queued',
    edits: [
      {
        file: 'src/log/segment/transaction-index.ts',
        from: 'this.#writing = this.#writing.then(() => this.#write(fs, path, sync));',
        to: 'this.#writing = this.#write(fs, path, sync);',
      },
    ],
    caughtBy: {
      test: 'test/log/transaction-index.test.ts',
      name: 'is flushed only when a write in progress has ended',
    },
  },
];
