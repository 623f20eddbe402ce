/**
 * Which change of the voter set a controller asks for: to add itself, to remove its former disk, or to update its endpoints.
 */
import { expect, test } from 'vitest';
import type { Timer } from '../../src/base/clock.ts';
import { nodeId } from '../../src/base/ids.ts';
import { type Uuid, uuidZero } from '../../src/base/uuid.ts';
import type { ControllerClient } from '../../src/metadata/controller-port.ts';
import { Errors, KafkaError } from '../../src/protocol/errors.ts';
import type { QuorumStatus, VoterStatus } from '../../src/raft/api.ts';
import { OwnVoter, ownVoterChange } from '../../src/server/own-voter.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

const [mine, former, theirs]: Uuid[] = [
  'AAAAAAAAQACAAAAAAAAAAQ',
  'AAAAAAAAQACAAAAAAAAABA',
  'AAAAAAAAQACAAAAAAAAABg',
] as const;
const endpoints = [
  { name: 'CONTROLLER', host: 'c2', port: 2 },
  { name: 'EXTRA', host: 'c2', port: 3 },
];

function voter(id: number, directoryId: Uuid = theirs as Uuid, at = endpoints): VoterStatus {
  return { id: nodeId(id), directoryId, endpoints: at, logEndOffset: 1, lastFetchMs: 1, lastCaughtUpMs: 1 };
}

const me = { id: nodeId(2), directoryId: mine as Uuid };

test.each([
  ['no voter', true, 1, [voter(1)], { kind: 'add' }],
  ['no voter, and not asked to join', false, 1, [voter(1)], null],
  ['nobody leads', true, null, [voter(1)], null],
  ['static voters', true, 1, [voter(1, uuidZero)], null],
  ['nothing known of the voters', true, 1, [], null],
  [
    'its former disk votes',
    true,
    1,
    [voter(1), voter(2, former)],
    { kind: 'remove', former: { id: 2, directoryId: former } },
  ],
  ['its former disk votes, and not asked to join', false, 1, [voter(1), voter(2, former)], null],
  ['a voter', true, 1, [voter(1), voter(2, mine, endpoints.toReversed())], null],
  ['a voter elsewhere', false, 1, [voter(1), voter(2, mine, endpoints.slice(1))], { kind: 'update' }],
])('%s', (_name, joins, leaderId, voters, change) => {
  const status = { leaderId: leaderId === null ? null : nodeId(leaderId), voters };
  expect(ownVoterChange({ me, endpoints, joins }, status)).toEqual(change);
});

test('a node repeats its request until it is a voter, after the removal of its former directory id', async () => {
  const looks: (() => void)[] = [];
  const asked: number[] = [];
  let voters = [voter(1), voter(2, former)];
  let failure: KafkaError | null = new KafkaError(Errors.REQUEST_TIMED_OUT);
  const client = {
    request: async ({ key }: { key: number }) => {
      asked.push(key);
      if (failure !== null) throw failure;
      if (key === 80 && voters.length === 2) return { errorCode: 7, errorMessage: 'lags' };
      voters = key === 81 ? [voter(1)] : [voter(1), voter(2, mine)];
      return { errorCode: 0, errorMessage: null };
    },
  };
  const own = new OwnVoter({
    me,
    clusterId: 'c',
    endpoints,
    joins: true,
    intervalMs: 2000,
    log: { status: () => ({ leaderId: nodeId(1), epoch: 3, voters }) as unknown as QuorumStatus },
    client: client as unknown as ControllerClient,
    scheduler: {
      after: (_delayMs, callback): Timer => {
        looks.push(callback);
        return { cancel: () => {} };
      },
      soon: (callback) => callback(),
    },
    logger: silentLogger,
  });
  const look = async (): Promise<void> => {
    const next = looks.shift();
    expect(looks).toEqual([]);
    next?.();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  own.onControllerChange({ id: nodeId(1), epoch: 3 });
  own.onControllerChange({ id: nodeId(1), epoch: 4 });
  await look();
  expect(asked).toEqual([81]);
  failure = null;
  await look();
  await look();
  await look();
  expect(asked).toEqual([81, 81, 80]);
  expect(voters.map(({ id, directoryId }) => [id, directoryId])).toEqual([
    [1, theirs],
    [2, mine],
  ]);
  own.close();
  await look();
  expect(looks).toEqual([]);
});
