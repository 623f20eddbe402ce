/** Bugs of bounds: what any client that reaches a port could use up of a node without limit. */
const peers = 'src/adapters/grpc/peer-connections.ts';
const peersTest = 'test/adapters/peer-connections.test.ts';

export const boundRows = [
  {
    number: 971,
    bug: 'anybody sends 24 MiB on each of many streams before a hello is looked at',
    reference: 'reading of November 2026, section 6, row 13',
    change: 'the bytes of a connection without a hello are not counted',
    edits: [{ file: peers, from: ' || socket.bytesRead > strangerBytesMax', to: '' }],
    caughtBy: { test: peersTest, name: 'sends more than strangerBytesMax is closed' },
  },
  {
    number: 972,
    bug: 'connections without a hello stay for ever',
    reference: 'found with a thousand of them, 28 November 2026',
    change: 'the deadline is not checked',
    edits: [{ file: peers, from: 'nowMs - sinceMs >= this.#helloTimeoutMs || ', to: 'nowMs < sinceMs || ' }],
    caughtBy: { test: peersTest, name: 'without an accepted hello is closed' },
  },
  {
    number: 973,
    bug: 'idle connections without a hello keep other nodes out',
    reference: 'the same',
    change: 'the newest is closed, not the oldest',
    edits: [
      {
        file: peers,
        from: 'const [oldest] = this.#strangers.keys();',
        to: 'const oldest = [...this.#strangers.keys()].at(-1);',
      },
    ],
    caughtBy: { test: peersTest, name: 'the oldest above strangersMax are closed' },
  },
  {
    number: 974,
    bug: 'a client that opens many connections ends the node: its logs can open no file any more',
    reference: 'found with 300 connections and a low limit, 28 November 2026',
    change: 'connections of clients may take all files of the process',
    edits: [
      {
        file: 'src/server/open-files.ts',
        from: 'openFilesMax - Math.min(reservedMax, Math.ceil(openFilesMax / 2))',
        to: 'openFilesMax - Math.min(0, reservedMax)',
      },
    ],
    caughtBy: {
      test: 'test/server/open-files.test.ts',
      name: 'logs and connections share the files that a process may open',
    },
  },
  {
    number: 975,
    bug: 'an open that fails for lack of descriptors counts as a disk error',
    reference: 'the same',
    change: 'the open is not repeated',
    edits: [
      {
        file: 'src/adapters/patient-file-system.ts',
        from: "new Set(['EMFILE', 'ENFILE'])",
        to: 'new Set()',
      },
    ],
    caughtBy: { test: 'test/log/windows.test.ts', name: 'repeats an open that fails with' },
  },
  {
    number: 976,
    bug: 'a regular expression of 60 kB stops a node for seconds',
    reference: 'found by trying, 28 November 2026',
    change: 'only the length of an expression counts',
    edits: [
      {
        file: 'src/config/regex.ts',
        from: 'if (size > regexSizeMax)',
        to: 'if (pattern.length > regexSizeMax)',
      },
    ],
    caughtBy: { test: 'test/config/regex.test.ts', name: 'repetitions within each other' },
  },
  {
    number: 998,
    bug: 'an expression with a thousand optional groups takes 150 ms for each topic name',
    reference: 'found by a reader of its comment, 28 November 2026',
    change: 'a part that can match the empty text counts like a character',
    edits: [
      {
        file: 'src/config/regex.ts',
        from: 'const emptyMatchSize = 32;',
        to: 'const emptyMatchSize = 1;',
      },
    ],
    caughtBy: {
      test: 'test/config/regex.test.ts',
      name: 'a compiled expression of any form executes few instructions per character',
    },
  },
  {
    number: 977,
    bug: 'a snapshot of an epoch with 15 digits ends the node that installed it',
    reference: 'npm run fuzz, seed 75',
    change: 'any epoch that is a number is taken',
    edits: [
      { file: 'src/raft/messages.ts', from: 'epoch >= 0 && epoch <= max', to: 'epoch >= 0 && max >= 0' },
    ],
    caughtBy: {
      test: 'test/server/raft/snapshot-stream.test.ts',
      name: 'a snapshot with an epoch above epochMax, or above that of its sender, is refused',
    },
  },
  {
    number: 978,
    bug: 'a client of the HTTP pages that sends a byte now and then keeps its connection',
    reference: 'Node.js looks for overdue requests every 30 s',
    change: 'the interval is left as it is',
    edits: [
      { file: 'src/adapters/http.ts', from: '    connectionsCheckingInterval: checkIntervalMs,\n', to: '' },
      { file: 'src/adapters/http.ts', from: 'const checkIntervalMs = 1_000;\n', to: '' },
    ],
    caughtBy: { test: 'test/adapters/http.test.ts', name: 'a body' },
  },
  {
    number: 979,
    bug: 'a registration is matched by the id of its broker, not by its incarnation',
    reference: 'reliability of replication: the guards whose removal loses data',
    change: 'a known broker is always the same incarnation',
    edits: [
      {
        file: 'src/controller/registration.ts',
        from: 'const sameIncarnation = known !== undefined && known.incarnationId === request.incarnationId;',
        to: 'const sameIncarnation = known !== undefined;',
      },
    ],
    caughtBy: { test: 'test/controller/brokers.test.ts', name: 'a new incarnation is refused' },
  },
  {
    number: 980,
    bug: 'a new leader does not know the batches that it got as a follower, and appends their repetitions',
    reference: 'the same; Kafka ProducerStateManager.updateLastSeq',
    change: 'one batch of a producer is remembered',
    edits: [
      {
        file: 'src/log/producers/producer-state.ts',
        from: 'export const batchesRetained = 5;',
        to: 'export const batchesRetained = 1;',
      },
    ],
    caughtBy: {
      test: 'test/log/partition-log.test.ts',
      name: 'a follower that becomes leader detects duplicates of the last five batches of a producer',
    },
  },
  {
    number: 1173,
    bug: 'a client decides how long its request waits for the active controller',
    reference: 'docs/limits.md: deadlineMsMax',
    change: "the request's own time-out is the only bound",
    edits: [
      {
        file: 'src/broker/api/forwarded.ts',
        from: 'deadlineMs: Math.min(timeoutMs, deadlineMsMax)',
        to: 'deadlineMs: timeoutMs',
      },
    ],
    caughtBy: { test: 'test/broker/api/forwarded.test.ts', name: 'at most deadlineMsMax' },
  },
  {
    number: 1174,
    bug: 'the logs of all new replicas are created at once',
    reference: 'docs/limits.md: openingMax',
    change: 'every log may be created now',
    edits: [
      {
        file: 'src/replication/manager/log-opener.ts',
        from: 'if (this.#opening < openingMax) start();',
        to: 'if (this.#opening >= 0) start();',
      },
    ],
    caughtBy: { test: 'test/replication/log-opener.test.ts' },
  },
  {
    number: 1175,
    bug: 'indexes that are used are dropped as if they were not',
    reference: 'docs/limits.md: indexCacheBytesMax',
    change: 'a use does not count',
    edits: [
      {
        file: 'src/log/segment/index-cache.ts',
        from: 'this.#entries.delete(entry);\n    this.#entries.set(entry, sizeBytes);',
        to: '',
      },
    ],
    caughtBy: { test: 'test/log/index-cache.test.ts' },
  },
  {
    number: 1470,
    bug: 'clients that get status 404 and stay connected use up the open files of a node; no limit on connections counts them',
    reference: 'found by reading: every way out of the first word',
    change: 'the connection is not closed when the client does not close its side',
    edits: [
      {
        file: 'src/adapters/one-port.ts',
        from: 'whileOpen(socket, timeoutMs, () => socket.destroy());',
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/adapters/one-port.test.ts',
      name: 'a connection that got status 404 does not stay',
    },
  },
];
