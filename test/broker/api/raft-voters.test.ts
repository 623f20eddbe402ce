/** Requests that change the voters: their validation, the error messages of refusals, and which of them a node forwards. */
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../../src/base/ids.ts';
import { uuidZero } from '../../../src/base/uuid.ts';
import {
  refusalOf,
  requestedAddition,
  requestedRemoval,
  requestedUpdate,
} from '../../../src/broker/api/quorum/raft-voters.ts';
import { create } from '../../../src/protocol/codec/codec.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import {
  AddRaftVoterRequest,
  AddRaftVoterResponse,
} from '../../../src/protocol/messages/quorum/80-add-raft-voter.ts';
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../../../src/protocol/messages/quorum/81-remove-raft-voter.ts';
import {
  UpdateRaftVoterRequest,
  UpdateRaftVoterResponse,
} from '../../../src/protocol/messages/quorum/82-update-raft-voter.ts';
import type { Refusal } from '../../../src/raft/state.ts';
import { idA, idB, TestBroker } from '../harness.ts';

const listeners = [
  { name: 'EXTRA', host: 'e', port: 1 },
  { name: 'CONTROLLER', host: 'c', port: 2 },
];
const asked = { clusterId: null, timeoutMs: 1000, voterId: 2, voterDirectoryId: idA, listeners };
const added = (changes: Partial<typeof asked>) =>
  requestedAddition(create(AddRaftVoterRequest, { ...asked, ...changes }), 'CONTROLLER');
const updated = (level: number, changes: Partial<typeof asked> = {}, minSupportedVersion = 0) => {
  const { timeoutMs: _, ...rest } = { ...asked, ...changes };
  const kRaftVersionFeature = { minSupportedVersion, maxSupportedVersion: 1 };
  const init = { ...rest, currentLeaderEpoch: 3, kRaftVersionFeature };
  return requestedUpdate(create(UpdateRaftVoterRequest, init), 'CONTROLLER', level);
};

describe('a request to change the voters', () => {
  test('to add or update one uses the first endpoint of the default listener', () => {
    const voter = { id: 2, directoryId: idA, endpoints: [listeners[1], listeners[0]] };
    expect(added({})).toEqual({ change: { kind: 'add', voter } });
    expect(updated(1)).toEqual({ change: { kind: 'update', voter } });
  });

  test('to remove one names its id and its directory', () => {
    const request = create(RemoveRaftVoterRequest, {
      clusterId: null,
      voterId: 2,
      voterDirectoryId: idA,
    });
    expect(requestedRemoval(request)).toEqual({
      change: { kind: 'remove', voter: { id: 2, directoryId: idA } },
    });
  });

  test.each([
    ['no id', added({ voterId: -1 }), "Add voter request didn't include a valid voter"],
    ['no directory', added({ voterDirectoryId: uuidZero }), "Add voter request didn't include a valid voter"],
    [
      'no endpoint',
      added({ listeners: [] }),
      "Add voter request didn't include the endpoint (Endpoints(endpoints={})) for the default listener ListenerName(CONTROLLER)",
    ],
    [
      'only another endpoint',
      updated(1, { listeners: listeners.slice(0, 1) }),
      "Update voter request didn't include the endpoint (Endpoints(endpoints={ListenerName(EXTRA)=e/<unresolved>:1})) for the default listener ListenerName(CONTROLLER)",
    ],
    [
      'a voter that can do less than the cluster asks',
      updated(0, {}, 1),
      `Voter ReplicaKey(id=2, directoryId=${idA}) supports kraft.version 1-1, the cluster has 0`,
    ],
  ])('is refused as invalid: %s', (_name, requested, message) => {
    expect(requested).toMatchObject({ error: { name: 'INVALID_REQUEST' }, message });
  });
});

test("a change that the quorum refuses gets Kafka's error and message", () => {
  const voter = { id: nodeId(2), directoryId: idA, endpoints: [] };
  const voters = [{ id: nodeId(1), directoryId: idB }];
  const told = (reason: Exclude<Refusal, 'notLeader'>, kind: 'add' | 'remove') => {
    const { error, message } = refusalOf(reason, { kind, voter }, voters);
    return `${error.name}: ${message}`;
  };
  const [two, set] = [`ReplicaKey(id=2, directoryId=${idA})`, `[ReplicaKey(id=1, directoryId=${idB})]`];
  expect([
    told('changePending', 'add'),
    told('notReady', 'remove'),
    told('notCaughtUp', 'add'),
    told('duplicateVoter', 'add'),
    told('unknownVoter', 'remove'),
    told('lastVoter', 'remove'),
    told('staticVoters', 'remove'),
  ]).toEqual([
    'REQUEST_TIMED_OUT: Request timed out waiting for leader to handle previous voter change request',
    'REQUEST_TIMED_OUT: Request timed out waiting for leader to establish HWM and fence previous voter changes',
    `REQUEST_TIMED_OUT: Aborted add voter operation for ${two} since it is lagging behind`,
    `DUPLICATE_VOTER: The voter id for ${two} is already part of the set of voters ${set}.`,
    `VOTER_NOT_FOUND: Cannot remove voter ${two} from the set of voters ${set}`,
    `VOTER_NOT_FOUND: Cannot remove voter ${two} from the set of voters ${set}`,
    "UNSUPPORTED_VERSION: Cluster doesn't support removing voter because the kraft.version feature is 0",
  ]);
});

describe('a node that is not the active controller', () => {
  const removal = { clusterId: null, voterId: 2, voterDirectoryId: idA };
  const update = {
    clusterId: null,
    currentLeaderEpoch: 3,
    voterId: 2,
    voterDirectoryId: idA,
    listeners,
    kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
  };

  test('forwards additions and removals to the active controller', async () => {
    const broker = new TestBroker();
    broker.controller.on(AddRaftVoterRequest, AddRaftVoterResponse, ({ ackWhenCommitted }) => ({
      errorCode: 126,
      errorMessage: `there, ${ackWhenCommitted}`,
    }));
    broker.controller.on(RemoveRaftVoterRequest, RemoveRaftVoterResponse, () => ({
      errorCode: 0,
      errorMessage: null,
    }));
    const body = { ...asked, ackWhenCommitted: false };
    expect(await broker.inject(AddRaftVoterRequest, AddRaftVoterResponse, 1, body)).toMatchObject({
      errorCode: 126,
      errorMessage: 'there, false',
    });
    expect(await broker.inject(RemoveRaftVoterRequest, RemoveRaftVoterResponse, 0, removal)).toMatchObject({
      errorCode: 0,
    });
  });

  test('refuses a request for another cluster, and times out when no controller is found', async () => {
    const broker = new TestBroker();
    const clusterId = 'other';
    const wrong = {
      errorCode: 104,
      errorMessage: `The given id "other" doesn't match the cluster id "test-cluster"`,
    };
    const late = { errorCode: 7 };
    const add = (body: typeof asked | (Omit<typeof asked, 'clusterId'> & { clusterId: string })) =>
      broker.inject(AddRaftVoterRequest, AddRaftVoterResponse, 0, body);
    expect(await add({ ...asked, clusterId })).toMatchObject(wrong);
    expect(await add(asked)).toMatchObject(late);
    const remove = { ...removal, clusterId };
    expect(await broker.inject(RemoveRaftVoterRequest, RemoveRaftVoterResponse, 0, remove)).toMatchObject(
      wrong,
    );
    expect(await broker.inject(RemoveRaftVoterRequest, RemoveRaftVoterResponse, 0, removal)).toMatchObject(
      late,
    );
  });

  test('refuses updates of a voter and names the active controller', async () => {
    const broker = new TestBroker();
    const voter = { id: nodeId(2), directoryId: idB, logEndOffset: 1, lastFetchMs: 1, lastCaughtUpMs: 1 };
    broker.controller.on(UpdateRaftVoterRequest, UpdateRaftVoterResponse, () => ({
      errorCode: 127,
      currentLeader: { leaderId: 1, leaderEpoch: 3, host: 'c', port: 2 },
    }));
    const ask = async (clusterId: string | null = null) => {
      const options = { kind: 'controller' as const };
      const body = { ...update, clusterId };
      const answer = await broker.inject(UpdateRaftVoterRequest, UpdateRaftVoterResponse, 0, body, options);
      return [errorOf(answer.errorCode).name, answer.currentLeader.leaderId, answer.currentLeader.host];
    };
    expect(await ask()).toEqual(['VOTER_NOT_FOUND', 1, 'c']);
    const endpoints = [{ name: 'CONTROLLER', host: 'there', port: 9 }];
    broker.quorum = { ...broker.quorum, leaderId: nodeId(2), voters: [{ ...voter, endpoints }] };
    expect(await ask()).toEqual(['NOT_LEADER_OR_FOLLOWER', 2, 'there']);
    expect(await ask('other')).toEqual(['INCONSISTENT_CLUSTER_ID', 2, 'there']);
    broker.quorum = { ...broker.quorum, leaderId: null };
    expect(await ask()).toEqual(['NOT_LEADER_OR_FOLLOWER', -1, '']);
  });
});
