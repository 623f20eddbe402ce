import { expect, test } from 'vitest';
import { uuidZero } from '../../src/base/uuid.ts';
import { TestController, uuidOf } from './harness.ts';

type Topic = Parameters<TestController['call']>[1] extends infer _ ? Record<string, unknown> : never;

function create(controller: TestController, topic: Topic, validateOnly = false): unknown[] {
  const { topics } = controller.call(19, {
    validateOnly,
    topics: [
      {
        name: 't',
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [],
        configs: [],
        ...topic,
      } as never,
    ],
  });
  return topics.map((one) => [one.errorCode, one.errorMessage]);
}

test('CreateTopics uses the default counts, and returns them with the topic id', () => {
  const controller = new TestController({ defaultPartitionCount: 3, defaultReplicationFactor: 2 }).start(
    1,
    2,
  );
  const { topics } = controller.call(19, {
    topics: [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }],
  });
  expect(topics[0]).toMatchObject({ errorCode: 0, numPartitions: 3, replicationFactor: 2 });
  const topic = controller.image.topics.byName('t');
  expect(topics[0]?.topicId).toBe(topic?.id);
  expect(topic?.partitions.length).toBe(3);
  for (const partition of topic?.partitions ?? []) {
    expect(new Set(partition.replicas)).toEqual(new Set([1, 2]));
    expect(partition).toMatchObject({ leader: partition.replicas[0], leaderEpoch: 0, partitionEpoch: 0 });
    expect(partition.isr).toEqual(partition.replicas);
    expect(partition.directories).toEqual(partition.replicas.map((id) => uuidOf(1000 + id)));
  }
});

test("CreateTopics refuses with Kafka's codes and messages", () => {
  const controller = new TestController().start(1);
  controller.create('taken', [[1]]);
  controller.create('a.b', [[1]]);
  const cases: [Topic, number, string][] = [
    [{ name: 'taken' }, 36, "Topic 'taken' already exists."],
    [{ name: 'a_b' }, 17, "Topic 'a_b' collides with existing topic: a.b"],
    [{ name: '' }, 17, 'Topic name is invalid: the empty string is not allowed'],
    [{ name: '..' }, 17, "Topic name is invalid: '..' is not allowed"],
    [
      { name: 'not ok' },
      17,
      "Topic name is invalid: 'not ok' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    [{ name: '__cluster_metadata' }, 42, 'Creation of internal topic __cluster_metadata is prohibited.'],
    [
      { replicationFactor: 3 },
      38,
      'Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are registered or some brokers have all their log directories cordoned.',
    ],
    [
      { replicationFactor: 0 },
      38,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    ],
    [{ numPartitions: 0 }, 37, 'Number of partitions was set to an invalid non-positive value.'],
    [{ configs: [{ name: 'no.such.config', value: '1' }] }, 40, 'Unknown topic config name: no.such.config'],
    [
      { configs: [{ name: 'retention.ms', value: null }] },
      40,
      'Null value not supported for topic configs: retention.ms',
    ],
    [
      { assignments: [{ partitionIndex: 0, brokerIds: [9] }] },
      39,
      'The manual partition assignment includes broker 9, but no such broker is registered.',
    ],
    [
      { assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] },
      39,
      'The manual partition assignment includes the broker 1 more than once.',
    ],
    [
      { assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      39,
      'partitions should be a consecutive 0-based integer sequence',
    ],
    [
      { numPartitions: 2, assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      42,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    ],
  ];
  for (const [topic, code, message] of cases) expect(create(controller, topic)).toEqual([[code, message]]);
});

test('CreateTopics refuses a repeated name with one result; validateOnly changes nothing', () => {
  const controller = new TestController().start(1);
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const { topics } = controller.call(19, { topics: [topic, topic, { ...topic, name: 'u' }] });
  expect(topics.map((one) => [one.name, one.errorCode])).toEqual([
    ['t', 42],
    ['u', 0],
  ]);
  expect(create(controller, { name: 'dry' }, true)).toEqual([[0, null]]);
  expect(controller.image.topics.names()).toEqual(['u']);
});

test('a fenced broker gets replicas only when needed, outside of the ISR; with all fenced none is created', () => {
  const controller = new TestController().start(1);
  controller.register(2);
  expect(create(controller, { replicationFactor: 2 })).toEqual([[0, null]]);
  expect(controller.partition('t')).toMatchObject({ replicas: [1, 2], isr: [1], leader: 1 });
  controller.kill(1);
  expect(create(controller, { name: 'u' })).toEqual([
    [
      38,
      'Unable to replicate the partition 1 time(s): All brokers are currently fenced, or have all their log directories cordoned.',
    ],
  ]);
});

test('DeleteTopics deletes by name and by id', () => {
  const controller = new TestController().start(1);
  controller.create('a', [[1]], { 'retention.ms': '1' });
  controller.create('b', [[1]]);
  const id = controller.image.topics.byName('b')?.id as string;
  const { responses } = controller.call(20, {
    timeoutMs: 0,
    topics: [
      { name: 'a', topicId: uuidZero },
      { name: null, topicId: id },
      { name: 'none', topicId: uuidZero },
      { name: null, topicId: uuidOf(77) },
    ],
    topicNames: [],
  });
  expect(responses.map((one) => [one.name, one.errorCode])).toEqual([
    ['a', 0],
    ['none', 3],
    ['b', 0],
    [null, 100],
  ]);
  expect(controller.image.topics.size).toBe(0);
  expect([...controller.image.configs.all()].filter((config) => config.type === 2)).toEqual([]);
});

test('DeleteTopics does not delete a topic that the request contains more than once', () => {
  const controller = new TestController().start(1);
  const ids = new Map<string, string>();
  for (const name of ['a', 'b']) {
    controller.create(name, [[1]]);
    ids.set(name, controller.image.topics.byName(name)?.id as string);
  }
  const both = 'You may not specify both topic name and topic id.';
  const neither = 'Neither topic name nor id were specified.';
  const mapped = 'The provided topic name maps to an ID that was already supplied.';
  // How the request names each topic (by name, `id of NAME`, `NAME and id`, or `nothing`), and the answers that Kafka gives.
  const cases: [string[], [string | null, string][]][] = [
    [['a', 'a'], [['a', 'Duplicate topic name.']]],
    [['id of a', 'id of a'], [[null, 'Duplicate topic id.']]],
    [['id of a', 'a'], [['a', mapped]]],
    [
      ['a', 'id of a', 'id of a'],
      [
        ['a', mapped],
        [null, 'Duplicate topic id.'],
      ],
    ],
    [['a and id'], [['a', both]]],
    [
      ['a and id', 'a and id'],
      [
        ['a', both],
        ['a', both],
      ],
    ],
    [
      ['nothing', 'nothing'],
      [
        [null, neither],
        [null, neither],
      ],
    ],
  ];
  for (const [given, answers] of cases) {
    const topics = given.map((what) => {
      const name = what.startsWith('id of') || what === 'nothing' ? null : (what[0] as string);
      return { name, topicId: what.includes('id') ? (ids.get('a') as string) : uuidZero };
    });
    const { responses } = controller.call(20, { timeoutMs: 0, topics, topicNames: [] });
    expect(
      responses.map((one) => [one.name, one.errorCode, one.errorMessage]),
      given.join(),
    ).toEqual(answers.map(([name, message]) => [name, 42, message]));
  }
  expect(controller.image.topics.size).toBe(2);
});

test('a request for more than 10,000 partitions is refused, of one topic or of several', () => {
  const controller = new TestController().start(1);
  controller.create('t', [[1]]);
  controller.create('u', [[1]]);
  const refused = 'Excessively large number of partitions per request.';
  const topic = (name: string, numPartitions: number) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  });
  // Bound: partitionsPerRequestMax.
  for (const topics of [[topic('a', 10_001)], [topic('a', 6_000), topic('b', 6_000)]]) {
    expect(() => controller.call(19, { topics, validateOnly: true })).toThrow(refused);
  }
  for (const topics of [
    [{ name: 't', count: 10_002 }],
    [
      { name: 't', count: 6_000 },
      { name: 'u', count: 6_000 },
    ],
  ]) {
    const asked = topics.map((one) => ({ ...one, assignments: null }));
    expect(() => controller.call(37, { topics: asked, timeoutMs: 0, validateOnly: true })).toThrow(refused);
  }
});

test("CreatePartitions adds partitions, and refuses with Kafka's codes and messages", () => {
  const controller = new TestController().start(1, 2);
  controller.create('t', [[1, 2]]);
  const add = (count: number, assignments: { brokerIds: number[] }[] | null = null): unknown => {
    const { results } = controller.call(37, {
      topics: [{ name: 't', count, assignments }],
      timeoutMs: 0,
      validateOnly: false,
    });
    return [results[0]?.errorCode, results[0]?.errorMessage];
  };
  expect(add(1)).toEqual([37, 'Topic already has 1 partition(s).']);
  expect(add(0)).toEqual([37, 'The topic t currently has 1 partition(s); 0 would not be an increase.']);
  expect(add(3, [{ brokerIds: [2, 1] }])).toEqual([
    39,
    'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.',
  ]);
  expect(add(2, [{ brokerIds: [2, 1] }])).toEqual([0, null]);
  expect(controller.partition('t', 1)).toMatchObject({ replicas: [2, 1], leader: 2 });
  expect(add(5)).toEqual([0, null]);
  expect(controller.image.topics.byName('t')?.partitions.length).toBe(5);
});
