/** Bugs of the partition logs: indexes, disks that fail, recovery, retention, compaction, bounds. */
const readerTest = 'test/log/log-reader.test.ts';
const managerTest = 'test/log/log-manager.test.ts';
const compactionTest = 'test/log/compaction.test.ts';

export const storageRows = [
  {
    number: 904,
    bug: 'the index of a compaction that did not happen takes the place of the index of the old segment',
    reference: 'a power cut between the renames to .swap',
    change: 'an index is renamed even when its log was not',
    edits: [
      {
        file: 'src/log/recovery/log-swaps.ts',
        from: 'if (unswapped.has(swap.offset)) await',
        to: 'if (false) await',
      },
    ],
    caughtBy: {
      test: 'test/log/compaction-crash.test.ts',
      name: 'a .swap index without its .swap log never takes the place of the old index',
    },
  },
  {
    number: 760,
    bug: 'a reader of a compacted log rebuilds the index at each gap',
    reference: 'review-1 §6.2: 66 rebuilds in 67 reads',
    change: 'a remembered position is checked like an index entry',
    edits: [
      {
        file: 'src/log/log-reader.ts',
        from: 'return { position: hint.position, slackBytes: 0, isIndexed: false };',
        to: 'return { position: hint.position, slackBytes: 0, isIndexed: true };',
      },
    ],
    caughtBy: { test: compactionTest, name: 'rebuild of the index' },
  },
  {
    number: 761,
    bug: 'batches appended during the rebuild of an active index are missing from it',
    reference: 'review-1 §6.2',
    change: 'the rebuild does not take the writer’s lock',
    edits: [
      {
        file: 'src/log/partition-log.ts',
        from: 'this.#writer.exclusive(body).catch((error: unknown) =>',
        to: 'body().catch((error: unknown) =>',
      },
    ],
    caughtBy: {
      test: readerTest,
      name: 'a rebuilt index of the active segment has the batches that were appended during the rebuild',
    },
  },
  {
    number: 762,
    bug: 'a truncation follows a wrong index into the middle of a batch',
    reference: 'found while row 600 was mended',
    change: 'the position from the index is not checked',
    edits: [
      {
        file: 'src/log/segment/segment.ts',
        from: 'if (await this.holdsBatchAt(position, offset)) return position;',
        to: 'if (position >= 0) return position;',
      },
    ],
    caughtBy: {
      test: readerTest,
      name: 'a search by time and a truncation give the right result with a wrong index',
    },
  },
  {
    number: 763,
    bug: 'a bug in a background task takes the log directory offline, at each start again',
    reference: 'review-1 §2.2, decision 64',
    change: 'any exception counts as a disk error',
    edits: [
      {
        file: 'src/log/manager/background-tasks.ts',
        from: 'if (error instanceof StorageError) log.fail(error);',
        to: 'if (error instanceof Error) log.fail(error as StorageError);',
      },
    ],
    caughtBy: {
      test: managerTest,
      name: 'an exception in a background task is logged; no directory goes offline, other logs are served',
    },
  },
  {
    number: 764,
    bug: 'an invalid argument of our own code counts as a disk error',
    reference: 'decision 64',
    change: 'every error is a StorageError',
    edits: [
      {
        file: 'src/adapters/file-system.ts',
        from: 'return new SystemFileHandle(await call<number>((done) => fs.open(path, flags, 0o644, done)), path);',
        to: `const file = new SystemFileHandle(await call<number>((done) => fs.open(path, flags, 0o644, done)), path);
    const read = file.read.bind(file);
    file.read = async (...args) =>
      read(...args).catch((error) => {
        throw new StorageError('EIO', String(error));
      });
    return file;`,
      },
    ],
    caughtBy: {
      test: 'test/adapters/file-system.test.ts',
      name: 'errors of the operating system are StorageErrors',
    },
  },
  {
    number: 765,
    bug: 'retention of a whole log beside a truncation ends the process, before that the directory',
    reference: 'review-1 §6.3',
    change: 'the log is rolled while it is truncated',
    edits: [
      {
        file: 'src/log/partition-log.ts',
        from: 'if (this.#truncating > 0) return 0;',
        to: 'if (this.#truncating > 1e9) return 0;',
      },
    ],
    caughtBy: {
      test: managerTest,
      name: 'retention of all records that meets a truncation deletes nothing before its next run',
    },
  },
  {
    number: 766,
    bug: 'one segment holds more keys than the map of a compaction may',
    reference: 'review-1 §6.4',
    change: 'the size of the map is checked between segments only',
    edits: [
      {
        file: 'src/log/compaction/compaction.ts',
        from: 'if (keys.isFull) {',
        to: 'if (keys.isFull && range.end < 0) {',
      },
    ],
    caughtBy: { test: compactionTest, name: 'ends a pass within a segment when the bound of' },
  },
  {
    number: 767,
    bug: 'a small batch unpacks to 128 MiB on the event loop',
    reference: 'review-1 §5',
    change: 'the codecs’ own bound is the only one',
    edits: [
      {
        file: 'src/log/records/append-validation.ts',
        from: 'contentOf(bytes, header, unpackedBytesMax(config))',
        to: 'contentOf(bytes, header, unpackedBytesMax(config) * 8)',
      },
    ],
    caughtBy: { test: 'test/log/partition-log.test.ts', name: 'batches that unpack' },
  },
  {
    number: 768,
    bug: 'a request with a large batch for each of many partitions holds the event loop',
    reference: 'decision 65',
    change: 'all partitions are appended to in one turn',
    edits: [
      {
        file: 'src/broker/api/records/00-produce.ts',
        from: 'if (slices.isOver) return this.#appendLater(steps, slices);',
        to: 'if (slices.isOver && verified === null) return this.#appendLater(steps, slices);',
      },
    ],
    caughtBy: { test: 'test/broker/api/00-produce.test.ts', name: 'in slices' },
  },
  {
    number: 769,
    bug: 'a start after a crash syncs all segments',
    reference: 'review-1 §6.15: 59 syncs for 58 segments',
    change: 'the recovery point is forgotten',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'state.recoveryPoint = Math.min(recoveryPoint, state.logEndOffset);',
        to: 'state.recoveryPoint = 0;',
      },
    ],
    caughtBy: { test: 'test/log/recovery.test.ts', name: 'syncs segments from it on only' },
  },
  {
    number: 781,
    bug: 'after a move between log directories a replica holds records that were truncated',
    reference: 'found by reading: a truncation that the copy had not followed was forgotten at a clean stop',
    change: 'the copy of an earlier run is kept as it is',
    edits: [
      {
        file: 'src/log/directories/log-moves.ts',
        from: 'if (copyPath !== null) move.truncated(sharedEnd(log, move.copy));',
        to: 'void sharedEnd;',
      },
    ],
    caughtBy: {
      test: 'test/log/log-moves.test.ts',
      name: 'applies after a restart a truncation that the copy had not applied before the shutdown',
    },
  },
  {
    number: 782,
    bug: 'retention and checkpoints of 10,000 logs hold the event loop',
    reference: 'review-1 §5: 116 ms for 10,000 logs',
    change: 'a loop takes all logs in one turn',
    edits: [
      {
        file: 'src/log/manager/concurrency.ts',
        from: 'if (taken === logsPerTurnMax) {',
        to: 'if (taken > 1e9) {',
      },
    ],
    caughtBy: { test: 'test/log/turns.test.ts', name: 'every loop over all logs' },
  },
  {
    number: 783,
    bug: 'a stop of 10,000 idle logs holds the event loop',
    reference: 'sibling of review-1 §5',
    change: 'one worker waits for the next turn, the others go on',
    edits: [
      {
        file: 'src/log/manager/concurrency.ts',
        from: 'turn = turn.then(() => yieldTurn(scheduler));\n      await turn;',
        to: 'await yieldTurn(scheduler);',
      },
    ],
    caughtBy: { test: 'test/log/turns.test.ts', name: 'several at a time' },
  },
  {
    number: 784,
    bug: 'flush.messages has no effect',
    reference: 'Kafka UnifiedLog.append',
    change: 'the number of records is not checked',
    edits: [
      {
        file: 'src/log/log-writer.ts',
        from: '(last.lastOffset - first.firstOffset + 1) >= flushMessages;',
        to: '(last.lastOffset - first.firstOffset + 1) > 1e15 + flushMessages;',
      },
    ],
    caughtBy: { test: 'test/log/flush.test.ts', name: 'records are counted, not batches' },
  },
  {
    number: 785,
    bug: 'flush.messages counts batches',
    reference: 'Kafka UnifiedLog.unflushedMessages',
    change: 'a batch counts as one record',
    edits: [
      {
        file: 'src/log/log-writer.ts',
        from: 'this.#unsyncedRecords += last.lastOffset - first.firstOffset + 1;',
        to: 'this.#unsyncedRecords += items.length;',
      },
    ],
    caughtBy: { test: 'test/log/flush.test.ts', name: 'records are counted, not batches' },
  },
  {
    number: 786,
    bug: 'records that flush.messages syncs are acknowledged before the sync',
    reference: 'durability: acknowledged means synced',
    change: 'the log end offset moves with the write',
    edits: [
      {
        file: 'src/log/log-writer.ts',
        from: 'if (!syncs) this.#advance(items, from, to);',
        to: 'this.#advance(items, from, to);',
      },
    ],
    caughtBy: { test: 'test/log/flush.test.ts', name: 'does not move before the sync' },
  },
  {
    number: 787,
    bug: 'flush.ms has no effect',
    reference: 'Kafka LogManager.flushDirtyLogs',
    change: 'no log is ever due',
    edits: [
      {
        file: 'src/log/partition-log.ts',
        from: 'sinceMs < state.config.flushMs) return;',
        to: 'sinceMs < 1e15) return;',
      },
    ],
    caughtBy: {
      test: 'test/log/flush.test.ts',
      name: 'records are synced once when it has passed, and later records again',
    },
  },
  {
    number: 872,
    bug: 'log.flush.scheduler.interval.ms is accepted and not honoured',
    reference: 'Kafka LogManager.startupWithConfigOverrides',
    change: 'the interval is a constant',
    edits: [
      {
        file: 'src/log/manager/scheduled-tasks.ts',
        from: 'Math.max(1, settings.flushCheckIntervalMs)',
        to: 'Math.max(writeBehindIntervalMs, settings.flushCheckIntervalMs)',
      },
    ],
    caughtBy: {
      test: 'test/log/flush.test.ts',
      name: 'log.flush.scheduler.interval.ms sets how often it is checked',
    },
  },
  {
    number: 873,
    bug: "a client makes its own time look like the broker's",
    reference: 'Kafka LogValidator.validateTimestamp',
    change: 'the timestamp type of the batch is not checked',
    edits: [
      {
        file: 'src/log/records/record-inspection.ts',
        from: 'this.#isMistyped = this.#batchTime !== null && (!checksTime || this.#batchTime === -1);',
        to: 'this.#isMistyped = false;',
      },
    ],
    caughtBy: { test: 'test/log/record-errors.test.ts', name: 'the broker stamps' },
  },
  {
    number: 870,
    bug: 'a batch marked LogAppendTime escapes the bounds on time',
    reference: 'Kafka LogValidator.validateTimestamp',
    change: 'the timestamp of the batch is not checked',
    edits: [
      {
        file: 'src/log/records/record-inspection.ts',
        from: "this.#batchTime = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : null;",
        to: 'this.#batchTime = null;',
      },
    ],
    caughtBy: { test: 'test/log/record-errors.test.ts', name: 'its own time is late' },
  },
  {
    number: 871,
    bug: 'recovery points do not follow: a start after a crash reads up to a whole segment of each log',
    reference: 'decision 72',
    change: 'no log has too much behind its recovery point',
    edits: [
      {
        file: 'src/log/manager/write-behind.ts',
        from: 'log.unsyncedBytes >= unsyncedBytesMax',
        to: 'log.unsyncedBytes >= 1e15 + unsyncedBytesMax',
      },
    ],
    caughtBy: { test: 'test/log/flush.test.ts', name: 'behind its recovery point is synced' },
  },
  {
    number: 874,
    bug: 'retention takes all records, and after a restart the log begins at offset 0 again',
    reference: 'found by random moves with long histories',
    change: 'an empty segment has no file',
    edits: [
      {
        file: 'src/log/log-truncation.ts',
        from: 'if (state.active.sizeBytes === 0) await makeEmptySegment(state);',
        to: '',
      },
      {
        file: 'src/log/log-truncation.ts',
        from: 'if (offset > 0) await makeEmptySegment(state);',
        to: 'void makeEmptySegment;',
      },
    ],
    caughtBy: { test: 'test/log/empty-log.test.ts', name: 'a power cut at any step of the removal' },
  },
  {
    number: 1051,
    bug: 'a consumer that reads a log while it is compacted takes the log directory offline',
    reference: 'simulated cluster, seed 51, once it compacted',
    change: 'a segment is opened by its new name before it has it',
    edits: [
      {
        file: 'src/log/segment/segment.ts',
        from: 'if (this.#renaming !== null) return this.#renaming.then(() => this.use(body));',
        to: '',
      },
    ],
    caughtBy: { test: 'test/log/renames.test.ts', name: 'the renames of a compaction succeed' },
  },
  {
    number: 1052,
    bug: 'the same while its files move to another log directory',
    reference: 'sibling of row 1051',
    change: 'a read does not wait for a rename of the directory',
    edits: [
      {
        file: 'src/log/partition-directory.ts',
        from: 'if (this.#changing !== null) return this.#changing.then(() => this.using(body));',
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/log/renames.test.ts',
      name: 'the renames of a move to another log directory succeed',
    },
  },
  {
    number: 1120,
    bug: 'a flush beside a move to another log directory takes the old directory offline',
    reference: 'a reviewer',
    change: 'a rename of the directory does not wait for a flush in progress',
    edits: [
      {
        file: 'src/log/partition-directory.ts',
        from: 'while (this.#usesCount > 0) {',
        to: 'while (this.#usesCount < 0) {',
      },
    ],
    caughtBy: { test: 'test/log/renames.test.ts', name: 'moves to another log directory' },
  },
  {
    number: 1121,
    bug: 'a replica that moves forgets which records it has lost',
    reference: 'sibling of row 1120',
    change: 'the segment checkpoint of the old directory is taken for that of the new one',
    edits: [
      {
        file: 'src/log/segment-checkpoint.ts',
        from: 'if (directory === state.directory) state.segmentCheckpoint = text;',
        to: 'if (directory !== undefined) state.segmentCheckpoint = text;',
      },
    ],
    caughtBy: {
      test: 'test/log/renames.test.ts',
      name: 'a segment checkpoint that is written during the move',
    },
  },
  {
    number: 1053,
    bug: 'a flipped bit in a record of a compacted topic becomes a valid record',
    reference: 'simulated cluster, seed 6, once it compacted',
    change: 'compaction copies records without a look at the checksum of their batch',
    edits: [
      {
        file: 'src/log/compaction/compaction.ts',
        from: 'const result = await segment.scan(0, true, visit, pause);\n    await pause();\n    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);\n    if',
        to: 'const result = await segment.scan(0, false, visit, pause);\n    await pause();\n    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);\n    if',
      },
      {
        file: 'src/log/compaction/compaction.ts',
        from: 'const result = await segment.scan(0, true, visit, pause);\n    await pause();\n    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);\n  }',
        to: 'const result = await segment.scan(0, false, visit, pause);\n    await pause();\n    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);\n  }',
      },
    ],
    caughtBy: {
      test: 'test/log/compaction.test.ts',
      name: 'a log with a damaged record is not compacted, and its bytes do not change',
    },
  },
  {
    number: 1011,
    bug: 'a log that is truncated to another start while it is synced takes its directory offline',
    reference: 'test/log/log-moves.test.ts, seed 1801482911',
    change: 'a file that is missing in a sync is always an error',
    edits: [
      {
        file: 'src/log/log-flush.ts',
        from: '!segment.isLeaving && state.segments.includes(segment)',
        to: 'segment !== null',
      },
    ],
    caughtBy: {
      test: 'test/log/flush.test.ts',
      name: 'of segments that truncateFullyAndStartAt removes is not a disk error',
    },
  },
  {
    number: 1012,
    bug: 'a copy that is removed while it is synced takes its directory offline',
    reference: 'reading for row 1011',
    change: 'a closed log fails like an open one',
    edits: [
      {
        file: 'src/log/log-writer.ts',
        from: '      if (state.isClosed && isGone(error)) return;\n      throw',
        to: '      throw',
      },
    ],
    caughtBy: { test: 'test/log/flush.test.ts', name: 'of a copy whose files are removed' },
  },
  {
    number: 1013,
    bug: 'a disk that fails under a partition that is being deleted is not noticed',
    reference: 'a reviewer of rows 1011 and 1012',
    change: 'any error of a closed log is taken for a file that is gone',
    edits: [
      {
        file: 'src/log/log-flush.ts',
        from: "(error.code === 'ENOENT' || error.code === 'EBADF')",
        to: "error.code !== ''",
      },
    ],
    caughtBy: {
      test: 'test/log/flush.test.ts',
      name: 'that fails while the partition is being deleted is a disk error',
    },
  },
];
