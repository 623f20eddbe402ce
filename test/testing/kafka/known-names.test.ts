/**
 * The kit refuses misspelled names. If a misspelled fault, wait or topic did nothing without an error, the user's test would
 * pass and prove nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';

/** Arguments without types, as a JavaScript test passes them, where no compiler finds a misspelled name. */
type Untyped = (options: Readonly<Record<string, unknown>>) => unknown;

let kafka: TestKafka;

beforeAll(async () => {
  kafka = await startKafka({ where: 'here', topics: { orders: 1 }, log: 'silent' });
});

afterAll(() => kafka.close());

describe('a fault with wrong options', () => {
  const rows: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ['an unknown option', { api: 'Produce', eror: 'NOT_LEADER_OR_FOLLOWER' }, /fault has no option 'eror'/],
    ['an unknown API', { api: 'Prodcue', drop: true }, /'Prodcue' is not a Kafka API/],
    ['one unknown API of several', { api: ['Produce', 'Ftech'], drop: true }, /'Ftech' is not a Kafka API/],
    ['a name that every object has', { api: 'constructor', drop: true }, /'constructor' is not a Kafka API/],
    ['an unknown error', { error: 'toString' }, /'toString' is not a Kafka error/],
    ['two ends at once', { error: 'UNKNOWN_SERVER_ERROR', drop: true }, /error and drop: make two faults/],
    ['an unknown damage', { api: 'Fetch', corrupt: 'crs' }, /corrupt must be 'crc' or 'truncate'/],
    [
      'damage where no records are',
      { api: 'Produce', corrupt: 'crc' },
      /corrupt can't be used with Produce: Produce has no responses with records/,
    ],
    ['an unknown unit of time', { api: 'Fetch', delay: '5 minutes' }, /is not a duration/],
    ['a throttle that is no number', { api: 'Fetch', throttleMs: '5s' }, /throttleMs must be/],
    ['a condition that is no function', { where: 'x' }, /where must be a function/],
    ['an empty list of APIs', { api: [], drop: true }, /an empty list of APIs/],
    ['an API that is a list in a list', { api: [['Produce']], drop: true }, /is not a Kafka API/],
    ['after without an end', { api: 'Produce', after: true }, /after does nothing by itself/],
    ['observe with an end', { observe: true, disconnect: true }, /observe only counts/],
    ['a partition that is text', { partition: '1' }, /partition must be a whole number/],
    ['a client that is a pattern', { clientId: /app/ }, /clientId must be a string/],
    ['nothing that happens', {}, /say what shall happen/],
    [
      'only effects that are switched off',
      { api: 'Fetch', drop: false, after: false },
      /say what shall happen/,
    ],
    ['an error that is none', { api: 'Produce', error: 'NONE' }, /'NONE' is no error/],
    ['no delay', { api: 'Produce', delay: '0s' }, /a delay of 0 does nothing/],
    ['no throttle', { api: 'Produce', throttleMs: 0 }, /from 1 on/],
    [
      'a delay of no response',
      { api: 'Produce', drop: true, delay: 5 },
      /with drop a client sees nothing of delay/,
    ],
    ['a throttle without a response', { disconnect: true, throttleMs: 5 }, /sees nothing of throttleMs/],
    ['records beside an error', { corrupt: 'crc', error: 'CORRUPT_MESSAGE' }, /sees nothing of corrupt/],
    [
      'an API that is not for clients',
      { api: 'Vote', drop: true },
      /'Vote' is not a Kafka API that these brokers serve/,
    ],
    [
      'an API that is not built',
      { api: 'ShareFetch', drop: true },
      /'ShareFetch' is not a Kafka API that these brokers serve/,
    ],
    [
      'a partition of an API without',
      { api: 'Heartbeat', partition: 0, drop: true },
      /requests that name a partition/,
    ],
    [
      'a partition where only topics are',
      { api: 'Metadata', partition: 0, drop: true },
      /requests that name a partition/,
    ],
    [
      'a topic of an API without',
      { api: 'ListGroups', topic: 'orders', drop: true },
      /requests that name a topic\./,
    ],
    [
      'a topic id of an API without',
      { api: 'ListOffsets', topicId: 'AAAAAAAAAAAAAAAAAAAABA', drop: true },
      /name a topic id/,
    ],
    [
      'a group of an API without',
      { api: ['Heartbeat', 'Produce'], group: 'g', drop: true },
      /group can't be used with Produce/,
    ],
    [
      'a transactional id of an API without',
      { api: 'Fetch', transactionalId: 't', drop: true },
      /a transactional id/,
    ],
    [
      'an error that no response tells',
      { api: 'GetTelemetrySubscriptions', corrupt: 'crc' },
      /responses with records/,
    ],
    ['a throttle that no response tells', { api: 'SaslHandshake', throttleMs: 5 }, /a throttle time/],
    [
      'filters that no API has together',
      { group: 'g', corrupt: 'crc' },
      /group and corrupt can't be used together/,
    ],
    ['a topic without a name', { topic: '', drop: true }, /no request has an empty topic/],
    ['a node that there is not', { node: 2, drop: true }, /There is no node 2; nodes are 1 to 1/],
    [
      'an effect that is neither true nor false',
      { api: 'Produce', drop: 'yes' },
      /drop must be true or false/,
    ],
    ['a partition beyond 32 bits', { api: 'Produce', partition: 2 ** 40, drop: true }, /at most 2147483647/],
    ['a topic id that is none', { api: 'Fetch', topicId: 'orders', drop: true }, /must be 22 characters/],
    ['the kit itself', { clientId: 'bendemann-testing', drop: true }, /requests of the kit itself/],
  ];

  test.each(rows)('is refused: %s', (_name, options, message) => {
    expect(() => (kafka.fault as Untyped).call(kafka, options)).toThrow(message);
  });

  test('is not in force', async () => {
    await kafka.produce('orders', ['one']);
    expect(await kafka.read('orders')).toHaveLength(1);
  });
});

describe('a wrong argument is refused', () => {
  test.each([
    [
      'wait.group',
      () => (kafka.wait.group as (id: string, o: object) => unknown).call(kafka.wait, 'g', { member: 1 }),
    ],
    [
      'wait.inSync',
      () =>
        (kafka.wait.inSync as (t: string, o: object) => unknown).call(kafka.wait, 'orders', { timout: 1 }),
    ],
    [
      'wait.leader',
      () =>
        (kafka.wait.leader as (t: string, p: number, o: object) => unknown).call(kafka.wait, 'orders', 0, {
          isnt: 1,
        }),
    ],
    [
      'wait.offsets',
      () =>
        (kafka.wait.offsets as (t: string, n: number, o: object) => unknown).call(kafka.wait, 'orders', 0, {
          timout: 1,
        }),
    ],
    [
      'wait.until',
      () =>
        (kafka.wait.until as (c: () => boolean, o: object) => unknown).call(kafka.wait, () => true, {
          timout: 1,
        }),
    ],
    ['read', () => (kafka.read as (t: string, o: object) => unknown).call(kafka, 'orders', { cout: 1 })],
    ['startKafka', () => (startKafka as Untyped)({ node: 3, where: 'here' })],
    [
      'Topic prices',
      () => (kafka.createTopic as (t: string, o: object) => unknown).call(kafka, 'prices', { partition: 3 }),
    ],
    ['Topic prices', () => (startKafka as Untyped)({ where: 'here', topics: { prices: { config: {} } } })],
    [
      'A record',
      () => (kafka.produce as (t: string, r: object[]) => unknown).call(kafka, 'orders', [{ val: 'x' }]),
    ],
  ])('a misspelled option of %s', async (name, given) => {
    await expect((async () => given())()).rejects.toThrow(new RegExp(`^${name} has no option '`));
  });

  test('an API that does not exist, in counts and control functions', () => {
    expect(() => (kafka.requests.count as Untyped).call(kafka.requests, { apis: 'Fetch' })).toThrow(
      /no option 'apis'/,
    );
    expect(() => kafka.requests.count({ api: 'Ftech' })).toThrow(/is not a Kafka API/);
    expect(() => kafka.requests.of('Ftech')).toThrow(/is not a Kafka API/);
    expect(() => kafka.on('Ftech', (_request, next) => next())).toThrow(/is not a Kafka API/);
    expect(() => kafka.on('Vote', (_request, next) => next())).toThrow(
      /'Vote' is not a Kafka API that these brokers serve/,
    );
    expect(() => kafka.requests.of('Vote')).toThrow(/'Vote' is not a Kafka API that these brokers serve/);
    expect(() => kafka.requests.count({ node: 2 })).toThrow(/There is no node 2/);
  });

  test('a record without a value', async () => {
    const produce = kafka.produce as (topic: string, records: readonly object[]) => Promise<void>;
    await expect(produce.call(kafka, 'orders', [{ key: 'a' }])).rejects.toThrow(/needs a value/);
  });

  test('an unknown clock', async () => {
    await expect((startKafka as Untyped)({ where: 'here', clock: 'manul' })).rejects.toThrow(/clock must be/);
  });

  test('more racks than nodes', async () => {
    await expect(startKafka({ where: 'here', racks: ['a', 'b'] })).rejects.toThrow(/racks names 2 racks/);
  });

  test.each([
    ['wait.group', () => kafka.wait.group('g', { state: 'stable' }), /'stable' is not a state of a group/],
    ['wait.group', () => kafka.wait.group('g', { topic: 'orders' }), /go together/],
    ['wait.group', () => kafka.wait.group('g', { state: 'Stable', members: 0 }), /never has 0 members/],
    ['wait.group', () => kafka.wait.group('g', { state: 'Empty', members: 1 }), /never has 1 members/],
    ['wait.leader', () => kafka.wait.leader('orders', 0, { is: 9 }), /There is no node 9/],
    ['wait.leader', () => kafka.wait.leader('orders', 0, { not: 9 }), /There is no node 9/],
    ['wait.leader', () => kafka.wait.leader('orders', 0, { is: 1, not: 1 }), /can't both be/],
    ['wait.until', () => kafka.wait.until(true as never), /must be a function/],
    ['wait.offsets', () => kafka.wait.offsets('orders', 'x' as never), /count must be a whole number/],
    ['read', () => kafka.read('orders', { count: 1, until: () => true }), /not with both/],
    ['produce', () => kafka.produce('orders', 'text' as never), /must be a list of strings/],
    ['produce', () => kafka.produce('orders', [{ value: 5 as never }]), /needs a value/],
    ['produce', () => kafka.produce('orders', [{ value: 'x', key: 5 as never }]), /key of a record must be/],
    ['createTopic', () => kafka.createTopic('x', 0), /partitions must be a whole number from 1/],
    [
      'createTopic',
      () => kafka.createTopic('x', { configs: { 'retention.ms': 5 as never } }),
      /must be a string/,
    ],
    ['coordinator', () => kafka.coordinator('groups' as never, 'g'), /not 'groups'/],
    ['disk', () => kafka.disk(1).fail('writes' as never), /not to 'writes'/],
    ['on', () => kafka.on('Fetch', undefined as never), /control function is missing/],
    ['on', () => kafka.on(['Fetch'] as never, () => 'close'), /is not a Kafka API/],
    ['latency', () => kafka.network.latency(1, { form: 1 } as never), /no option 'form'/],
    ['cut', () => kafka.network.cut(1 as never, [1]), /a list of nodes is expected/],
    ['cut', () => kafka.network.cut([1], [1]), /no messages go from \[1\] to \[1\]/],
    ['cut', () => kafka.network.cut([], [1]), /no messages go from \[\] to \[1\]/],
    ['cutOneWay', () => kafka.network.cutOneWay(1, 1), /no messages go/],
    ['latency', () => kafka.network.latency('5ms'), /two different nodes are needed/],
    ['disconnect', () => kafka.network.disconnectClients({ clientID: 'x' } as never), /no option 'clientID'/],
    [
      'properties',
      () => startKafka({ where: 'here', properties: { 'min.insync.replica': '2' } }),
      /did you mean min.insync.replicas/,
    ],
    [
      'properties',
      () => startKafka({ where: 'here', properties: { 'num.partitions': 2 as never } }),
      /must be a string, not 2/,
    ],
    ['topics', () => startKafka({ where: 'here', topics: ['orders'] as never }), /topics must be/],
    ['log', () => startKafka({ where: 'here', log: 'debug' as never }), /log must be/],
    ['storage', () => startKafka({ where: 'here', storage: '' }), /storage must be/],
    ['racks', () => startKafka({ where: 'here', racks: 'a' as never }), /racks must be a list of strings/],
    ['startKafka', () => startKafka(null as never), /startKafka takes an object of options, not null/],
  ] as const)('an invalid argument of %s', async (_name, given, message) => {
    await expect((async () => given())()).rejects.toThrow(message);
  });
});

test('a closed cluster refuses faults and control functions', async () => {
  const closed = await startKafka({ where: 'here', log: 'silent' });
  await closed.close();
  expect(() => closed.fault({ drop: true })).toThrow('The cluster was closed.');
  expect(() => closed.on('Fetch', () => 'close')).toThrow('The cluster was closed.');
});
