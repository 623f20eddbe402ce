/** Bugs of answers that Kafka's clients rely on. */
export const answerRows = [
  {
    number: 984,
    bug: 'TxnOffsetCommit before __consumer_offsets exists gets NOT_COORDINATOR, as other requests do',
    reference: 'asked both: Kafka answers COORDINATOR_NOT_AVAILABLE',
    change: 'the group has no coordinator here',
    edits: [
      {
        file: 'src/broker/groups/group-service.ts',
        from: 'throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);',
        to: 'throw new KafkaError(Errors.NOT_COORDINATOR);',
      },
    ],
    caughtBy: { test: 'test/server/process/before-internal-topics.test.ts', needsBuild: true },
  },
  {
    number: 860,
    bug: 'a topic that a request names and gives by its id is deleted, and its name is answered as unknown',
    reference: 'ask-both of 2026-11; Kafka ControllerApis.deleteTopics',
    change: 'ids and names are not compared',
    edits: [
      {
        file: 'src/controller/delete-topics.ts',
        from: 'if (!ids.has(topic.id))',
        to: 'if (ids.size >= 0)',
      },
    ],
    caughtBy: { test: 'test/controller/topics.test.ts', name: 'contains more than once' },
  },
  {
    number: 861,
    bug: 'a running broker accepts values with which it could not start again',
    reference: 'ask-both of 2026-11; Kafka DynamicBrokerConfig validates the whole configuration',
    change: 'values are checked one by one only',
    edits: [
      {
        file: 'src/config/alter.ts',
        from: 'config.problemTogether(values, isOwn)',
        to: '(void isOwn, null)',
      },
    ],
    caughtBy: {
      test: 'test/config/node-config.test.ts',
      name: "values that do not fit the broker's other values are refused with messages of Kafka 4.3.1",
    },
  },
  {
    number: 862,
    bug: 'the session of a group ends before its first heartbeat',
    reference: 'Kafka GroupConfig.validateValues',
    change: 'session and heartbeat are not compared',
    edits: [
      {
        file: 'src/config/alter.ts',
        from: 'if ((parsed.get(session) as number) <= (parsed.get(heartbeat) as number))',
        to: 'if ((parsed.get(session) as number) < 0 && heartbeat !== "")',
      },
    ],
    caughtBy: {
      test: 'test/config/node-config.test.ts',
      name: 'values of groups and client metrics subscriptions are validated',
    },
  },
  {
    number: 863,
    bug: 'clients go on pushing the metrics of an old subscription',
    reference: 'KIP-714',
    change: 'the subscription id is not compared',
    edits: [
      {
        file: 'src/broker/client-metrics.ts',
        from: 'if (push.subscriptionId !== instance.subscriptionId) {',
        to: 'if (push.subscriptionId < -(2 ** 31)) {',
      },
    ],
    caughtBy: {
      test: 'test/broker/client-metrics.test.ts',
      name: 'gets a new subscription id when its subscriptions change',
    },
  },
  {
    number: 864,
    bug: 'client instances take memory without a bound',
    reference: 'KIP-714: 16,384 instances',
    change: 'only silent instances are forgotten',
    edits: [
      {
        file: 'src/broker/client-metrics.ts',
        from: 'if (!isOver && this.#instances.size < clientInstancesMax) return;',
        to: 'if (!isOver || clientInstancesMax < 0) return;',
      },
    ],
    caughtBy: {
      test: 'test/broker/client-metrics.test.ts',
      name: 'accepted and refused pushes are counted; the instances',
    },
  },
  {
    number: 865,
    bug: 'a coordinator that has just loaded its partition looks for unused transactional ids at once',
    reference: 'issue 9, item 6: the first run of scheduled tasks',
    change: 'the first run is at the time of loading',
    edits: [
      {
        file: 'src/txn/shard.ts',
        from: 'expiring: { rest: null, nextMs: nowMs + config.expiryIntervalMs },',
        to: 'expiring: { rest: null, nextMs: nowMs },',
      },
    ],
    caughtBy: { test: 'test/docs/scheduled-tasks.test.ts', name: 'expire unused ids' },
  },
];
