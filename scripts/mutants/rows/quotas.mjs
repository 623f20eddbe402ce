/** Bugs of client quotas (`src/broker/quotas/`, and the pipeline around them). */
export const quotaRows = [
  {
    number: 1020,
    bug: 'quotas: a client is muted and not told',
    reference: 'KIP-219',
    change: 'throttleTimeMs is not written',
    edits: [
      {
        file: 'src/broker/pipeline/dispatch.ts',
        from: 'if (throttleTimeMs === 0 || handler',
        to: 'if (throttleTimeMs >= 0 || handler',
      },
    ],
    caughtBy: {
      test: 'test/broker/pipeline/throttling.test.ts',
      name: 'answers at once with the throttle time, and mutes the',
    },
  },
  {
    number: 1021,
    bug: 'quotas: a client is told and not muted',
    reference: 'KIP-219',
    change: 'a Produce above its quota does not mute the connection',
    edits: [
      {
        file: 'src/broker/pipeline/connection.ts',
        from: "if (muteMs > 0) this.#mute.begin('Produce', muteMs);",
        to: "if (muteMs < 0) this.#mute.begin('Produce', muteMs);",
      },
    ],
    caughtBy: {
      test: 'test/broker/pipeline/throttling.test.ts',
      name: 'answers at once with the throttle time, and mutes the',
    },
  },
  {
    number: 1022,
    bug: 'quotas: a throttled fetch counts though it is empty',
    reference: 'Kafka KafkaApis.handleFetchRequest',
    change: 'the value of a refused response stays in the rate',
    edits: [
      {
        file: 'src/broker/quotas/client-rate-quota.ts',
        from: 'if (isRefused) state.rate.record(-value, nowMs);',
        to: 'if (isRefused) state.rate.record(0, nowMs);',
      },
    ],
    caughtBy: { test: 'test/broker/quotas/rate.test.ts', name: 'is refused and does not count' },
  },
  {
    number: 1023,
    bug: 'quotas: the first second of a client counts as a high rate',
    reference: 'Kafka Rate.windowSize',
    change: 'the window has no least length',
    edits: [
      {
        file: 'src/broker/quotas/rate.ts',
        from: 'return Math.max(1, elapsedMs + missing * sampleMs);',
        to: 'return Math.max(1, elapsedMs);',
      },
    ],
    caughtBy: { test: 'test/broker/quotas/rate.test.ts', name: 'of a first value' },
  },
  {
    number: 1024,
    bug: 'quotas: old samples are never dropped',
    reference: 'Kafka SampledStat.purgeObsoleteSamples',
    change: 'samples outside of the window count',
    edits: [
      {
        file: 'src/broker/quotas/rate.ts',
        from: 'if (nowMs - sample.lastMs >= samplesMax * sampleMs) begin(sample, nowMs);',
        to: 'if (nowMs < 0) begin(sample, nowMs);',
      },
    ],
    caughtBy: {
      test: 'test/broker/quotas/rate.test.ts',
      name: 'counts a value until eleven seconds after the last value of',
    },
  },
  {
    number: 1025,
    bug: 'quotas: the default user comes before a client id of the user',
    reference: 'KIP-55',
    change: 'the order of precedence is another',
    edits: [
      {
        file: 'src/broker/quotas/quota-table.ts',
        from: 'for (const name of [user, null]) {',
        to: 'for (const name of [null, user]) {',
      },
    ],
    caughtBy: {
      test: 'test/broker/quotas/quota-table.test.ts',
      name: 'of all entities that match a client the first one in the',
    },
  },
  {
    number: 1026,
    bug: 'quotas: strangers fill the memory with client ids',
    reference: 'docs/limits.md',
    change: 'the states are not bounded in number',
    edits: [
      {
        file: 'src/broker/quotas/bounded-states.ts',
        from: 'this.#entries.size <= quotaStatesMax &&',
        to: 'this.#entries.size >= 0 &&',
      },
    ],
    caughtBy: { test: 'test/broker/quotas/bounded-states.test.ts', name: 'a new state replaces' },
  },
  {
    number: 1027,
    bug: 'quotas: a strict request is counted though it is refused',
    reference: 'KIP-599',
    change: 'a refused change makes a debt',
    edits: [
      {
        file: 'src/broker/quotas/mutation-quota.ts',
        from: '        if (isStrict) {',
        to: '        if (isStrict) {\n          bucket.take(partitions, limit, nowMs);',
      },
    ],
    caughtBy: {
      test: 'test/broker/quotas/mutation-quota.test.ts',
      name: 'admits a change while there is no debt, and refuses further',
    },
  },
  {
    number: 1028,
    bug: 'quotas: a refused connection counts, so a client that insists is never served',
    reference: 'KIP-612',
    change: 'the value of a refused connection stays in the rate',
    edits: [
      {
        file: 'src/broker/quotas/connection-quota.ts',
        from: 'if (throttleMs > 0) rate.record(-1, nowMs);',
        to: 'if (throttleMs < 0) rate.record(-1, nowMs);',
      },
    ],
    caughtBy: {
      test: 'test/broker/quotas/connection-quota.test.ts',
      name: 'a refused connection does not count',
    },
  },
  {
    number: 1113,
    bug: 'quotas: a client pays for everything that the event loop does until its next request',
    reference: 'decision 0079',
    change: 'the end of a turn does not end the charge',
    edits: [
      {
        file: 'src/broker/quotas/loop-time.ts',
        from: '    this.#charge();\n    this.#client = null;',
        to: '    this.#charge();',
      },
    ],
    caughtBy: { test: 'test/broker/quotas/loop-time.test.ts', name: 'until the end of the turn' },
  },
  {
    number: 1114,
    bug: 'quotas: appends in slices are free',
    reference: 'decision 0079',
    change: 'the handler does not say that it goes on',
    edits: [
      {
        file: 'src/broker/api/records/00-produce.ts',
        from: '        this.#context.resumed();\n',
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/broker/pipeline/throttling.test.ts',
      name: 'counts appends in slices until the last one',
    },
  },
  {
    number: 1115,
    bug: 'quotas: a producer pays for the fetches that its records complete',
    reference: 'decision 0079',
    change: 'a fetch does not say that it goes on',
    edits: [
      {
        file: 'src/broker/api/records/01-fetch.ts',
        from: 'onResumed: () => context.resumed()',
        to: 'onResumed: () => undefined',
      },
    ],
    caughtBy: {
      test: 'test/broker/pipeline/throttling.test.ts',
      name: 'charges the reads after a pending fetch to the consumer',
    },
  },
  {
    number: 1116,
    bug: 'quotas: each pause lets all pipelined requests of a throttled client through',
    reference: 'KIP-124',
    change: 'a client above its percentage may pipeline',
    edits: [
      {
        file: 'src/broker/pipeline/throttling.ts',
        from: 'return charged === null || this.quotas',
        to: 'return charged !== undefined || this.quotas',
      },
    ],
    caughtBy: { test: 'test/broker/pipeline/throttling.test.ts', name: 'one request at a time' },
  },
  {
    number: 1117,
    bug: 'max.connection.creation.rate: all connections that wait are served together',
    reference: 'KIP-612',
    change: 'the gate does not wait for the earlier connection',
    edits: [
      {
        file: 'src/broker/pipeline/creation-gate.ts',
        from: 'if (this.#timer === null) return this.#pass(connection);',
        to: 'return this.#pass(connection);',
      },
    ],
    caughtBy: { test: 'test/broker/pipeline/acceptor.test.ts', name: 'one after another' },
  },
  {
    number: 1119,
    bug: 'quotas: throttled clients hold the memory of all requests while others wait for it',
    reference: 'docs/limits.md',
    change: 'a muted connection keeps its memory whoever waits',
    edits: [
      {
        file: 'src/broker/pipeline/connection.ts',
        from: 'readIdleMs > frameStallMs && this.#budget.waiting > 0)',
        to: 'readIdleMs > frameStallMs && this.#budget.waiting < 0)',
      },
    ],
    caughtBy: { test: 'test/broker/pipeline/throttling.test.ts', name: 'given to others that wait' },
  },
  {
    number: 1118,
    bug: 'max.connection.creation.rate: many clients keep other brokers away from their listener',
    reference: 'KIP-402, KIP-612',
    change: 'the rate of the broker holds for every listener',
    edits: [
      {
        file: 'src/broker/quotas/connection-rates.ts',
        from: 'if (!isProtected(listener)) {',
        to: 'if (isProtected !== null) {',
      },
    ],
    caughtBy: { test: 'test/broker/quotas/connection-rates.test.ts', name: 'listener of other brokers' },
  },
];
