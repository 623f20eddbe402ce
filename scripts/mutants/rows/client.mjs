/** Bugs of our own client, on which tools, tests and workloads rely. */
const connectionTest = 'test/client/connection.test.ts';
const producerTest = 'test/client/producer.test.ts';
const fetcherTest = 'test/client/fetcher.test.ts';
const subscriptionTest = 'test/client/subscribed-topics.test.ts';
const membership = 'src/client/group-membership.ts';
const membershipTest = 'test/client/group-membership.test.ts';
const metadataTest = 'test/client/group-metadata.test.ts';

export const clientRows = [
  {
    number: 1180,
    bug: 'a member of the consumer protocol never learns an assignment of which the response was lost',
    reference: 'seed 30069 of the cluster world; Java HeartbeatState.reset',
    change: 'a heartbeat after a failed one does not have all fields',
    edits: [
      {
        file: 'src/client/consumer-protocol-member.ts',
        from: 'const all = this.mayHaveMissed ?',
        to: 'const all = this.epoch < joinEpoch ?',
      },
    ],
    caughtBy: { test: metadataTest, name: 'response was lost' },
  },
  {
    number: 903,
    bug: 'an expression in the log that is larger than the bound stops its group for good',
    reference: 'review of the bound on expressions',
    change: 'an expression from the log is compiled like one of a request',
    edits: [
      {
        file: 'src/group/consumer/regex-subscriptions.ts',
        from: '[regex, compileStoredRegex(regex)]',
        to: '[regex, compileRegex(regex)]',
      },
    ],
    caughtBy: { test: 'test/group/consumer/stored-regex.test.ts' },
  },
  {
    number: 902,
    bug: 'a heartbeat waits behind a fetch, so that a member misses a rebalance',
    reference: 'seed 20 of the cluster world; Java: a coordinator has a node id of its own',
    change: 'requests to the coordinator use the connection of the fetches',
    edits: [
      {
        file: 'src/client/group-coordinator.ts',
        from: "this.client.broker(this.nodeId, 'coordinator')",
        to: 'this.client.broker(this.nodeId)',
      },
    ],
    caughtBy: { test: 'test/client/group-membership.test.ts' },
  },
  {
    number: 790,
    bug: "an invalid response of a broker ends the client's process",
    reference: 'review-1.md §8: the own client is trusted and untested',
    change: 'the exception reaches the reader of the socket',
    edits: [
      {
        file: 'src/client/connection.ts',
        from: "this.breakOff(`the peer does not speak Kafka's protocol: ${(error as Error).message}`);",
        to: 'throw error;',
      },
    ],
    caughtBy: { test: connectionTest, name: 'throws no exception' },
  },
  {
    number: 791,
    bug: 'the response to one request is taken for that to another',
    reference: 'Kafka protocol: correlation ids',
    change: 'correlation ids are not compared',
    edits: [
      {
        file: 'src/client/connection.ts',
        from: 'header.correlationId !== pending.correlationId',
        to: 'header.correlationId < 0',
      },
    ],
    caughtBy: { test: connectionTest, name: 'a response with the wrong correlation id' },
  },
  {
    number: 792,
    bug: 'a repeated batch is taken for a new one',
    reference: 'KIP-98: sequence numbers',
    change: 'each attempt has a sequence number of its own',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: 'queue.nextSequence = (queue.nextSequence + count) % 2 ** 31;',
        to: 'queue.nextSequence = (queue.nextSequence + count + 1) % 2 ** 31;',
      },
    ],
    caughtBy: { test: producerTest, name: 'once and in order' },
  },
  {
    number: 793,
    bug: 'after a refused batch the sequence numbers have a gap',
    reference: 'KIP-360: a new producer id after a failure',
    change: 'the producer goes on under its old id',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: 'if (this.options.isIdempotent) this.identity = null;',
        to: '',
      },
    ],
    caughtBy: { test: producerTest, name: 'non-retriable error' },
  },
  {
    number: 794,
    bug: 'records before the position are returned again',
    reference: 'a Fetch answers with whole batches',
    change: 'the whole batch is returned',
    edits: [{ file: 'src/client/fetcher.ts', from: 'if (record.offset < entry.position) continue;', to: '' }],
    caughtBy: { test: fetcherTest, name: 'from its position on once' },
  },
  {
    number: 795,
    bug: 'records of an unassigned partition are returned',
    reference: 'a rebalance: the next owner reads them',
    change: 'fetched records are kept',
    edits: [
      {
        file: 'src/client/fetcher.ts',
        from: 'this.assigned.delete(`${topic}-${partition}`);\n    this.drop(topic, partition);',
        to: 'this.assigned.delete(`${topic}-${partition}`);',
      },
    ],
    caughtBy: { test: fetcherTest, name: 'unassigned' },
  },
  {
    number: 800,
    bug: 'the group leader never assigns partitions that are added later',
    reference: 'breaker of 2026-11; Kafka ConsumerCoordinator.rejoinNeededOrPending',
    change: 'partition counts are not compared',
    edits: [{ file: 'src/client/group-member.ts', from: 'if (isChanged || ', to: 'if (' }],
    caughtBy: { test: metadataTest, name: 'gets partitions that are added' },
  },
  {
    number: 801,
    bug: 'a topic that begins to match a pattern is never read',
    reference: 'breaker of 2026-11; Kafka ConsumerCoordinator.updatePatternSubscription',
    change: 'a member never joins again for its own topics',
    edits: [
      {
        file: 'src/client/group-member.ts',
        from: 'if (isChanged || this.isOutdated)',
        to: 'if (isChanged)',
      },
    ],
    caughtBy: { test: metadataTest, name: 'gets new topics that match its pattern' },
  },
  {
    number: 802,
    bug: 'metadata are looked up in every poll',
    reference: 'metadata.max.age.ms',
    change: 'fresh metadata are due too',
    edits: [
      {
        file: 'src/client/subscribed-topics.ts',
        from: 'if (this.isRefreshing || this.nowMs() < this.dueMs) return;',
        to: 'if (this.isRefreshing) return;',
      },
    ],
    caughtBy: { test: metadataTest, name: 'once per maximum age' },
  },
  {
    number: 803,
    bug: 'a static leader that came back never assigns partitions that are added later',
    reference: 'KIP-814',
    change: 'only a leader that assigns follows the metadata',
    edits: [
      {
        file: 'src/client/group-member.ts',
        from: 'joined.leader === joined.memberId ? await',
        to: 'joined.leader === joined.memberId && !joined.skipAssignment ? await',
      },
    ],
    caughtBy: { test: metadataTest, name: 'a join that skipped the assignment' },
  },
  {
    number: 804,
    bug: 'a member of the consumer protocol never takes a topic whose id it could not name at first',
    reference: 'KIP-848; Kafka AbstractMembershipManager.findResolvableAssignmentAndTriggerMetadataUpdate',
    change: 'what is not named is left for good',
    edits: [
      {
        file: 'src/client/consumer-protocol-member.ts',
        from: 'if (unnamed.some(({ topicId }) => names.has(topicId))) this.mustJoin = true;',
        to: 'if (unnamed.length === 0) this.mustJoin = true;',
      },
    ],
    caughtBy: { test: metadataTest, name: 'when the metadata has its name' },
  },
  {
    number: 805,
    bug: 'records of a topic that was deleted and created again are skipped up to the old position',
    reference: 'KIP-516',
    change: 'the position is kept',
    edits: [
      {
        file: 'src/client/fetcher.ts',
        from: 'if (entry.topicId !== uuidZero && entry.topicId !== topic.id) await this.reset(entry);',
        to: '',
      },
    ],
    caughtBy: { test: fetcherTest, name: 'reads a topic that was deleted and created again' },
  },
  {
    number: 806,
    bug: 'a deleted partition stops commits and rebalances',
    reference: "Kafka's consumer waits for max.poll.interval.ms",
    change: 'deleted partitions are committed too',
    edits: [
      {
        file: 'src/client/fetcher.ts',
        from: '({ topic, partition }) => this.assigned.get(`${topic}-${partition}`)?.exists === true,',
        to: '() => true,',
      },
    ],
    caughtBy: { test: fetcherTest, name: 'does not stop reads and commits of the others' },
  },
  {
    number: 1111,
    bug: 'a partition is never read again when its topic is made again and only another partition was looked up since',
    reference: 'a reviewer, 28 November 2026',
    change: 'all partitions of a topic are fetched under one id',
    edits: [
      {
        file: 'src/client/fetcher.ts',
        from: 'entries.map((entry) => [`${entry.topicId} ${entry.topic}`, entry])',
        to: '[...entries].reverse().map((entry) => [entry.topic, entry])',
      },
      {
        file: 'src/client/fetcher.ts',
        from: 'entry.topic === topic && entry.topicId === topicId',
        to: 'entry.topic === topic',
      },
    ],
    caughtBy: { test: 'test/client/fetcher.test.ts', name: 'all partitions of a recreated topic' },
  },
  {
    number: 1163,
    bug: 'of two look-ups that overlap, the older answer wins when it comes last',
    reference: 'a review of the client, 28 November 2026',
    change: 'every answer is taken',
    edits: [{ file: 'src/client/subscribed-topics.ts', from: 'if (number > this.lastTaken) {', to: '{' }],
    caughtBy: { test: subscriptionTest, name: 'whichever comes last' },
  },
  {
    number: 1164,
    bug: 'a group leader that sees another topic while it assigns joins with it only after metadata.max.age.ms',
    reference: 'a review of the client, 28 November 2026',
    change: 'the metadata are not looked up again',
    edits: [
      {
        file: 'src/client/group-member.ts',
        from: 'if (this.isOutdated) this.subscribed.expire();',
        to: '',
      },
    ],
    caughtBy: { test: subscriptionTest, name: 'soon joins again' },
  },
  {
    number: 1165,
    bug: 'a member ends because a heartbeat from before its last join was refused',
    reference: 'a review of the client, 28 November 2026',
    change: 'the response to every heartbeat counts',
    edits: [
      {
        file: membership,
        from: 'if (series === this.heartbeatSeries) this.refused(error);',
        to: 'this.refused(error);',
      },
    ],
    caughtBy: { test: membershipTest, name: 'from before it joined again' },
  },
  {
    number: 1166,
    bug: 'a member ends because a look-up from before its last join was refused',
    reference: 'a review of the client, 28 November 2026',
    change: 'the answer to every look-up counts',
    edits: [
      {
        file: membership,
        from: 'if (series === this.heartbeatSeries) this.failure ??= error as Error;',
        to: 'this.failure ??= error as Error;',
      },
    ],
    caughtBy: { test: membershipTest, name: 'unless it has joined again' },
  },
  {
    number: 1167,
    bug: 'a partition in a response that nobody requested is skipped silently',
    reference: "Java's client: Response for missing partition",
    change: 'it is skipped',
    edits: [
      {
        file: 'src/client/fetcher.ts',
        from: 'if (own === undefined) {',
        to: 'if (own === undefined) { continue;',
      },
    ],
    caughtBy: { test: fetcherTest, name: 'that was not requested' },
  },
  {
    number: 1169,
    bug: 'a record behind one that can not be delivered has twice its time',
    reference: "Kafka's delivery.timeout.ms; a reader, 28 November 2026",
    change: 'the time counts from when the batch is made',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: 'deadlineMs: at(records, 0).deadlineMs,',
        to: 'deadlineMs: this.client.ports.clock.monotonicMs() + this.options.deliveryTimeoutMs,',
      },
    ],
    caughtBy: { test: producerTest, name: 'counts from the send of each record' },
  },
  {
    number: 1170,
    bug: 'records that wait for a producer id never expire',
    reference: "Kafka's delivery.timeout.ms; a reader, 28 November 2026",
    change: 'only batches expire',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: 'await this.inTime(queue, deadlineMs, this.readyToSend(queue), expire)',
        to: 'await this.readyToSend(queue)',
      },
    ],
    caughtBy: { test: producerTest, name: 'counts from the send of each record' },
  },
  {
    number: 1172,
    bug: 'a batch is sent after its records have failed',
    reference: "Kafka's RecordAccumulator.expiredBatches; a review of our own change, 28 November 2026",
    change: 'the deadline is not checked after the look-up of the leader',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: 'if (batch.deadlineMs <= this.client.ports.clock.monotonicMs())',
        to: 'if (batch.deadlineMs < 0)',
      },
    ],
    caughtBy: { test: producerTest, name: 'is not sent any more' },
  },
  {
    number: 1171,
    bug: 'flush never ends while other records are sent',
    reference: 'KafkaProducer.flush; a reader, 28 November 2026',
    change: 'records sent later belong to the same period',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: 'this.period = new SendPeriod();\n    this.ended',
        to: 'this.ended',
      },
    ],
    caughtBy: { test: producerTest, name: 'not for those sent after it' },
  },
  {
    number: 1291,
    bug: 'after a failed batch each record is refused as out of order',
    reference: 'a review of our own code, 29 November 2026',
    change: 'the sequence goes on with a new producer id',
    edits: [
      {
        file: 'src/client/producer.ts',
        from: 'if (queue.identity !== identity) queue.nextSequence = 0;',
        to: '',
      },
    ],
    caughtBy: { test: producerTest, name: 'and writes the next ones' },
  },
];
