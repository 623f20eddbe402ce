/**
 * What AddRaftVoter, RemoveRaftVoter and UpdateRaftVoter have in common: the voter change that a request stands for, its
 * validation, and the response when it is refused. Pure. The error messages are Kafka's. The node that receives a request calls
 * `wrongCluster`; the active controller calls the other functions (`server/voter-requests.ts`).
 */
import { nodeId } from '../../../base/ids.ts';
import { type Uuid, uuidZero } from '../../../base/uuid.ts';
import { type ErrorRow, Errors } from '../../../protocol/errors.ts';
import type { AddRaftVoterRequest } from '../../../protocol/messages/quorum/80-add-raft-voter.ts';
import type { RemoveRaftVoterRequest } from '../../../protocol/messages/quorum/81-remove-raft-voter.ts';
import type { UpdateRaftVoterRequest } from '../../../protocol/messages/quorum/82-update-raft-voter.ts';
import type { Refusal, VoterChange } from '../../../raft/state.ts';
import type { ReplicaKey, Voter } from '../../../raft/types.ts';

/** Why a change was refused. */
export interface VoterFailure {
  readonly error: ErrorRow;
  readonly message: string;
}

/** A change of one voter. */
export type OneVoterChange = Exclude<VoterChange, { readonly kind: 'upgrade' }>;

export type Requested = { readonly change: OneVoterChange } | VoterFailure;

type Verb = OneVoterChange['kind'];

const participles = { add: 'adding', remove: 'removing', update: 'updating' } as const;
const names = { add: 'Add', remove: 'Remove', update: 'Update' } as const;

/** The error for a request that has the id of another cluster; otherwise null. */
export function wrongCluster(asked: string | null, own: string): VoterFailure | null {
  if (asked === null || asked === own) return null;
  return {
    error: Errors.INCONSISTENT_CLUSTER_ID,
    message: `The given id "${asked}" doesn't match the cluster id "${own}"`,
  };
}

/** `listener`: the first of controller.listener.names, on which the voters connect to each other. */
export function requestedAddition(request: AddRaftVoterRequest, listener: string): Requested {
  const voter = votersWith(request, 'add', listener);
  return 'error' in voter ? voter : { change: { kind: 'add', voter } };
}

export function requestedRemoval(request: RemoveRaftVoterRequest): Requested {
  const voter = replicaOf(request, 'remove');
  return 'error' in voter ? voter : { change: { kind: 'remove', voter } };
}

/** `level`: the finalized level of kraft.version. The voter must support it. */
export function requestedUpdate(request: UpdateRaftVoterRequest, listener: string, level: number): Requested {
  const voter = votersWith(request, 'update', listener);
  if ('error' in voter) return voter;
  const { minSupportedVersion: min, maxSupportedVersion: max } = request.kRaftVersionFeature;
  if (level < min || level > max) {
    const message = `Voter ${shownReplica(voter)} supports kraft.version ${min}-${max}, the cluster has ${level}`;
    return { error: Errors.INVALID_REQUEST, message };
  }
  return { change: { kind: 'update', voter } };
}

function replicaOf(
  request: { readonly voterId: number; readonly voterDirectoryId: Uuid },
  verb: Verb,
): ReplicaKey | VoterFailure {
  const { voterId, voterDirectoryId } = request;
  if (voterId < 0 || voterDirectoryId === uuidZero) {
    const message = `${names[verb]} voter request didn't include a valid voter`;
    return { error: Errors.INVALID_REQUEST, message };
  }
  return { id: nodeId(voterId), directoryId: voterDirectoryId };
}

/** The voter of a request. Its endpoint on `listener` comes first, because the other voters use the first one. */
function votersWith(
  request: AddRaftVoterRequest | UpdateRaftVoterRequest,
  verb: Verb,
  listener: string,
): Voter | VoterFailure {
  const replica = replicaOf(request, verb);
  if ('error' in replica) return replica;
  const endpoints = request.listeners.map(({ name, host, port }) => ({ name, host, port }));
  const first = endpoints.filter(({ name }) => name === listener);
  if (first.length === 0) {
    const given = endpoints.map(
      ({ name, host, port }) => `ListenerName(${name})=${host}/<unresolved>:${port}`,
    );
    return {
      error: Errors.INVALID_REQUEST,
      message: `${names[verb]} voter request didn't include the endpoint (Endpoints(endpoints={${given.join(', ')}})) for the default listener ListenerName(${listener})`,
    };
  }
  return { ...replica, endpoints: [...first, ...endpoints.filter(({ name }) => name !== listener)] };
}

function shownReplica({ id, directoryId }: ReplicaKey): string {
  return `ReplicaKey(id=${id}, directoryId=${directoryId === uuidZero ? '<undefined>' : directoryId})`;
}

/** The error of the response when the quorum has refused a change. `voters`: the present ones. */
export function refusalOf(
  reason: Exclude<Refusal, 'notLeader'>,
  change: OneVoterChange,
  voters: readonly ReplicaKey[],
): VoterFailure {
  const replica = shownReplica(change.voter);
  const set = `[${voters.map(shownReplica).join(', ')}]`;
  switch (reason) {
    case 'changePending':
      return timedOut('Request timed out waiting for leader to handle previous voter change request');
    case 'notReady':
      return timedOut(
        'Request timed out waiting for leader to establish HWM and fence previous voter changes',
      );
    case 'notCaughtUp':
      return timedOut(`Aborted ${change.kind} voter operation for ${replica} since it is lagging behind`);
    case 'busy':
    case 'tooLarge':
      return timedOut('The controller is busy.');
    case 'duplicateVoter':
      return {
        error: Errors.DUPLICATE_VOTER,
        message: `The voter id for ${replica} is already part of the set of voters ${set}.`,
      };
    case 'unknownVoter':
    case 'lastVoter':
      return {
        error: Errors.VOTER_NOT_FOUND,
        message: `Cannot ${change.kind} voter ${replica} from the set of voters ${set}`,
      };
    case 'staticVoters':
      return {
        error: Errors.UNSUPPORTED_VERSION,
        message: `Cluster doesn't support ${participles[change.kind]} voter because the kraft.version feature is 0`,
      };
  }
}

function timedOut(message: string): VoterFailure {
  return { error: Errors.REQUEST_TIMED_OUT, message };
}
