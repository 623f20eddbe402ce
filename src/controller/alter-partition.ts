/**
 * AlterPartition: the leader of a partition proposes an ISR. The sender must be the leader in the current leader epoch
 * and must know the newest partition epoch. Every broker in the proposed ISR must be neither fenced nor in controlled shutdown
 * and have the broker epoch that the leader saw (KIP-841, KIP-903), and its replica must be in a log directory that is online.
 */
import { mark } from '../base/mark.ts';
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { PartitionImage } from '../metadata/topics-image.ts';
import { recovered, recovering, uuidUnassignedDirectory } from '../metadata/topics-image.ts';
import type {
  AlterPartitionRequest,
  AlterPartitionResponse,
} from '../protocol/messages/brokers/56-alter-partition.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors } from '../protocol/errors.ts';
import { ChangeSteps } from './change-steps.ts';
import { brokerIsActive, changeContext, hasDirectory } from './lookups.ts';
import { partitionChange } from './partition-change.ts';
import type { ControllerState, Operation } from './state.ts';

type Wanted = AlterPartitionRequest['topics'][number]['partitions'][number];
type PartitionResult = AlterPartitionResponse['topics'][number]['partitions'][number];

export function* alterPartition(
  state: ControllerState,
  request: AlterPartitionRequest,
  version: number,
): Operation<AlterPartitionResponse> {
  const broker = state.image.cluster.brokers.get(request.brokerId as NodeId);
  if (broker === undefined || broker.epoch !== request.brokerEpoch) {
    return { throttleTimeMs: 0, errorCode: Errors.STALE_BROKER_EPOCH.code, topics: [] };
  }
  const leader = request.brokerId as NodeId;
  const steps = new ChangeSteps();
  const topics: AlterPartitionResponse['topics'][number][] = [];
  for (const { topicId, partitions } of request.topics) {
    const results: PartitionResult[] = [];
    topics.push({ topicId, partitions: results });
    for (const wanted of partitions) {
      const index = wanted.partitionIndex;
      if (steps.holds(topicId, index)) yield* steps.end();
      const decided = decide(state, topicId, leader, wanted, version);
      if ('result' in decided) {
        results.push(decided.result);
        continue;
      }
      // This entry keeps the partition's place in the response. `afterwards` replaces it when the change has been applied.
      const at = results.push(failed(wanted, Errors.UNKNOWN_SERVER_ERROR)) - 1;
      const afterwards = (): void => {
        const after = state.image.topics.partition(topicId, index) as PartitionImage;
        // If another broker leads now, the change has completed a reassignment that took the leadership from the sender.
        results[at] = after.leader === leader ? accepted(after) : failed(wanted, Errors.NEW_LEADER_ELECTED);
      };
      if (steps.add(decided.change, afterwards)) yield* steps.end();
    }
  }
  yield* steps.end();
  return { throttleTimeMs: 0, errorCode: 0, topics };
}

type Decided =
  | { readonly result: PartitionResult }
  | { readonly change: NonNullable<ReturnType<typeof partitionChange>> };

function decide(
  state: ControllerState,
  topicId: Uuid,
  leader: NodeId,
  wanted: Wanted,
  version: number,
): Decided {
  const topic = state.image.topics.byId(topicId);
  if (topic === undefined) return { result: failed(wanted, Errors.UNKNOWN_TOPIC_ID) };
  const before = topic.partitions[wanted.partitionIndex];
  if (before === undefined) return { result: failed(wanted, Errors.UNKNOWN_TOPIC_OR_PARTITION) };
  const isr = wantedIsr(wanted, version);
  const wrong = refusalOf(state, before, leader, wanted, isr);
  if (wrong !== null) return { result: failed(wanted, wrong) };
  const ids = isr.map((member) => member.brokerId as NodeId);
  const change = partitionChange(
    before,
    { isr: ids, leaderRecoveryState: wanted.leaderRecoveryState },
    changeContext(state, topic),
  );
  return change === null ? { result: accepted(before) } : { change };
}

interface IsrMember {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

function wantedIsr(wanted: Wanted, version: number): readonly IsrMember[] {
  if (version >= 3) return wanted.newIsrWithEpochs;
  return wanted.newIsr.map((brokerId) => ({ brokerId, brokerEpoch: -1 }));
}

function refusalOf(
  state: ControllerState,
  before: PartitionImage,
  leader: NodeId,
  wanted: Wanted,
  isr: readonly IsrMember[],
): ErrorRow | null {
  // The leader has newer metadata than this controller. So another controller has become active, and this one has not learned
  // it yet.
  if (wanted.leaderEpoch > before.leaderEpoch || wanted.partitionEpoch > before.partitionEpoch) {
    return Errors.NOT_CONTROLLER;
  }
  if (wanted.leaderEpoch < before.leaderEpoch) {
    mark('controller.isr-change-fenced');
    return Errors.FENCED_LEADER_EPOCH;
  }
  if (before.leader !== leader) return Errors.INVALID_REQUEST;
  if (wanted.partitionEpoch < before.partitionEpoch) {
    mark('controller.isr-change-outdated');
    return Errors.INVALID_UPDATE_VERSION;
  }
  const ids = isr.map((member) => member.brokerId as NodeId);
  const distinct = new Set(ids).size === ids.length;
  if (!distinct || !ids.includes(leader) || ids.some((id) => !before.replicas.includes(id))) {
    return Errors.INVALID_REQUEST;
  }
  const recovery = wanted.leaderRecoveryState;
  if (recovery !== recovered && recovery !== recovering) return Errors.INVALID_REQUEST;
  if (recovery === recovering && (ids.length > 1 || before.leaderRecoveryState === recovered)) {
    return Errors.INVALID_REQUEST;
  }
  return isr.some((member) => !eligible(state, before, member)) ? Errors.INELIGIBLE_REPLICA : null;
}

function eligible(state: ControllerState, partition: PartitionImage, member: IsrMember): boolean {
  const id = member.brokerId as NodeId;
  if (!brokerIsActive(state.image, id)) {
    mark('controller.isr-member-out-of-service');
    return false;
  }
  // When a log directory fails, the controller removes its replicas from their ISRs. A leader that does not have this metadata
  // yet may propose such a replica again.
  const directory = partition.directories[partition.replicas.indexOf(id)] ?? uuidUnassignedDirectory;
  if (!hasDirectory(state.image, id, directory)) return false;
  const epoch = state.image.cluster.brokers.get(id)?.epoch;
  return member.brokerEpoch === -1 || member.brokerEpoch === epoch;
}

function failed(wanted: Wanted, error: ErrorRow): PartitionResult {
  return {
    partitionIndex: wanted.partitionIndex,
    errorCode: error.code,
    leaderId: 0,
    leaderEpoch: 0,
    isr: [],
    leaderRecoveryState: 0,
    partitionEpoch: 0,
  };
}

function accepted(partition: PartitionImage): PartitionResult {
  return {
    partitionIndex: partition.index,
    errorCode: 0,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    isr: partition.isr,
    leaderRecoveryState: partition.leaderRecoveryState,
    partitionEpoch: partition.partitionEpoch,
  };
}
