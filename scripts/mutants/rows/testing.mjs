/**
 * Bugs of the cluster that users' tests start. With each of them a test of a user would pass although the tested code is wrong.
 */
const faults = 'test/testing/kafka/faults.test.ts';

export const testingRows = [
  {
    number: 981,
    bug: 'a fault that can never act is accepted, and a test of it proves nothing',
    reference: 'review of the test kit: a partition of a Heartbeat',
    change: 'an API needs no field for a filter',
    edits: [
      {
        file: 'src/testing/kafka/client-apis.ts',
        from: 'this.served().get(name)?.has(trait) !== true);',
        to: 'this.served().get(name)?.has(trait) === null);',
      },
    ],
    caughtBy: { test: 'test/testing/kafka/known-names.test.ts' },
  },
  {
    number: 982,
    bug: 'damage to one partition reaches the others',
    reference: 'review of the test kit: corrupt ignored its filters',
    change: 'all records of the response are damaged',
    edits: [
      {
        file: 'src/testing/kafka/faults.ts',
        from: '!selected.has(partition) || ',
        to: '',
      },
    ],
    caughtBy: { test: faults, name: 'of the selected partition only' },
  },
  {
    number: 983,
    bug: 'two resets at once end each other',
    reference: 'review of the test kit',
    change: 'restores do not wait for each other',
    edits: [
      {
        file: 'src/testing/kafka/cluster.ts',
        from: 'const turn = this.changes.then(work);',
        to: 'const turn = work();',
      },
    ],
    caughtBy: { test: 'test/testing/kafka/start-kafka.test.ts', name: 'one after the other' },
  },
  {
    number: 501,
    bug: 'a fault of one partition fails the whole request',
    reference: 'users.md A.2: the rest of the request is answered normally (kfake)',
    change: 'partitions that were not selected get the error too',
    edits: [
      {
        file: 'src/testing/kafka/request-parts.ts',
        from: '(filter.partition === undefined || filter.partition === partition)',
        to: 'true',
      },
    ],
    caughtBy: { test: faults, name: 'a fault on one partition does not affect the others in the request' },
  },
  {
    number: 502,
    bug: 'a fault "error after the append" is answered without the append',
    reference: 'users.md A.4: the hardest retry bugs',
    change: 'the request is not handled',
    edits: [
      {
        file: 'src/testing/kafka/faults.ts',
        from: '    if (!after) {',
        to: '    if (!after || rest === null) {',
      },
    ],
    caughtBy: {
      test: faults,
      name: 'an error after the append duplicates records of a producer that is not idempotent',
    },
  },
  {
    number: 503,
    bug: 'timers fire by themselves with a manual clock',
    reference: 'issue 11: a debugger may stand still for an hour',
    change: 'every timer counts as work in progress',
    edits: [
      {
        file: 'src/testing/kafka/time.ts',
        from: 'const timer = delayMs <= workMs ?',
        to: 'const timer = delayMs <= workMs * 20 ?',
      },
    ],
    caughtBy: {
      test: 'test/testing/kafka/clock.test.ts',
      name: 'a manual clock stands still until the test moves it, and only forwards',
    },
  },
  {
    number: 964,
    bug: 'an error at the top of a response is lost when the response is joined with that of the other partitions',
    reference: 'found by tests written as users write them: a Fetch of several partitions',
    change: 'the error is not brought to the partitions',
    edits: [
      {
        file: 'src/testing/kafka/faults.ts',
        from: 'return [...errorCodesOf(whole)].every((code) => told.has(code)) ? answer : whole;',
        to: 'return told.size >= 0 ? answer : whole;',
      },
      {
        file: 'src/testing/kafka/faults.ts',
        from: 'return failedParts(request.handler.response.fields, meant, code) ?? whole;',
        to: 'return code === 0 ? failedParts(request.handler.response.fields, meant, code) : whole;',
      },
    ],
    caughtBy: { test: 'test/testing/kafka/surprises.test.ts', name: 'of one partition is sent at once' },
  },
  {
    number: 1267,
    bug: 'an error for one topic has no effect in an API that has no error codes of partitions',
    reference: 'found by a reader of the code: ListPartitionReassignments',
    change: 'the response without any error code passes for the failed one',
    edits: [
      {
        file: 'src/testing/kafka/faults.ts',
        from: 'return [...errorCodesOf(whole)].every((code) => told.has(code)) ? answer : whole;',
        to: 'return [...errorCodesOf(failed)].every((code) => told.has(code)) ? answer : whole;',
      },
    ],
    caughtBy: {
      test: 'test/testing/kafka/faults.test.ts',
      name: 'an error for one topic fails the whole response of an API that has no error codes of partitions',
    },
  },
  {
    number: 1268,
    bug: 'a full disk hides that the disk of the metadata log fails',
    reference: 'found by a reader of the code',
    change: 'only the first fault counts',
    edits: [
      {
        file: 'src/testing/kafka/node-disk.ts',
        from: "among.find((operation) => this.failing.get(operation) === 'EIO')",
        to: "among.slice(0, 1).find((operation) => this.failing.get(operation) === 'EIO')",
      },
    ],
    caughtBy: {
      test: 'test/testing/kafka/lives.test.ts',
      name: 'whose disk is full has room for the metadata log, unless the disk fails too',
    },
  },
  {
    number: 965,
    bug: 'the long poll of a consumer never ends while the clock stands still',
    reference: 'found by tests written as users write them: kafkajs waits for its Fetch before it leaves',
    change: 'waits of clients go by the clock of the test',
    edits: [
      {
        file: 'src/testing/kafka/time.ts',
        from: '  readonly machine = systemScheduler;',
        to: '  readonly machine = this;',
      },
    ],
    caughtBy: {
      test: 'test/testing/kafka/lives.test.ts',
      name: 'does not hold up the long polls of clients',
    },
  },
];
