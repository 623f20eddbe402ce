/**
 * ElectLeaders: a preferred election moves leadership to the first replica; an unclean election may make any active
 * replica the leader of a leaderless partition.
 */
import { noLeader } from '../metadata/topics-image.ts';
import type {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../protocol/messages/topics/43-elect-leaders.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { ChangeSteps } from './change-steps.ts';
import { changeContext } from './lookups.ts';
import { partitionChange } from './partition-change.ts';
import type { ControllerState, Operation } from './state.ts';

const preferredElection = 0;
const uncleanElection = 1;

type PartitionResult = ElectLeadersResponse['replicaElectionResults'][number]['partitionResult'][number];

export function* electLeaders(
  state: ControllerState,
  request: ElectLeadersRequest,
): Operation<ElectLeadersResponse> {
  const type = request.electionType;
  if (type !== preferredElection && type !== uncleanElection) {
    throw new KafkaError(Errors.INVALID_REQUEST, `Unknown election type ${type}.`);
  }
  const all = request.topicPartitions === null;
  const asked =
    request.topicPartitions ??
    [...state.image.topics.all()].map((topic) => ({
      topic: topic.name,
      partitions: topic.partitions.map((partition) => partition.index),
    }));
  const steps = new ChangeSteps();
  const results: { readonly topic: string; readonly partitionResult: PartitionResult[] }[] = [];
  for (const { topic: name, partitions } of asked) {
    const topicId = state.image.topics.byName(name)?.id;
    const partitionResult: PartitionResult[] = [];
    results.push({ topic: name, partitionResult });
    for (const index of partitions) {
      if (topicId !== undefined && steps.holds(topicId, index)) yield* steps.end();
      const { error, message, change } = decide(state, name, index, type);
      // A request for all partitions gets results only for partitions that needed an election.
      if (all && error === Errors.ELECTION_NOT_NEEDED) continue;
      const errorMessage = error === Errors.NONE ? null : (message ?? error.message);
      partitionResult.push({ partitionId: index, errorCode: error.code, errorMessage });
      if (change !== null && steps.add(change)) yield* steps.end();
    }
  }
  yield* steps.end();
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    replicaElectionResults: results,
  };
}

interface Decided {
  readonly error: ErrorRow;
  readonly message: string | null;
  readonly change: ReturnType<typeof partitionChange>;
}

function refused(error: ErrorRow, message: string | null = null): Decided {
  return { error, message, change: null };
}

function decide(state: ControllerState, name: string, index: number, type: number): Decided {
  const topic = state.image.topics.byName(name);
  if (topic === undefined) return refused(Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`);
  const before = topic.partitions[index];
  if (before === undefined) {
    return refused(Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${index}`);
  }
  const isPreferred = type === preferredElection;
  const isNeeded = isPreferred ? before.leader !== before.replicas[0] : before.leader === noLeader;
  if (!isNeeded) return refused(Errors.ELECTION_NOT_NEEDED);
  const change = partitionChange(
    before,
    {},
    changeContext(state, topic, isPreferred ? 'preferred' : 'unclean'),
  );
  const wanted = isPreferred ? before.replicas[0] : change?.leader;
  if (change !== null && change.leader !== noLeader && change.leader === wanted) {
    return { error: Errors.NONE, message: null, change };
  }
  return refused(isPreferred ? Errors.PREFERRED_LEADER_NOT_AVAILABLE : Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE);
}
