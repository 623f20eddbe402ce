import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Random } from '../../src/base/random.ts';
import { systemClock, systemScheduler } from '../../src/adapters/clock.ts';
import { DisconnectedError } from '../../src/client/connection.ts';
import type { KafkaClient } from '../../src/client/kafka-client.ts';
import { main } from '../../src/cli/reassign/kafka-reassign-partitions.ts';
import {
  checkReassignOptions,
  reassignOptions,
} from '../../src/cli/reassign/kafka-reassign-partitions-options.ts';
import { placeReplicas } from '../../src/cli/reassign/kafka-reassign-partitions-placement.ts';
import {
  checkPlan,
  parseBrokerList,
  parsePlan,
  parseTopicsToMove,
  planText,
} from '../../src/cli/reassign/kafka-reassign-partitions-plan.ts';
import { describeLivingDirectories } from '../../src/cli/reassign/kafka-reassign-partitions-requests.ts';
import { movesOf } from '../../src/cli/reassign/kafka-reassign-partitions-throttles.ts';
import { parseOptions } from '../../src/cli/arguments/options.ts';
import type { CliIo } from '../../src/cli/tool.ts';

// Expected texts are what Apache Kafka 4.3.1's tool prints.

describe('the command line', () => {
  const action = (...args: string[]): string => {
    try {
      return checkReassignOptions(parseOptions(reassignOptions, args));
    } catch (error) {
      return (error as Error).message;
    }
  };
  const server = ['--bootstrap-server', 'a:1'];

  test.each([
    [['--list', ...server], 'list'],
    [['--list', '--bootstrap-controller', 'a:1'], 'list'],
    [server, 'Command must include exactly one action: --generate, --execute, --verify, --cancel, --list'],
    [
      ['--list', '--cancel', ...server],
      'Command must include exactly one action: --generate, --execute, --verify, --cancel, --list',
    ],
    [['--list'], 'Please specify either --bootstrap-server or --bootstrap-controller'],
    [['--execute', ...server], 'Missing required argument "[reassignment-json-file]"'],
    [['--generate', ...server], 'Missing required argument "[topics-to-move-json-file]"'],
    [
      ['--generate', '--topics-to-move-json-file', 'f', ...server],
      'Missing required argument "[broker-list]"',
    ],
    [['--list', '--additional', ...server], 'Option "[additional]" can\'t be used with action "[list]"'],
    [
      ['--execute', '--reassignment-json-file', 'f', '--bootstrap-controller', 'a:1'],
      'Option "[bootstrap-controller]" can\'t be used with action "[execute]"',
    ],
  ])('%j gives: %s', (args, text) => {
    expect(action(...args)).toBe(text);
  });

  test('that the parser refuses is reported as an uncaught exception of Java', async () => {
    const io = {} as CliIo;
    await expect(main(['--zookeeper', 'localhost:2181', '--list'], io)).rejects.toThrow(
      'Exception in thread "main" joptsimple.UnrecognizedOptionException: zookeeper is not a recognized option',
    );
  });
});

describe('reassignment plans', () => {
  const plan = (...partitions: unknown[]): string => JSON.stringify({ version: 1, partitions });
  const foo = { topic: 'foo', partition: 0, replicas: [1, 2] };

  test('are read and written with the directories in them', () => {
    const parsed = parsePlan(plan(foo, { ...foo, partition: 1, log_dirs: ['any', '/d'] }));
    expect(parsed.partitions).toEqual([foo, { ...foo, partition: 1 }]);
    expect(parsed.placements).toEqual([{ topic: 'foo', partition: 1, broker: 2, directory: '/d' }]);
    expect(planText([foo], new Map([['foo-0-2', '/d']]))).toBe(
      '{"version":1,"partitions":[{"topic":"foo","partition":0,"replicas":[1,2],"log_dirs":["any","/d"]}]}',
    );
  });

  test.each([
    ['no json', 'The input string is not a valid JSON'],
    ['{"version":2}', 'Not supported version field value 2'],
    ['{}', 'Partition reassignment list cannot be empty'],
    [plan({ ...foo, replicas: [] }), 'Partition replica list cannot be empty'],
    [plan(foo, foo), 'Partition reassignment contains duplicate topic partitions: foo-0'],
    [
      plan({ ...foo, replicas: [1, 1] }),
      'Partition replica lists may not contain duplicate entries: foo-0 contains multiple entries for 1',
    ],
    [
      plan({ ...foo, log_dirs: ['any'] }),
      'Size of replicas list [1, 2] is different from size of log dirs list [any] for partition foo-0',
    ],
    [plan({ topic: 'foo' }), 'Wrong or missing field partition in {"topic":"foo"}'],
  ])('%s are refused: %s', (text, message) => {
    expect(() => checkPlan(parsePlan(text))).toThrow(message);
  });

  test('for a proposal name topics and brokers, each once', () => {
    expect(parseTopicsToMove('{"topics":[{"topic":"a"},{"topic":"b"}],"version":1}')).toEqual(['a', 'b']);
    expect(() => parseTopicsToMove('{"topics":[{"topic":"a"},{"topic":"a"}]}')).toThrow(
      'List of topics to reassign contains duplicate entries: a',
    );
    expect(parseBrokerList('3,1')).toEqual([3, 1]);
    expect(() => parseBrokerList('3,3')).toThrow('Broker list contains duplicate entries: 3');
  });
});

describe('proposed assignments', () => {
  const randomFrom = (words: readonly number[]): Random => {
    let at = 0;
    return {
      u32: () => words[at++ % words.length] ?? 0,
      bytes: (count) => new Uint8Array(count),
    };
  };

  test('spread leaders evenly, and replicas over as many racks as there are', () => {
    const inputs = fc.record({
      racks: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 9 }),
      isRackAware: fc.boolean(),
      partitionCount: fc.integer({ min: 1, max: 30 }),
      factor: fc.integer({ min: 1, max: 9 }),
      words: fc.array(fc.nat(), { minLength: 2, maxLength: 2 }),
    });
    fc.assert(
      fc.property(inputs, ({ racks, isRackAware, partitionCount, factor, words }) => {
        const brokers = racks.map((rack, at) => ({ id: at + 1, rack: isRackAware ? `r${rack}` : null }));
        if (factor > brokers.length) {
          expect(() => placeReplicas(brokers, partitionCount, factor, randomFrom(words))).toThrow(
            `Replication factor: ${factor} larger than available brokers: ${brokers.length}.`,
          );
          return;
        }
        const placed = placeReplicas(brokers, partitionCount, factor, randomFrom(words));
        expect(placed).toHaveLength(partitionCount);
        const leads = brokers.map(({ id }) => placed.filter(([leader]) => leader === id).length);
        expect(Math.max(...leads) - Math.min(...leads)).toBeLessThanOrEqual(1);
        for (const replicas of placed) {
          expect(new Set(replicas).size).toBe(factor);
          const used = new Set(replicas.map((id) => brokers[id - 1]?.rack));
          if (isRackAware) expect(used.size).toBe(Math.min(factor, new Set(racks).size));
        }
      }),
    );
  });
});

test('a move has the previous replicas of a partition as sources and the new ones as destinations', () => {
  const underWay = [{ topic: 'a', partition: 0, replicas: [3, 1], adding: [3], removing: [1] }];
  const proposed = [
    { topic: 'a', partition: 0, replicas: [2] },
    { topic: 'b', partition: 1, replicas: [1, 2] },
  ];
  const current = new Map([
    ['a-0', { topic: 'a', partition: 0, replicas: [3, 1] }],
    ['b-1', { topic: 'b', partition: 1, replicas: [1] }],
  ]);
  expect(movesOf(underWay, proposed, current)).toEqual([
    { topic: 'a', partition: 0, sources: [1], destinations: [2] },
    { topic: 'b', partition: 1, sources: [1], destinations: [2] },
  ]);
});

describe('the directories of replicas', () => {
  const replicas = [1, 2, 3].map((broker) => ({ topic: 'foo', partition: 0, broker }));

  /** Brokers of the cluster; each describes its directory, unless `hangs` does something else. */
  function clusterOf(
    brokers: readonly number[],
    hangs: (living: Set<number>) => void = () => {},
  ): KafkaClient {
    const living = new Set(brokers);
    return {
      ports: { clock: systemClock, scheduler: systemScheduler },
      metadata: async () => ({ brokers: new Map([...living].map((id) => [id, {}])) }),
      requestTo: async (broker: number) => {
        if (!living.has(broker)) throw new Error(`broker ${broker} was asked`);
        if (broker === 3) hangs(living);
        const foo = (isFutureKey: boolean) => [
          { name: 'foo', partitions: [{ partitionIndex: 0, isFutureKey }] },
        ];
        return {
          errorCode: 0,
          results: [
            { logDir: `/future-${broker}`, topics: broker === 2 ? foo(true) : [] },
            { logDir: `/${broker}`, topics: foo(false) },
          ],
        };
      },
    } as unknown as KafkaClient;
  }

  test('are read from the live brokers, with the directories to which replicas move', async () => {
    expect(await describeLivingDirectories(clusterOf([1, 2]), replicas)).toEqual(
      new Map([
        ['foo-0-1', { current: '/1', future: null }],
        ['foo-0-2', { current: '/2', future: '/future-2' }],
      ]),
    );
  });

  test('are left out for a broker that does not respond and is fenced in the meantime', async () => {
    const cluster = clusterOf([1, 2, 3], (living) => {
      living.delete(3);
      throw new DisconnectedError('no answer');
    });
    expect([...(await describeLivingDirectories(cluster, replicas)).keys()]).toEqual(['foo-0-1', 'foo-0-2']);
  });

  test('cannot be read when a live broker does not respond', async () => {
    const cluster = clusterOf([1, 2, 3], () => {
      throw new DisconnectedError('no answer');
    });
    await expect(describeLivingDirectories(cluster, replicas)).rejects.toThrow('no answer');
  });
});
