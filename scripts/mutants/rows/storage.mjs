/** Bugs of the partition logs: indexes, disks that fail, recovery, retention, compaction, bounds. */
const readerTest = 'test/log/log-reader.test.ts';
const compactionTest = 'test/log/compaction.test.ts';

export const storageRows = [
  {
    number: 600,
    bug: 'a reader of a compacted log takes where it went on for an index entry, and rebuilds the index at each gap',
    reference: 'review-1 §6.2: 66 rebuilds in 67 reads',
    change: 'a hint is checked as an index entry is',
    edits: [
      {
        file: 'src/log/log-reader.ts',
        from: 'return { position: hint.position, slackBytes: 0, isIndexed: false };',
        to: 'return { position: hint.position, slackBytes: 0, isIndexed: true };',
      },
    ],
    caughtBy: { test: compactionTest, name: 'without doubting the index' },
  },
  {
    number: 601,
    bug: 'what is appended while the index of the active segment is rebuilt is missing from it',
    reference: 'review-1 §6.2',
    change: 'the rebuild does not take the writer’s lock',
    edits: [
      {
        file: 'src/log/partition-log.ts',
        from: 'this.#writer.exclusive(body).catch((error: unknown) =>',
        to: 'body().catch((error: unknown) =>',
      },
    ],
    caughtBy: { test: readerTest, name: 'with all that is appended meanwhile' },
  },
  {
    number: 602,
    bug: 'a truncation follows a wrong index into the middle of a batch',
    reference: 'found while row 600 was mended',
    change: 'where the index leads is not looked at',
    edits: [
      {
        file: 'src/log/segment.ts',
        from: 'if (await this.holdsBatchAt(position, offset)) return position;',
        to: 'if (position >= 0) return position;',
      },
    ],
    caughtBy: { test: readerTest, name: 'do not believe a wrong index' },
  },
];
