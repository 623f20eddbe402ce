/** Bugs of what a start expects in a partition's directory: segment checkpoints, transaction indexes, segments. */
const checkpointTest = 'test/log/segment-checkpoint.test.ts';
const interruptedTest = 'test/log/interrupted-start.test.ts';
const missingTest = 'test/log/missing-records.test.ts';
const indexesTest = 'test/log/recovery-indexes.test.ts';
const poolTest = 'test/log/file-pool.test.ts';

export const checkpointRows = [
  {
    number: 1346,
    bug: 'the copy of a replica stays on the disk when its move is cancelled: a sync creates a file while it is removed',
    reference: 'src/log/partition-directory.ts: a directory is not removed while it is used',
    change: 'the removal does not wait',
    edits: [
      {
        file: 'src/log/partition-directory.ts',
        from: 'return this.#whenUnused(() => fs.remove(this.#path));',
        to: 'return fs.remove(this.#path);',
      },
    ],
    caughtBy: {
      test: 'test/log/rename-interleavings.test.ts',
      name: 'the files of a deleted partition and of a copy are removed',
    },
  },
  {
    number: 1344,
    bug: 'records of another leader epoch that were put into a gap count as the missing ones',
    reference: 'src/log/recovery/missing-records.ts: one leader epoch, the same records',
    change: 'their leader epochs are not compared with those of the log',
    edits: [
      {
        file: 'src/log/recovery/missing-records.ts',
        from: 'if (!isNext || header.partitionLeaderEpoch !== state.epochs.epochAt(header.baseOffset)) return false;',
        to: 'if (!isNext) return false;',
      },
    ],
    caughtBy: { test: missingTest, name: 'is still missing when' },
  },
  {
    number: 1345,
    bug: 'a power cut takes records that were put back, and a start does not notice that they are gone',
    reference: 'src/log/segment-checkpoint.ts: everything that the file lists is durable',
    change: 'they are listed before they are synced',
    edits: [
      {
        file: 'src/log/recovery/missing-records.ts',
        from: '    await segment.use((file) => file.sync());\n',
        to: '',
      },
    ],
    caughtBy: { test: missingTest, name: 'is no longer missing' },
  },
  {
    number: 1342,
    bug: 'a start after kill -9 writes the epoch checkpoint of every log anew: 10,000 logs take twice as long',
    reference: 'the system calls of a start, counted',
    change: 'entries that were removed and added again count as changed',
    edits: [
      {
        file: 'src/log/leader-epoch-cache.ts',
        from: 'return this.#hasChanged && !isSame(this.#entries, this.#written);',
        to: 'return this.#hasChanged;',
      },
    ],
    caughtBy: { test: indexesTest, name: 'writes nothing to a log that was synced as a whole' },
  },
  {
    number: 1343,
    bug: 'a power cut takes partition.metadata of an empty log, and the topic id with it',
    reference: 'src/log/log-state.ts: partition.metadata is synced before the recovery point leaves 0',
    change: 'a log that begins anew at an offset above 0 syncs only its directory',
    edits: [
      {
        file: 'src/log/log-truncation.ts',
        from: '  await syncDirectoryEntries(state);\n',
        to: '  await state.resources.fs.syncDirectory(state.directory.path);\n  void syncDirectoryEntries;\n',
      },
    ],
    caughtBy: {
      test: indexesTest,
      name: 'partition.metadata is durable when an empty log has a recovery point',
    },
  },
  {
    number: 1340,
    bug: 'an append after a clean stop fails, and the log directory goes offline, when the last segment had to be read before',
    reference: 'found while the opens of a start were counted: EBADF after a missing index was rebuilt',
    change: 'a file that is open for reading is used for writes',
    edits: [
      {
        file: 'src/log/segment/file-pool.ts',
        from: "if (entry?.mode === 'read' && mode === 'write') {",
        to: "if (entry?.mode === 'read' && mode === 'write' && entry.doomed) {",
      },
    ],
    caughtBy: { test: poolTest, name: 'a file that is open for reading is opened again' },
  },
  {
    number: 1341,
    bug: 'a start opens the last segment of each log twice',
    reference:
      'src/log/recovery/segment-listing.ts: the check of the name and recovery use the same open file',
    change: 'the check of the name opens the file for reading',
    edits: [
      {
        file: 'src/log/recovery/segment-listing.ts',
        from: "segment.openMode = i < bases.length - 1 ? 'read' : 'write';",
        to: "segment.openMode = 'read';",
      },
    ],
    caughtBy: { test: indexesTest, name: 'a start opens the file of each segment once' },
  },
  {
    number: 1123,
    bug: 'a damaged segment checkpoint is told at each start',
    reference: 'a tester from outside',
    change: 'it is not written anew',
    edits: [
      {
        file: 'src/log/recovery/log-loading.ts',
        from: 'if (found.isCheckpointDamaged || found.misnamed',
        to: 'if (found.misnamed',
      },
    ],
    caughtBy: {
      test: checkpointTest,
      name: 'causes a warning at one start only',
    },
  },
  {
    number: 1124,
    bug: 'after a kill, aborted transactions count as durable that are only in the cache of the system',
    reference: 'src/log/segment-checkpoint.ts: everything that the file lists is durable',
    change: 'all entries that a start finds count as synced',
    edits: [
      {
        file: 'src/log/recovery/segment-listing.ts',
        from: 'return new TransactionIndex(entries, synced.length);',
        to: 'return new TransactionIndex(entries, Math.max(entries.length, synced.length));',
      },
    ],
    caughtBy: { test: checkpointTest, name: 'a start after a kill writes no transaction index' },
  },
  {
    number: 1125,
    bug: 'a start after a kill writes again what a transaction index has already, and a power cut can tear it',
    reference: 'src/log/segment/transaction-index.ts: written bytes are never written again',
    change: 'the list that a replay has found replaces the one that was read',
    edits: [
      {
        file: 'src/log/segment/transaction-index.ts',
        from: 'const same = other < 0 ? entries.length : other;',
        to: 'const same = Math.min(0, other);',
      },
    ],
    caughtBy: { test: checkpointTest, name: 'a start after a kill writes no transaction index' },
  },
  {
    number: 1126,
    bug: 'a segment that was being deleted when the power failed looks like a damaged transaction index',
    reference: 'random histories, seed 39002',
    change: 'segments in front of the first listed one count as whole',
    edits: [
      {
        file: 'src/log/recovery/segment-listing.ts',
        from: '!isLeftOver && (',
        to: '(',
      },
    ],
    caughtBy: { test: missingTest, name: 'was being deleted when the power failed' },
  },
  {
    number: 1127,
    bug: 'after a truncation, a clean stop and a power cut, removed entries of a transaction index are there again',
    reference: 'reading of closeCleanly',
    change: 'a truncation does not sync the transaction index',
    edits: [
      {
        file: 'src/log/log-truncation.ts',
        from: 'if (await segment.syncTransactions()) await',
        to: 'if (segment.sizeBytes < 0) await',
      },
    ],
    caughtBy: { test: checkpointTest, name: 'the entries that a truncation removes' },
  },
  {
    number: 1128,
    bug: 'two segments whose files were swapped are served: a consumer skips their records without a word',
    reference: 'a tester from outside',
    change: 'the first offset of a file is not compared with its name',
    edits: [
      {
        file: 'src/log/recovery/segment-listing.ts',
        from: 'if (header === null) return false;',
        to: 'if (header !== undefined) return false;',
      },
    ],
    caughtBy: { test: missingTest, name: 'swapped files' },
  },
  {
    number: 1129,
    bug: 'a partition whose directory was removed after kill -9 begins empty without a word',
    reference: 'a tester from outside',
    change: 'only a start after a clean stop tells it',
    edits: [
      {
        file: 'src/log/manager/log-manager.ts',
        from: 'if (!place.isNew) this.#directories.reportAbsent',
        to: 'if (place.isNew && topicId === name) this.#directories.reportAbsent',
      },
    ],
    caughtBy: { test: missingTest, name: 'is logged with its offsets when metadata have the partition' },
  },
  {
    number: 1460,
    bug: 'after a start that could not listen on its port, deleted records are there again',
    reference: 'found by reading: a stop before the logs are open wrote empty checkpoints',
    change: 'a stop writes the checkpoints of directories whose logs are not open',
    edits: [
      {
        file: 'src/log/directories/log-opening.ts',
        from: 'if (directory.isLoaded) for (const kind',
        to: 'for (const kind',
      },
    ],
    caughtBy: { test: interruptedTest, name: 'changes no checkpoint' },
  },
  {
    number: 1461,
    bug: 'after kill -9 and a start that could not listen on its port, nothing is recovered',
    reference: 'found by reading; LogManager.shutdown of Apache Kafka asks whether all logs were loaded',
    change: 'a stop marks directories as clean whose logs are not open',
    edits: [
      {
        file: 'src/log/directories/log-opening.ts',
        from: 'if (directory.isOffline || !(directory.isLoaded || directory.wasClean)) {',
        to: 'if (directory.isOffline) {',
      },
    ],
    caughtBy: { test: interruptedTest, name: 'a node that stops before it opens its logs' },
  },
  {
    number: 1462,
    bug: 'after a start that a file of a later release has ended, the next one counts as unclean',
    reference: 'a downgrade after an upgrade',
    change: 'a directory that was clean is not marked again when the start ends early',
    edits: [
      {
        file: 'src/log/directories/log-opening.ts',
        from: '!(directory.isLoaded || directory.wasClean)',
        to: '!directory.isLoaded',
      },
    ],
    caughtBy: { test: interruptedTest, name: 'changes no checkpoint' },
  },
  {
    number: 1463,
    bug: 'a stop during a recovery marks the directory as clean before all logs are recovered',
    reference: 'found by reading',
    change: 'a stop does not wait for the start, and the start does not ask whether a stop has begun',
    edits: [
      { file: 'src/log/manager/log-manager.ts', from: '    await this.#opening;\n', to: '' },
      { file: 'src/log/manager/log-manager.ts', from: 'if (this.#isStopping) return;', to: '' },
      {
        file: 'src/log/manager/log-manager.ts',
        from: 'isStopping: () => this.#isStopping,',
        to: 'isStopping: () => false && this.#isStopping,',
      },
    ],
    caughtBy: { test: interruptedTest, name: 'a stop during the start' },
  },
  {
    number: 1464,
    bug: 'a broker whose registration may have been recorded is taken for an old copy of its directories',
    reference: 'docs/decisions/0080-lost-records-and-leadership.md',
    change: 'a registration without an answer counts as not recorded',
    edits: [
      {
        file: 'src/server/controller/broker-lifecycle.ts',
        from: 'this.#mayBeRegistered = true;',
        to: 'this.#mayBeRegistered = mightBefore;',
      },
    ],
    caughtBy: {
      test: 'test/server/controller/broker-lifecycle.test.ts',
      name: 'the broker epoch of a shutdown',
    },
  },
];
