/** Bugs in what operators see and set: logs, levels, configuration, metrics; and bugs with the rules of Windows. */
const windows = 'test/log/windows.test.ts';
const consoleLogger = 'test/adapters/console-logger.test.ts';

export const operationsRows = [
  {
    number: 1422,
    bug: 'a counter that a client pushes as changes shows the last change',
    reference: 'KIP-714: the broker asks for delta temporality',
    change: 'a change replaces the value',
    edits: [
      {
        file: 'src/broker/pushed-metrics.ts',
        from: 'isDelta ? sumOf(known.value, value) : value',
        to: 'value',
      },
    ],
    caughtBy: { test: 'test/broker/pushed-metrics.test.ts', name: 'changes are added up' },
  },
  {
    number: 1423,
    bug: 'one client instance fills the memory of a broker with series',
    reference: 'docs/limits.md',
    change: 'the series of an instance are not bounded',
    edits: [
      {
        file: 'src/broker/pushed-metrics.ts',
        from: 'instance.series.size >= clientSeriesPerInstanceMax ||',
        to: 'clientSeriesPerInstanceMax < 0 ||',
      },
    ],
    caughtBy: { test: 'test/broker/pushed-metrics.test.ts', name: 'clientSeriesPerInstanceMax' },
  },
  {
    number: 1424,
    bug: 'few bytes of a push take the event loop for long, as each message inside costs time',
    reference: 'docs/limits.md',
    change: 'messages inside are not counted',
    edits: [
      {
        file: 'src/broker/otlp.ts',
        from: 'if (this.#elementsLeft-- <= 0) throw',
        to: 'if (this.#elementsLeft < 0) throw',
      },
    ],
    caughtBy: { test: 'test/broker/otlp.test.ts', name: 'more messages inside than elementsMax' },
  },
  {
    number: 1420,
    bug: 'a node with authorizer.class.name starts and lets every client do everything',
    reference: 'docs/decisions/0082',
    change: 'the class of an authorizer is accepted',
    edits: [
      {
        file: 'src/config/parse-values.ts',
        from: "if (name === '' || isOpenToAll) return;",
        to: "if (name === '' || name !== null || isOpenToAll) return;",
      },
    ],
    caughtBy: { test: 'test/config/protection.test.ts', name: 'clients may do what the file forbids' },
  },
  {
    number: 1421,
    bug: 'a broker sends requests in plain text to a controller listener that is configured for TLS',
    reference: 'docs/decisions/0082',
    change: 'the protocol of the controller listener is not looked at',
    edits: [
      {
        file: 'src/config/validate.ts',
        from: "if (protocol !== 'PLAINTEXT')\n      yield",
        to: "if (protocol === '')\n      yield",
      },
    ],
    caughtBy: { test: 'test/config/protection.test.ts', name: 'without the protocol of their listener' },
  },
  {
    number: 880,
    bug: 'on Windows a segment can not be renamed while its file is in the pool',
    reference: 'found by the suite of the log on simulation/windows-disk.ts; KAFKA-1194',
    change: 'the file stays open',
    edits: [
      {
        file: 'src/log/segment/segment.ts',
        from: '// Windows does not rename open files.\n    await this.#resources.files.release(this);',
        to: '',
      },
    ],
    caughtBy: {
      test: windows,
      name: 'no operation of the log manager renames or removes a file that it has open',
    },
  },
  {
    number: 881,
    bug: 'on a file system that ignores case, topics Orders and orders share one directory',
    reference: 'found by test/log/windows.test.ts',
    change: 'nothing checks whether the directory exists',
    edits: [
      {
        file: 'src/log/directories/new-directories.ts',
        from: 'if ((await fs.stat(path).catch(() => null)) === null) return;',
        to: 'return;',
      },
    ],
    caughtBy: { test: windows, name: 'differ only in case' },
  },
  {
    number: 882,
    bug: 'a rename that a virus scanner delays fails for good',
    reference: 'npm/cli graceful-fs; KAFKA-6689',
    change: 'the first failure is final',
    edits: [
      { file: 'src/adapters/patient-file-system.ts', from: 'waitedMs >= patienceMs', to: 'waitedMs >= 0' },
    ],
    caughtBy: {
      test: windows,
      name: 'repeats a rename that is refused while another program has the file open',
    },
  },
  {
    number: 883,
    bug: 'the same trouble fills the log',
    reference: 'issue 13, item 5',
    change: 'no line is left out',
    edits: [
      { file: 'src/telemetry/repeated-lines.ts', from: 'nowMs - trouble.sinceMs < quietMs', to: 'false' },
    ],
    caughtBy: { test: consoleLogger, name: 'once a second' },
  },
  {
    number: 884,
    bug: 'a level set on a package does not count for the loggers in it',
    reference: 'log4j2 logger hierarchy',
    change: "only the logger's own name is checked",
    edits: [
      {
        file: 'src/telemetry/log-levels.ts',
        from: "above = above.slice(0, Math.max(0, above.lastIndexOf('.')))",
        to: "above = ''",
      },
    ],
    caughtBy: { test: consoleLogger, name: 'nearest named ancestor' },
  },
  {
    number: 885,
    bug: 'connections beyond max.connection.creation.rate are served at once',
    reference: 'KIP-612',
    change: 'the connection is not held',
    edits: [
      {
        file: 'src/broker/pipeline/creation-gate.ts',
        from: 'if (waitMs === 0) return connection.release();\n    connection.hold();',
        to: 'if (waitMs === 0) return connection.release();',
      },
    ],
    caughtBy: { test: 'test/broker/pipeline/acceptor.test.ts', name: 'max.connection.creation.rate' },
  },
  {
    number: 886,
    bug: 'compaction of small segments is not throttled',
    reference: 'found by test/log/compaction.test.ts while it was written',
    change: 'what was read to the end of a segment is not counted',
    edits: [
      {
        file: 'src/log/compaction/compaction.ts',
        from: '    await pause();\n    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);\n    if (fullAt',
        to: '    if (result.fault !== null) throw new UncleanableError(`${segment.path}: ${result.fault}`);\n    if (fullAt',
      },
    ],
    caughtBy: { test: 'test/log/compaction.test.ts', name: 'log.cleaner.io.max.bytes.per.second' },
  },
  {
    number: 887,
    bug: 'automatic creation takes the defaults of a broker whose file says nothing',
    reference: 'KIP-1211, KAFKA-19655',
    change: 'the value in force is sent',
    edits: [
      {
        file: 'src/broker/topic-creator.ts',
        from: 'config.originals.has(key) ? config.get(key) : -1',
        to: 'config.get(key)',
      },
    ],
    caughtBy: { test: 'test/broker/api/03-metadata.test.ts', name: 'KIP-1211' },
  },
  {
    number: 888,
    bug: 'a value of config.providers is read outside of allowed.paths',
    reference: 'KIP-993',
    change: 'paths are not checked',
    edits: [
      {
        file: 'src/config/providers.ts',
        from: "if (allowed === undefined || allowed.trim() === '') return;",
        to: 'return;',
      },
    ],
    caughtBy: { test: 'test/config/providers.test.ts', name: 'passwd' },
  },
  {
    number: 960,
    bug: 'a combined node of another cluster asks itself until its registration times out',
    reference: 'a tester from outside',
    change: 'its own address counts among the other controllers',
    edits: [
      {
        file: 'src/server/controller/controller-client.ts',
        from: '(link.isToItself || this.#foreign.size > 0)',
        to: 'this.#foreign.size > 0',
      },
    ],
    caughtBy: {
      test: 'test/server/controller/controller-client.test.ts',
      name: 'also asks the others, and fails when they are of another cluster',
    },
  },
  {
    number: 961,
    bug: 'a listener that clients are told to connect to can be removed',
    reference: 'Kafka 4.3.1 refuses it',
    change: 'advertised names are not compared with the new listeners',
    edits: [
      {
        file: 'src/config/node-config.ts',
        from: '!advertised.every((name) => names.includes(name))',
        to: 'false',
      },
    ],
    caughtBy: {
      test: 'test/config/node-config.test.ts',
      name: 'an advertised listener of a running broker cannot be removed, and no protocol can change',
    },
  },
  {
    number: 962,
    bug: 'a level for another class of a part has no effect',
    reference: 'KIP-412',
    change: 'only the name in the lines counts',
    edits: [
      {
        file: 'src/telemetry/log-levels.ts',
        from: 'const loggers = loggersOfLines.get(name) ?? [name];',
        to: 'const loggers = [name];',
      },
    ],
    caughtBy: {
      test: 'test/adapters/console-logger.test.ts',
      name: 'decides which lines of a part are written',
    },
  },
  {
    number: 963,
    bug: 'a client that reached another node than it meant is served',
    reference: 'KIP-1242',
    change: 'only the cluster is compared',
    edits: [
      {
        file: 'src/broker/api/cluster/18-api-versions.ts',
        from: '(clusterId !== services.clusterId || nodeId !== services.nodeId)',
        to: 'clusterId !== services.clusterId',
      },
    ],
    caughtBy: { test: 'test/broker/groups/versions-of-kafka-4.4.test.ts', name: 'another node' },
  },
  {
    number: 949,
    bug: 'doctor names one mistake at a time',
    reference: 'breaker of 2026-11',
    change: 'a start and an inspection end at the first mistake alike',
    edits: [
      {
        file: 'src/config/inspect.ts',
        from: 'for (const message of problemsTogether(values, isSet, voters, setup)) add(message);',
        to: 'for (const message of problemsTogether(values, isSet, voters, setup)) {\n    add(message);\n    break;\n  }',
      },
    ],
    caughtBy: { test: 'test/config/inspect.test.ts', name: 'all found in one pass' },
  },
  {
    number: 950,
    bug: 'an invalid value is reported twice',
    reference: 'review of 2026-11',
    change: 'checks of several keys look at its default too',
    edits: [
      {
        file: 'src/config/inspect.ts',
        from: 'if (!keys.some((key) => invalid.has(key)))',
        to: 'if (keys.length >= 0)',
      },
    ],
    caughtBy: { test: 'test/config/inspect.test.ts', name: 'not reported again' },
  },
  {
    number: 951,
    bug: 'line numbers of a file are those of its lines without comments',
    reference: 'breaker of 2026-11',
    change: 'lines are counted after they are joined',
    edits: [
      {
        file: 'src/config/properties-file.ts',
        from: 'line: open?.line ?? index + 1',
        to: 'line: lines.length + 1',
      },
    ],
    caughtBy: { test: 'test/config/inspect.test.ts', name: 'keep their numbers' },
  },
  {
    number: 952,
    bug: '--include accepts what Java would refuse',
    reference: 'breaker of 2026-11',
    change: 'expressions are those of JavaScript',
    edits: [
      {
        file: 'src/config/java-pattern.ts',
        from: 'return compileRegex(source);',
        to: 'return { matches: (text) => new RegExp(`^(?:${source})$`).test(text) };',
      },
    ],
    caughtBy: { test: 'test/config/java-pattern.test.ts', name: 'matches whole names as in Java' },
  },
  {
    number: 1200,
    bug: 'an invalid min.insync.replicas in old metadata keeps replicas eligible that have fallen behind',
    reference: 'a reader',
    change: 'the controller reads the stored text as a number without the checks of the configuration',
    edits: [
      {
        file: 'src/controller/lookups.ts',
        from: 'text === undefined ? null : storedTopicValue(key, text);',
        to: 'text === undefined ? null : (storedTopicValue(key, text) ?? (Number(text) as TopicValues[K]));',
      },
    ],
    caughtBy: {
      test: 'test/controller/settings.test.ts',
      name: 'an invalid min.insync.replicas in old metadata counts as not set',
    },
  },
  {
    number: 1201,
    bug: 'a replication rate that was set for all brokers throttles none',
    reference: 'a reader; Kafka BrokerConfigHandler',
    change: 'only the rate that was set for the broker itself is read',
    edits: [
      {
        file: 'src/config/node-config.ts',
        from: "broker.get(key) ?? cluster.get(key) ?? ''",
        to: "broker.get(key) ?? ''",
      },
    ],
    caughtBy: {
      test: 'test/config/node-config.test.ts',
      name: 'a replication rate for all brokers is in force',
    },
  },
  {
    number: 1468,
    bug: 'a move to another log directory never ends, and a stop of the broker waits for it, when its assignment was replaced',
    reference: 'found by reading',
    change: 'the caller of an assignment that is dropped is not told',
    edits: [
      {
        file: 'src/replication/manager/directory-assignments.ts',
        from: 'onDropped: ({ onEnd }) => onEnd?.(false),',
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/replication/directory-assignments.test.ts',
      name: 'the caller learns that an assignment is not recorded',
    },
  },
  {
    number: 1469,
    bug: 'a replica never moves when the controller did not record its new directory at first',
    reference: 'found by reading',
    change: 'the new directory is reported once only',
    edits: [{ file: 'src/log/directories/log-moves.ts', from: 'move.isAssigned = false;', to: '' }],
    caughtBy: { test: 'test/log/log-moves.test.ts', name: 'tells the controller again' },
  },
];
