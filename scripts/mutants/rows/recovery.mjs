/** Bugs of recovery after a crash and of its messages, and of the simulated disk and the faults that test it. */
const messagesTest = 'test/log/recovery-messages.test.ts';
const indexesTest = 'test/log/recovery-indexes.test.ts';
const transactionsTest = 'test/log/transaction-index.test.ts';
const checkpointTest = 'test/log/segment-checkpoint.test.ts';
const missingTest = 'test/log/missing-records.test.ts';
const diskTest = 'test/simulation/disk.test.ts';
const faultsTest = 'test/testing/checkers.test.ts';

export const recoveryRows = [
  {
    number: 930,
    bug: 'records after damage are removed, and the log message says that nothing needs to be done',
    reference: 'a reviewer; Kafka LogLoader warns of corruption',
    change: 'nothing checks the bytes after the damage',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'await lastOffsetAfter(segment, end + 1, state.nextOffset);',
        to: 'await lastOffsetAfter(segment, segment.sizeBytes, state.nextOffset);',
      },
    ],
    caughtBy: { test: messagesTest, name: 'an error names the offsets' },
  },
  {
    number: 931,
    bug: 'whole segments after a lost tail are deleted',
    reference: 'src/log/README.md: what follows a lost tail is kept',
    change: 'they are not kept under another name',
    edits: [{ file: 'src/log/recovery/log-loading.ts', from: '  await setAside(state, later);\n', to: '' }],
    caughtBy: { test: messagesTest, name: 'bytes of the segments behind the damage' },
  },
  {
    number: 932,
    bug: 'a damaged .txnindex shows aborted records to readers of committed ones',
    reference: 'a reviewer; Kafka TransactionIndex.sanityCheck',
    change: 'what can still be read of the file counts as all of it',
    edits: [
      {
        file: 'src/log/recovery/transaction-recovery.ts',
        from: "return { entries: [], fault: isTorn ? 'torn' : 'invalid entries' };",
        to: 'return { entries: salvageAborted(content, range), fault: isTorn ? null : null };',
      },
    ],
    caughtBy: { test: transactionsTest, name: 'a damaged transaction index is rebuilt' },
  },
  {
    number: 933,
    bug: 'a crash while .txnindex is made again leaves an empty one, which looks whole',
    reference: 'reading for row 932',
    change: 'the file is emptied and written in place',
    edits: [
      {
        file: 'src/log/segment/transaction-index.ts',
        from: '} else if (isOther) {',
        to: '} else if (isOther && from < 0) {',
      },
    ],
    caughtBy: { test: transactionsTest, name: 'is replaced by another list' },
  },
  {
    number: 934,
    bug: 'a full disk at the start is reported as "Database failed to open"',
    reference: 'a reviewer',
    change: 'the message of LevelDB is not read',
    edits: [
      {
        file: 'src/adapters/leveldb/level-error.ts',
        from: "codes.find(([words]) => words.test(message))?.[1] ?? 'EIO';",
        to: "codes.find(([words]) => words.test(code))?.[1] ?? 'EIO';",
      },
    ],
    caughtBy: { test: 'test/adapters/leveldb/level-error.test.ts', name: 'ENOSPC' },
  },
  {
    number: 935,
    bug: 'the simulated disk never loses synced bytes that were overwritten or cut off without a sync',
    reference: 'a reviewer',
    change: 'a power cut goes back to what was synced',
    edits: [
      {
        file: 'src/simulation/disk.ts',
        from: 'contentAfter(node.synced, node.unsynced, random)',
        to: 'contentAfter(node.synced, [], random)',
      },
    ],
    caughtBy: { test: diskTest, name: 'a power cut' },
  },
  {
    number: 936,
    bug: 'a sync of the simulated disk covers what is written while it lasts',
    reference: 'found while row 935 was written',
    change: 'what is durable is looked at when the sync ends',
    edits: [
      {
        file: 'src/simulation/slow-disk.ts',
        from: 'sync: () => synced(handle.beginSync()),',
        to: 'sync: () => synced(() => handle.sync()),',
      },
    ],
    caughtBy: { test: diskTest, name: 'does not include changes made during the sync' },
  },
  {
    number: 937,
    bug: 'a power cut of the simulated disk keeps both names of a renamed file, as no journal does',
    reference: 'found while row 935 was written',
    change: 'the old name stays',
    edits: [
      {
        file: 'src/simulation/power-loss.ts',
        from: '    if (alsoGone !== null) entries.delete(alsoGone);\n',
        to: '',
      },
    ],
    caughtBy: { test: diskTest, name: 'may undo a rename' },
  },
  {
    number: 938,
    bug: 'the end of one simulated fault disarms another one',
    reference: 'a newcomer',
    change: 'any fault that ends disarms the disk',
    edits: [
      {
        file: 'src/testing/cluster/budget.ts',
        from: 'if (arm !== null && this.forgetful === arm && this.isArmed)',
        to: 'if (this.isArmed)',
      },
    ],
    caughtBy: {
      test: faultsTest,
      name: 'the end of a write-error fault without a write does not disarm a power cut',
    },
  },
  {
    number: 939,
    bug: 'of two delays of the simulated network the first that is over ends both',
    reference: 'a newcomer',
    change: 'the network is fast again',
    edits: [
      {
        file: 'src/testing/cluster/faults.ts',
        from: 'if (this.delays.delete(slow)) this.setLatency();',
        to: 'this.delays.clear();\n      this.setLatency();',
      },
    ],
    caughtBy: { test: faultsTest, name: 'the network is slow until the last delay fault ends' },
  },
  {
    number: 940,
    bug: 'after the repair of a simulated node that died meanwhile, no other fault happens',
    reference: 'a newcomer',
    change: 'the repair does not notice that its node died',
    edits: [{ file: 'src/testing/cluster/faults.ts', from: '      ended(false);\n', to: '' }],
    caughtBy: {
      test: faultsTest,
      name: 'a repair ends when its node dies during the shutdown, and later repairs can begin',
    },
  },
  {
    number: 941,
    bug: 'of two cuts of one simulated link, the end of the first ends both',
    reference: 'sibling of row 939',
    change: 'a link is cut or not, without a count',
    edits: [
      {
        file: 'src/simulation/network.ts',
        from: 'const ends = directions.map(([from, to]) => this.partitions.cut(from, to));',
        to: 'const ends = directions.map(([from, to]) => {\n      this.partitions.cut(from, to);\n      return () => this.partitions.mend(from, to);\n    });',
      },
    ],
    caughtBy: { test: faultsTest, name: 'a link that was cut twice is cut until both faults end' },
  },
  {
    number: 942,
    bug: 'after a power cut records are not found by their time, and retention by time deletes them early',
    reference: 'the simulated disk, once it tore what was overwritten',
    change: 'with flush.messages the recovery point does not wait for the indexes',
    edits: [
      {
        file: 'src/log/log-flush.ts',
        from: 'if (!options.indexes || truncationCount !== state.truncationCount',
        to: 'if (truncationCount !== state.truncationCount',
      },
    ],
    caughtBy: { test: indexesTest, name: 'the recovery point waits for them' },
  },
  {
    number: 943,
    bug: 'the same, when a segment is sealed while the recovery point stands at its end',
    reference: 'the simulated disk, once it tore what was overwritten',
    change: 'a flush begins with the segment after the recovery point',
    edits: [
      {
        file: 'src/log/log-flush.ts',
        from: 'if (options.indexes && sealed?.hasUnsyncedIndex === true) {',
        to: 'if (options.indexes && sealed?.hasUnsyncedIndex === undefined) {',
      },
    ],
    caughtBy: { test: indexesTest, name: 'when a segment is sealed after a flush' },
  },
  {
    number: 944,
    bug: 'the same, when the process dies between the two',
    reference: 'the simulated disk, once it tore what was overwritten',
    change: 'a start does not check the segment before the recovery point',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: '  if (firstSegment.baseOffset >= recoveryPoint) await state.segments[first - 1]?.completeIndex();\n',
        to: '',
      },
    ],
    caughtBy: { test: indexesTest, name: 'when the start before it' },
  },
  {
    number: 946,
    bug: 'a power cut in the middle of a compaction gives back an old segment beside the one that replaces it',
    reference: 'reading, once the simulated disk kept changes of names in any order',
    change: 'the new segment takes its name before the removal of the old ones is synced',
    edits: [
      {
        file: 'src/log/compaction/compaction.ts',
        from: "  await fs.syncDirectory(state.directory.path);\n  await cleaned.rename('');",
        to: "  await cleaned.rename('');",
      },
    ],
    caughtBy: { test: 'test/log/compaction-crash.test.ts', name: 'a crash at any step' },
  },
  {
    number: 947,
    bug: 'the same at the start that completes the compaction',
    reference: 'reading, once the simulated disk kept changes of names in any order',
    change: 'the new segment takes its name before the removal of the old ones is synced',
    edits: [
      {
        file: 'src/log/recovery/log-swaps.ts',
        from: 'beside the segment that replaces it.\n  if (swaps.length > 0) await fs.syncDirectory(directory);',
        to: 'beside the one that replaces it.',
      },
    ],
    caughtBy: { test: 'test/log/compaction-crash.test.ts', name: 'a power cut during the start' },
  },
  {
    number: 948,
    bug: 'a kill in the middle of a compaction and a power cut during the start after it lose a segment',
    reference: 'test/log/compaction-crash.test.ts while it was written',
    change: 'the old segments are removed before the name of the new one is durable',
    edits: [
      {
        file: 'src/log/recovery/log-swaps.ts',
        from: 'must not be removed before it is.\n  if (swaps.length > 0) await fs.syncDirectory(directory);',
        to: 'must not be removed before it is.',
      },
    ],
    caughtBy: { test: 'test/log/compaction-crash.test.ts', name: 'a power cut during the start' },
  },
  {
    number: 990,
    bug: 'a deleted, emptied or altered .txnindex shows aborted records to readers of committed ones',
    reference: 'a reviewer; docs/decisions/0077-what-a-partition-must-have.md',
    change: 'the entries are not compared with the listed ones',
    edits: [
      {
        file: 'src/log/recovery/transaction-recovery.ts',
        from: 'return found.count === listed.count && found.crc === listed.crc;',
        to: 'return found.count >= 0 || listed.count >= 0;',
      },
    ],
    caughtBy: { test: transactionsTest, name: 'emptied' },
  },
  {
    number: 991,
    bug: 'after kill -9 a deleted .txnindex of the active segment is not noticed',
    reference: 'a reviewer; docs/decisions/0077-what-a-partition-must-have.md',
    change: 'a flush does not write the segment checkpoint',
    edits: [
      {
        file: 'src/log/log-flush.ts',
        from: 'if (options.indexes && truncationCount === state.truncationCount)\n    await',
        to: 'if (options.indexes && truncationCount < 0)\n    await',
      },
    ],
    caughtBy: { test: transactionsTest, name: 'deleted' },
  },
  {
    number: 992,
    bug: 'the segment checkpoint lists aborted transactions that a power cut takes away',
    reference: 'src/log/segment-checkpoint.ts: everything that the file lists is durable',
    change: 'entries that are only written are listed',
    edits: [
      {
        file: 'src/log/segment/transaction-index.ts',
        from: 'digestOf(this.#entries.slice(0, this.#syncedCount))',
        to: 'digestOf(this.#entries.slice(0, this.#writtenCount))',
      },
    ],
    caughtBy: { test: checkpointTest, name: 'random histories' },
  },
  {
    number: 993,
    bug: 'a crash in the middle of a compaction looks like damage',
    reference: 'src/log/segment-checkpoint.ts: unlisted before it is replaced',
    change: 'replaced segments stay listed',
    edits: [
      {
        file: 'src/log/compaction/compaction.ts',
        from: '  await unlistSegments(state, group);\n',
        to: '',
      },
    ],
    caughtBy: { test: 'test/log/compaction-crash.test.ts', name: 'a crash at any step' },
  },
  {
    number: 994,
    bug: 'after kill -9 segments that retention deleted look like lost records, and a follower is truncated for them',
    reference: 'src/log/segment-checkpoint.ts: unlisted before it is removed',
    change: 'deleted segments stay listed',
    edits: [
      {
        file: 'src/log/log-truncation.ts',
        from: '  await unlistSegments(state, removed);\n',
        to: '',
      },
    ],
    caughtBy: { test: missingTest, name: 'records that retention' },
  },
  {
    number: 995,
    bug: 'a deleted segment looks like compaction: a replica with a hole serves and leads',
    reference: 'a reviewer; docs/decisions/0077-what-a-partition-must-have.md',
    change: 'listed segments that are missing are not searched',
    edits: [
      {
        file: 'src/log/recovery/missing-records.ts',
        from: 'absentRanges(state, found.absent);',
        to: 'absentRanges(state, []);',
      },
    ],
    caughtBy: { test: missingTest, name: 'an inner segment is gone' },
  },
  {
    number: 996,
    bug: 'a follower with a hole is in sync at once, and never gets the lost records',
    reference: 'a reviewer; docs/decisions/0077-what-a-partition-must-have.md',
    change: 'it fetches from its log end offset',
    edits: [
      {
        file: 'src/replication/follower/follower-truncation.ts',
        from: 'return log.missingFrom ?? log.logEndOffset;',
        to: 'return log.logEndOffset;',
      },
    ],
    caughtBy: { test: 'test/replication/replica-fetcher.test.ts', name: 'a replica with lost records' },
  },
  {
    number: 997,
    bug: 'a replica that lost records while its broker was down stays eligible to lead',
    reference: 'KIP-966; docs/decisions/0077-what-a-partition-must-have.md',
    change: 'the broker registers as after a clean shutdown',
    edits: [
      {
        file: 'src/log/directories/log-directories.ts',
        from: '!isOffline && lost.size === 0 && previous',
        to: '!isOffline && lost.size >= 0 && previous',
      },
    ],
    caughtBy: { test: missingTest, name: 'is not valid when a log' },
  },
  {
    number: 1001,
    bug: 'a log that is shorter than its recovery point has a torn tail, and nothing needs to be done',
    reference: 'a reviewer',
    change: 'the recovery point is not compared',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'const isShort = nextOffset < recoveryPoint;',
        to: 'const isShort = nextOffset < Math.min(0, recoveryPoint);',
      },
    ],
    caughtBy: { test: missingTest, name: 'ends within a batch' },
  },
  {
    number: 999,
    bug: 'a leader that lost its first segment raises its log start offset, and its followers delete their records',
    reference: 'reading for row 995',
    change: 'the log starts at its first segment',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'Math.min(firstBase, missingFrom));',
        to: 'Math.max(firstBase, Math.min(0, missingFrom)));',
      },
    ],
    caughtBy: { test: missingTest, name: 'the first segment is gone' },
  },
  {
    number: 1000,
    bug: 'after kill -9 a topic that was deleted and made again loses its records: the old log start offset is above its end',
    reference: 'reading for row 995; Kafka LogManager.asyncDelete writes the checkpoints',
    change: 'the checkpoints name the deleted partition until they are written for another reason',
    edits: [
      {
        file: 'src/log/manager/log-manager.ts',
        from: '    await this.#checkpoints.forgetDeparted(directory, name);\n',
        to: '',
      },
    ],
    caughtBy: { test: missingTest, name: 'a recreated topic does not get' },
  },
  {
    number: 1002,
    bug: 'records are not found by their time: the end of a time index is missing, which looks valid without it',
    reference: 'a reviewer; Kafka TimeIndex.sanityCheck does not notice it either',
    change: 'the last entry of a loaded time index is not compared with the segment checkpoint',
    edits: [
      {
        file: 'src/log/segment/segment.ts',
        from: 'return time.lastTimestamp() !== this.#largestTimestamp;',
        to: 'return time.lastTimestamp() > this.#largestTimestamp;',
      },
    ],
    caughtBy: { test: 'test/log/repairs.test.ts', name: 'a time index truncated' },
  },
  {
    number: 1003,
    bug: 'a replica whose leader-epoch-checkpoint is gone knows only its last epoch',
    reference: 'a reviewer',
    change: 'a missing file is one without epochs',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'if (!isThere && !isDue) return',
        to: 'if (!isThere && (!isDue || isDue)) return',
      },
    ],
    caughtBy: { test: 'test/log/repairs.test.ts', name: 'when their checkpoint is' },
  },
  {
    number: 1004,
    bug: 'aborted records are shown when all files of a partition but its segments were deleted; Apache Kafka hides them',
    reference:
      'Kafka LogLoader.loadSegmentFiles: a segment without index is recovered with its transaction index',
    change: 'a missing index file is no hint',
    edits: [
      {
        file: 'src/log/recovery/segment-listing.ts',
        from: 'isUnknown ? unknownFault : read.fault',
        to: 'isUnknown && unknownFault === null ? unknownFault : read.fault',
      },
    ],
    caughtBy: { test: transactionsTest, name: 'all files but the segments' },
  },
  {
    number: 1005,
    bug: 'a compacted log is cut at its first gap when its leader-epoch-checkpoint is missing or damaged',
    reference: 'reading for row 1003',
    change: 'gaps are judged by the offset at which recovery begins',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'segment.baseOffset > state.nextOffset && segment.baseOffset > recoveryPoint',
        to: 'segment.baseOffset > state.nextOffset && segment.baseOffset > Math.min(0, recoveryPoint)',
      },
    ],
    caughtBy: { test: 'test/log/repairs.test.ts', name: 'from a compacted log, whose gaps' },
  },
  {
    number: 1101,
    bug: 'a lost segment is forgotten after a power cut when a transaction index was damaged too',
    reference: 'a reviewer; src/log/segment-checkpoint.ts, its invariant',
    change: 'the segment checkpoint is written before it is known what is missing',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: '      await findMissing(state, found);\n      await restoreTransactions(state, found);\n',
        to: '      await restoreTransactions(state, found);\n      await findMissing(state, found);\n',
      },
    ],
    caughtBy: { test: missingTest, name: 'after a transaction index was restored' },
  },
];
