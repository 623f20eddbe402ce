import { describe, expect, test } from 'vitest';
import { uuidZero } from '../../src/base/uuid.ts';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import { TestController } from './harness.ts';

type Part = { entityType: string; entityName: string | null };
type Operation = { key: string; value: number; remove: boolean };

const user = (entityName: string | null): Part => ({ entityType: 'user', entityName });
const client = (entityName: string | null): Part => ({ entityType: 'client-id', entityName });
const ip = (entityName: string | null): Part => ({ entityType: 'ip', entityName });
const set = (key: string, value: number): Operation => ({ key, value, remove: false });
const unset = (key: string): Operation => ({ key, value: 0, remove: true });

function alter(
  controller: TestController,
  entries: { entity: Part[]; ops: Operation[] }[],
  validateOnly = false,
): [code: number, message: string | null][] {
  const response = controller.call(49, { entries, validateOnly });
  return response.entries.map(({ errorCode, errorMessage }) => [errorCode, errorMessage]);
}

function stored(controller: TestController): unknown {
  return Object.fromEntries(
    [...controller.image.security.clientQuotas].map(([key, { values }]) => [key, Object.fromEntries(values)]),
  );
}

const rate = set('producer_byte_rate', 1);
const invalidRequest = 42;

// The texts are those of Kafka 4.3.1 (`scripts/ask-both/security.mjs` compares them with a running one).
test.each<[what: string, entity: Part[], ops: Operation[], message: string]>([
  ['no entity', [], [rate], 'Invalid empty client quota entity'],
  [
    'an unknown type',
    [{ entityType: 'x', entityName: 'a' }],
    [rate],
    'Unhandled client quota entity type: x',
  ],
  ['an empty name', [client('')], [rate], 'Empty client-id not supported'],
  [
    'ip and user',
    [ip('1.2.3.4'), user('a')],
    [rate],
    'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId',
  ],
  ['no address', [ip('a b')], [rate], 'a b is not a valid IP or resolvable host.'],
  ['a key of another type', [ip('1.2.3.4')], [rate], 'Invalid configuration key producer_byte_rate'],
  ['an unknown key', [user('a')], [rate, set('x', 1)], 'Invalid configuration key x'],
  ['zero', [user('a')], [set('request_percentage', 0)], 'Quota request_percentage must be greater than 0'],
  [
    'no number',
    [user('a')],
    [set('request_percentage', NaN)],
    'Quota request_percentage must be greater than 0',
  ],
  [
    'a fraction of a byte',
    [user('a')],
    [set('consumer_byte_rate', 1.5)],
    'consumer_byte_rate cannot be a fractional value.',
  ],
  [
    'more than a long',
    [user('a')],
    [set('producer_byte_rate', 1e19)],
    'Proposed value for producer_byte_rate is too large for a LONG.',
  ],
  [
    'more than an int',
    [ip(null)],
    [set('connection_creation_rate', 2 ** 31)],
    'Proposed value for connection_creation_rate is too large for an INT.',
  ],
  [
    'a key twice',
    [user('m'), client(null)],
    [rate, unset('producer_byte_rate')],
    'Ignoring duplicate entity ClientQuotaEntity(entries={client-id=null, user=m})',
  ],
])('is refused: %s', (_what, entity, ops, message) => {
  const controller = new TestController();
  expect(alter(controller, [{ entity, ops }])).toEqual([[invalidRequest, message]]);
  expect(stored(controller)).toEqual({});
});

describe('AlterClientQuotas', () => {
  test('sets, changes and removes values; an entity without values is removed', () => {
    const controller = new TestController();
    const entity = [user('alice')];
    alter(controller, [{ entity, ops: [set('producer_byte_rate', 1024), set('request_percentage', 12.5)] }]);
    alter(controller, [{ entity, ops: [set('producer_byte_rate', 2048), unset('consumer_byte_rate')] }]);
    expect(stored(controller)).toEqual({
      '[["user","alice"]]': { producer_byte_rate: 2048, request_percentage: 12.5 },
    });
    alter(controller, [{ entity, ops: [unset('producer_byte_rate'), unset('request_percentage')] }]);
    expect(stored(controller)).toEqual({});
  });

  test('stores defaults, pairs and addresses; with validateOnly nothing', () => {
    const controller = new TestController();
    const connections = [set('connection_creation_rate', 5)];
    const entries = [
      { entity: [user(null), client('odd / name ä')], ops: [rate] },
      { entity: [client(null)], ops: [rate] },
      { entity: [ip('2001:db8::1')], ops: connections },
      { entity: [ip(null)], ops: connections },
    ];
    const none = [0, null];
    expect(alter(controller, entries, true)).toEqual([none, none, none, none]);
    expect(stored(controller)).toEqual({});
    alter(controller, entries);
    expect(Object.keys(stored(controller) as object).sort()).toEqual([
      '[["client-id","odd / name ä"],["user",null]]',
      '[["client-id",null]]',
      '[["ip","2001:db8::1"]]',
      '[["ip",null]]',
    ]);
  });

  test("applies the first of several entries for one entity, and returns the last one's error", () => {
    const controller = new TestController();
    const entity = [user('a'), client('b')];
    const answer = alter(controller, [
      { entity, ops: [rate] },
      { entity: [client('b'), user('a')], ops: [set('consumer_byte_rate', 1)] },
      { entity: [user('c')], ops: [set('x', 1)] },
      { entity: [user('first'), user('d')], ops: [rate] },
    ]);
    expect(answer.map(([code]) => code)).toEqual([invalidRequest, invalidRequest, 0]);
    expect(stored(controller)).toEqual({
      '[["client-id","b"],["user","a"]]': { producer_byte_rate: 1 },
      '[["user","d"]]': { producer_byte_rate: 1 },
    });
  });
});

describe('controller_mutation_rate', () => {
  const mutations = { max: 3, used: 0, throttleTimeMs: 0 };
  const context = {
    get throttleTimeMs() {
      return mutations.throttleTimeMs;
    },
    record(partitions: number) {
      if (mutations.used >= mutations.max) {
        mutations.throttleTimeMs = 700;
        throw new KafkaError(Errors.THROTTLING_QUOTA_EXCEEDED, 'The throttling quota has been exceeded.');
      }
      mutations.used += partitions;
    },
  };
  // Kafka leaves out a message that says no more than the code.
  const refused = [Errors.THROTTLING_QUOTA_EXCEEDED.code, null];

  test('created, added and deleted partitions count; topics above the quota are refused', () => {
    const controller = new TestController().start(1);
    controller.mutations = context;
    const topics = ['a', 'b', 'c'].map((name) => ({
      name,
      numPartitions: 2,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }));
    const made = controller.call(19, { topics, timeoutMs: 1000, validateOnly: false });
    expect(made.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', refused[0]],
    ]);
    expect([made.topics[2]?.errorMessage, made.throttleTimeMs]).toEqual([refused[1], 700]);
    expect(controller.image.topics.byName('c')).toBeUndefined();
    const grow = { topics: [{ name: 'a', count: 5, assignments: null }], timeoutMs: 1, validateOnly: false };
    const grown = controller.call(37, grow);
    expect(grown.results.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([refused]);
    mutations.used = 2;
    expect(controller.call(37, grow).results[0]?.errorCode).toBe(0);
    expect(mutations.used).toBe(5);
    const names = {
      topics: ['a', 'b'].map((name) => ({ name, topicId: uuidZero })),
      topicNames: [],
      timeoutMs: 1,
    };
    const gone = controller.call(20, names);
    expect(gone.responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
      refused,
      refused,
    ]);
    mutations.used = 2;
    expect(controller.call(20, names).responses.map(({ errorCode }) => errorCode)).toEqual([0, refused[0]]);
    expect(mutations.used).toBe(7);
  });
});
