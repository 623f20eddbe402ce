/** ElectLeaders: preferred elections give leaderships back, unclean ones give a leaderless partition any replica. */
import type { PartitionImage } from '../metadata/topics-image.ts';
import { noLeader } from '../metadata/topics-image.ts';
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/messages/43-elect-leaders.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
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
  const results = new Map<string, PartitionResult[]>();
  for (const { topic: name, partitions } of asked) {
    for (const index of partitions) {
      const result = yield* electOne(state, name, index, type);
      // Asked for everything, one wants to hear only of what had to be done.
      if (all && result.errorCode === Errors.ELECTION_NOT_NEEDED.code) continue;
      const of = results.get(name) ?? [];
      results.set(name, of);
      of.push(result);
    }
  }
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    replicaElectionResults: [...results].map(([topic, partitionResult]) => ({ topic, partitionResult })),
  };
}

function outcome(index: number, error: ErrorRow | null, message?: string): PartitionResult {
  return {
    partitionId: index,
    errorCode: error?.code ?? 0,
    errorMessage: error === null ? null : (message ?? error.message),
  };
}

function* electOne(
  state: ControllerState,
  name: string,
  index: number,
  type: number,
): Operation<PartitionResult> {
  const topic = state.image.topics.byName(name);
  if (topic === undefined) {
    return outcome(index, Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`);
  }
  const before = topic.partitions[index];
  if (before === undefined) {
    return outcome(index, Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${index}`);
  }
  const refusal = whyNot(before, type);
  if (refusal !== null) return outcome(index, refusal);
  const change = partitionChange(
    before,
    {},
    changeContext(state, topic, type === preferredElection ? 'preferred' : 'unclean'),
  );
  const unavailable =
    type === preferredElection
      ? Errors.PREFERRED_LEADER_NOT_AVAILABLE
      : Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE;
  if (change === null || change.leader === noLeader) return outcome(index, unavailable);
  if (type === preferredElection && change.leader !== before.replicas[0]) return outcome(index, unavailable);
  yield [change];
  return outcome(index, null);
}

function whyNot(before: PartitionImage, type: number): ErrorRow | null {
  if (type === preferredElection) {
    return before.leader === before.replicas[0] ? Errors.ELECTION_NOT_NEEDED : null;
  }
  return before.leader === noLeader ? null : Errors.ELECTION_NOT_NEEDED;
}
