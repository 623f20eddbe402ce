/** Bugs of the tools. */
const shellTest = 'test/cli/kafka-metadata-shell.test.ts';

export const toolRows = [
  {
    number: 1392,
    bug: 'a record that was refused for its size is waited for by flush for ever',
    reference: 'kafka-console-producer with a large line',
    change: 'the refused record is not counted as settled',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: '      this.settle([outcome]);\n      return;',
        to: '      return;',
      },
    ],
    caughtBy: { test: 'test/client/producer.test.ts', name: 'larger than max.request.size' },
  },
  {
    number: 1391,
    bug: 'kafka-reassign-partitions --execute fails while a broker that has a replica is down',
    reference: 'Apache Kafka asks only brokers in the metadata; tried with SIGSTOP',
    change: 'brokers that are not in the metadata are asked too',
    edits: [
      {
        file: 'src/cli/reassign/kafka-reassign-partitions-requests.ts',
        from: 'if (!(await isLiving(broker))) return [];\n',
        to: '',
      },
    ],
    caughtBy: { test: 'test/cli/kafka-reassign-partitions.test.ts', name: 'are read from the live brokers' },
  },
  {
    number: 890,
    bug: 'a dump of metadata shows what an aborted metadata transaction wrote',
    reference: 'KIP-868',
    change: 'an abort ends the transaction like a commit',
    edits: [
      {
        file: 'src/cli/metadata-shell/load-image.ts',
        from: "else if (record.type === 'AbortTransactionRecord') this.#pending = null;\n    else if (record.type === 'EndTransactionRecord') {",
        to: "else if (record.type === 'EndTransactionRecord' || record.type === 'AbortTransactionRecord') {",
      },
    ],
    caughtBy: { test: shellTest, name: 'are applied only when it has ended' },
  },
  {
    number: 891,
    bug: 'entries behind a snapshot are skipped',
    reference: 'kafka-metadata-shell of a directory',
    change: 'entries of the log count only below the end of the snapshot',
    edits: [
      {
        file: 'src/cli/metadata-log/metadata-batches.ts',
        from: 'if (offset < endOffset || kind',
        to: 'if (offset >= endOffset || kind',
      },
    ],
    caughtBy: { test: shellTest, name: 'shows its snapshot with the log after it' },
  },
  {
    number: 892,
    bug: 'integers of 64 bits lose their last digits in JSON',
    reference: 'metadataHash of KIP-1101 in kafka-dump-log',
    change: 'they are rounded as numbers are',
    edits: [
      {
        file: 'src/cli/text/message-json.ts',
        from: 'if (Number.isSafeInteger(rounded)) return rounded;',
        to: 'if (Number.isFinite(rounded)) return rounded;',
      },
    ],
    caughtBy: { test: 'test/cli/kafka-dump-log.test.ts', name: 'are printed with all digits' },
  },
  {
    number: 893,
    bug: 'replicas are compared beyond the high watermark',
    reference: 'kafka-replica-verification: what is not committed may differ',
    change: 'the high watermark is not compared',
    edits: [
      {
        file: 'src/cli/replicas/compare-replicas.ts',
        from: 'batch === undefined || batch.lastOffset >= highWatermark',
        to: 'batch === undefined',
      },
    ],
    caughtBy: { test: 'test/cli/compare-replicas.test.ts', name: 'up to the high watermark' },
  },
  {
    number: 1168,
    bug: 'bendemann doctor wants the voters of a file that are invalid themselves in the other files too',
    reference: 'a reader, 28 November 2026',
    change: 'the first file is compared with, whatever its voters',
    edits: [
      {
        file: 'src/cli/bendemann/doctor.ts',
        from: 'nodes.find(({ problems }) => !problems.some(({ keys }) => keys.includes(key)))',
        to: 'nodes.at(0)',
      },
    ],
    caughtBy: { test: 'test/cli/doctor.test.ts', name: 'when no file has valid ones' },
  },
];
