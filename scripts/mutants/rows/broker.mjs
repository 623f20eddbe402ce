/** Bugs of the broker's shared mechanisms. */
const fetchOperation = 'src/broker/purgatory/fetch-operation.ts';
const acceptorTest = 'test/broker/pipeline/acceptor.test.ts';
const rules = 'test/broker/purgatory/fetch-rules.test.ts';

export const brokerRows = [
  {
    number: 407,
    bug: 'a frame larger than the request budget starves as long as one fetch is pending',
    reference:
      'review of 2026-11, memory-budget.ts; Kafka SimpleMemoryPool grants while anything is available',
    change: 'such a frame waits until no bytes are in use',
    edits: [
      {
        file: 'src/broker/pipeline/memory-budget.ts',
        from: 'if (sizeBytes > halfBytes) return this.#usedBytes < halfBytes;',
        to: 'if (sizeBytes > this.limitBytes) return this.#usedBytes === 0;',
      },
    ],
    caughtBy: {
      test: 'test/broker/pipeline/memory-budget.test.ts',
      name: 'grants a request of nearly the whole budget while little is',
    },
  },
  {
    number: 408,
    bug: 'a fetch session grows beyond the bound of the cache',
    reference: 'review of 2026-11, fetch-session.ts',
    change: 'added partitions are not counted against the bound',
    edits: [
      {
        file: 'src/broker/fetch-session.ts',
        from: 'if (this.#partitions >= this.#options.partitionsMax || partition',
        to: 'if (partition',
      },
    ],
    caughtBy: { test: 'test/broker/fetch-session.test.ts', name: 'beyond the bound' },
  },
  {
    number: 409,
    bug: 'records of a committed transaction are dropped after an aborted one of the same producer',
    reference: 'review of 2026-11, client/fetcher.ts',
    change: 'an abort marker does not end the transaction',
    edits: [
      {
        file: 'src/client/aborted-transactions.ts',
        from: 'if (this.#open.has(batch.producerId) && isAbortMarker(batch)) this.#open.delete(batch.producerId);',
        to: 'void isAbortMarker;',
      },
    ],
    caughtBy: { test: 'test/client/aborted-transactions.test.ts', name: 'of the same producer' },
  },
  {
    number: 410,
    bug: 'connections that send nothing count for no limit',
    reference: 'review of 2026-11, one-port.ts',
    change: 'a connection is counted when its first bytes arrive',
    edits: [
      {
        file: 'src/adapters/one-port.ts',
        from: '      onConnection(connection);\n      if (!socket.destroyed) this.sniff(socket, connection);',
        to: "      sniff(socket, firstWordMs, (kind, first) => {\n        if (kind === 'kafka') onConnection(connection);\n        this.sort(socket, kind, first, connection);\n      });",
      },
    ],
    caughtBy: { test: 'test/adapters/one-port.test.ts', name: 'a socket that has sent nothing counts' },
  },
  {
    number: 405,
    bug: 'a slot that waits for a read from disk is queued again at each wake',
    reference: 'review of 2026-11, feed-session.ts',
    change: 'only the place in the queue is checked, not a read in progress',
    edits: [
      {
        file: 'src/replication/stream/feed-session.ts',
        from: "if (slot.state !== 'idle' || this.#isClosed) return;",
        to: "if (slot.state === 'queued' || this.#isClosed) return;",
      },
    ],
    caughtBy: {
      test: 'test/replication/feed-session.test.ts',
      name: 'a slot waits for one read from disk, even when its partition wakes it many times',
    },
  },
  {
    number: 406,
    bug: 'a freed place for reads is given to an ended slot',
    reference: 'review of 2026-11, feed-session.ts',
    change: 'a revoked slot keeps its place in the queue for the disk',
    edits: [
      {
        file: 'src/replication/stream/feed-session.ts',
        from: "    this.#waitingForDisk.delete(slot);\n    slot.state = 'over';",
        to: "    slot.state = 'over';",
      },
      {
        file: 'src/replication/stream/feed-session.ts',
        from: "      slot.state = 'idle';\n      this.ready(slot);",
        to: "      if (slot.state === 'waiting') slot.state = 'idle';\n      this.ready(slot);",
      },
      {
        file: 'src/replication/stream/feed-session.ts',
        from: 'if (this.#waitingForDisk.size > 0) this.#serveWaiting();',
        to: '',
      },
      {
        file: 'src/replication/stream/feed-session.ts',
        from: 'let places = diskReadsMax - this.#diskReads;',
        to: 'let places = 1;',
      },
    ],
    caughtBy: {
      test: 'test/replication/feed-session.test.ts',
      name: 'places for reads are not given to revoked slots',
    },
  },
  {
    number: 401,
    bug: 'bytes that the quota of a fetch excludes count for fetch.min.bytes',
    reference: 'kafkajs #1365, kop #699',
    change: 'a read from disk counts all bytes of its whole batches',
    edits: [
      {
        file: fetchOperation,
        from: 'this.#setCount(count, isHeldBack ? Math.max(length, limitBytes) : length);',
        to: 'void isHeldBack;\n    void limitBytes;\n    this.#setCount(count, length);',
      },
    ],
    caughtBy: { test: rules, name: 'disk: half a batch' },
  },
  {
    number: 402,
    bug: 'a fetch waits for min bytes behind the end of a segment',
    reference: 'Kafka DelayedFetch case F',
    change: 'an older segment counts like any other',
    edits: [
      {
        file: 'src/log/log-reader.ts',
        from: 'if (state.floorSegment(offset) < state.floorSegment(limit - 1)) return Number.POSITIVE_INFINITY;\n',
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/log/readable-bytes.test.ts',
      name: 'bytesReadable counts the bytes up to the upper bound, or says that the segment ends before',
    },
  },
  {
    number: 403,
    bug: 'a partition counts for fetch.min.bytes beyond its own limit',
    reference: 'Kafka DelayedFetch: min(endOffset - fetchOffset, partition max bytes)',
    change: 'the limit of the partition is not applied',
    edits: [
      {
        file: fetchOperation,
        from: 'else this.#setCount(count, Math.min(bytes, target.maxBytes));',
        to: 'else this.#setCount(count, bytes);',
      },
    ],
    caughtBy: { test: rules },
  },
  {
    number: 404,
    bug: 'a pending operation keeps its watchers after it completed',
    reference: 'KAFKA-1641 kind: purgatories that fill up with completed operations',
    change: 'keys are not unwatched',
    edits: [
      {
        file: 'src/broker/purgatory/delayed-operation.ts',
        from: 'for (const unwatch of this.#unwatch) unwatch();',
        to: '',
      },
    ],
    caughtBy: {
      test: 'test/broker/purgatory/delayed-operation.test.ts',
      name: 'completes once in whatever order events come, and leaves no',
    },
  },
  {
    number: 504,
    bug: 'a batch is refused for some of its records, and the answer does not say which',
    reference: 'Kafka LogValidator; a public report of clients that drop whole batches',
    change: 'the record errors are counted, not returned',
    edits: [
      {
        file: 'src/log/records/record-inspection.ts',
        from: 'if (this.#errors.length < recordErrorsMax) this.#errors.push({ index, message });',
        to: 'void [index, message];',
      },
    ],
    caughtBy: { test: 'test/log/record-errors.test.ts', name: 'at most 1,000 record errors are returned' },
  },
  {
    number: 505,
    bug: 'a batch with a wrong largest timestamp in its header keeps its segment for ever',
    reference: 'Kafka LogValidator: the header gets the largest timestamp of the records',
    change: 'the timestamp in the header is not checked',
    edits: [
      {
        file: 'src/log/records/append-validation.ts',
        from: 'setMaxTimestamp(bytes, 0, maxTimestamp);',
        to: 'void [setMaxTimestamp, maxTimestamp];',
      },
    ],
    caughtBy: { test: 'test/log/record-errors.test.ts', name: 'is corrected' },
  },
  {
    number: 411,
    bug: 'a listener that is full of clients refuses other nodes',
    reference: 'Kafka: max.connections spares the inter-broker listener; here every listener takes peers',
    change: 'a connection above the limit is closed before its protocol is known',
    edits: [
      {
        file: 'src/broker/pipeline/acceptor.ts',
        from: "this.#refused.take(connection, () => this.#warn('refusing a connection', line));",
        to: "this.#warn('refusing a connection', line);\n      connection.destroy();",
      },
    ],
    caughtBy: { test: acceptorTest, name: 'another node' },
  },
  {
    number: 412,
    bug: 'max.connections does not hold for a client that sends at once',
    reference: 'docs/limits.md',
    change: 'the first byte of a refused connection does not close it',
    edits: [
      {
        file: 'src/broker/pipeline/refused-connections.ts',
        from: 'delayMs === 0 ? close : closeLater',
        to: 'delayMs === 0 ? () => undefined : closeLater',
      },
    ],
    caughtBy: { test: acceptorTest, name: 'a listener at max.connections closes new clients, but not a' },
  },
  {
    number: 413,
    bug: 'a peer subscribes one slot again and again, and each subscription stays in memory',
    reference: 'npm run fuzz, seed 44',
    change: 'a slot in use is replaced while the former subscription stays attached to its partition',
    edits: [
      {
        file: 'src/replication/stream/feed-session.ts',
        from: 'expectOfPeer(!this.#slots.has(wanted.slot),',
        to: 'expectOfPeer(wanted.slot >= 0,',
      },
    ],
    caughtBy: { test: 'test/replication/feed-session.test.ts', name: 'a slot that is in use' },
  },
  {
    number: 414,
    bug: 'a request creates more partitions than allowed, in several topics',
    reference: 'Kafka: 10,000 records for one operation of a client',
    change: 'each topic is checked alone',
    edits: [
      {
        file: 'src/controller/create-partitions.ts',
        from: 'count += Math.max(0,',
        to: 'count = Math.max(count,',
      },
    ],
    caughtBy: { test: 'test/controller/topics.test.ts', name: 'of one topic or of several' },
  },
  {
    number: 415,
    bug: 'a request with a number beyond 2^53 is refused',
    reference: 'npm run fuzz, seed 43; clients send Long.MAX_VALUE and the like',
    change: 'a number that a double cannot hold exactly is refused',
    edits: [
      {
        file: 'src/protocol/codec/writer.ts',
        from: 'if (!Number.isInteger(value) || Math.abs(value) > two63)',
        to: 'if (!Number.isSafeInteger(value))',
      },
    ],
    caughtBy: { test: 'test/protocol/codec/errors.test.ts', name: 'and written again' },
  },
  {
    number: 1112,
    bug: 'a connection above the quota of its address closes an idle one of another client',
    reference: 'a reviewer, 28 November 2026',
    change: 'max.connections counts before the quota',
    edits: [
      {
        file: 'src/broker/pipeline/acceptor.ts',
        from: '    if (this.#isThrottled(connection, listenerName)) return;\n    const refusal = this.#refusal(host);',
        to: '    const refusal = this.#refusal(host);\n    if (this.#isThrottled(connection, listenerName)) return;',
      },
    ],
    caughtBy: {
      test: 'test/broker/quotas/connection-quota.test.ts',
      name: 'a connection above the quota closes no other connection',
    },
  },
  {
    number: 1440,
    bug: 'a client of three brokers reconnects at each metadata refresh, because each broker gives other addresses',
    reference: 'a tester from outside: CreateTopics of librdkafka failed in two of three runs',
    change: 'each of several brokers gives as its own address the one by which the client reached it',
    edits: [
      {
        file: 'src/broker/api/endpoints.ts',
        from: 'broker.id === this.#ownId && image.cluster.brokers.size === 1;',
        to: 'broker.id === this.#ownId && image.cluster.brokers.size >= 1;',
      },
    ],
    caughtBy: { test: 'test/broker/api/03-metadata.test.ts', name: 'with several brokers' },
  },
  {
    number: 1510,
    bug: 'the response to a DELETE, APPEND or SUBTRACT of a property comes before this broker has the change',
    reference: 'a reader of the code, 29 November 2026',
    change: 'only the values of SET are compared',
    edits: [
      {
        file: 'src/broker/api/configs/44-incremental-alter-configs.ts',
        from: 'if (configOperation === deleteOperation) return current === undefined;',
        to: 'if (configOperation !== setOperation) return true;',
      },
    ],
    caughtBy: { test: 'test/broker/api/forwarded.test.ts', name: 'IncrementalAlterConfigs with' },
  },
  {
    number: 1511,
    bug: 'the response to a changed property comes when this broker has a change of another property',
    reference: 'a reader of the code, 29 November 2026',
    change: 'the maps of values are compared, not the value',
    edits: [
      {
        file: 'src/broker/api/configs/44-incremental-alter-configs.ts',
        from: 'current !== before.get(change.name)',
        to: 'values !== before',
      },
    ],
    caughtBy: { test: 'test/broker/api/forwarded.test.ts', name: 'IncrementalAlterConfigs with' },
  },
];
