/**
 * The target assignment: the partitions that each member shall have when it has the epoch of the target. It is computed when
 * the group epoch is above the target epoch, but at most once in `group.consumer.assignment.interval.ms` (KIP-1263). For a
 * large group this takes several short turns; meanwhile heartbeats use the previous target assignment.
 */
import { mark } from '../../base/mark.ts';
import { defined } from '../../base/assert.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { note } from '../group-turn.ts';
import type { Assigning, Assignment, Partitions } from './assignors/assignor.ts';
import { assignNow, assignors } from './assignors/assignors.ts';
import type { Batch } from './request-batch.ts';
import { change, operate, retryWaitingForTarget } from './request-batch.ts';
import { SubscribedIds } from './member-topics.ts';

/**
 * The target assignment is computed in one turn if the number of members plus partitions is at most this; otherwise in several.
 */
export const assignAtOnceMax = 2_000;
/** How often a turn resumes the assignor. Each resumption does `stepSize` (1 000) small operations. */
const stepsPerTurn = 4;

/** Computes the target assignment for the group epoch if it is due, or starts the computation. */
export function updateTarget(turn: Turn, group: ConsumerGroup, batch: Batch): void {
  if (group.epoch <= group.targetEpoch || group.assigning !== null) return;
  const { assignmentIntervalMs } = turn.shard.config.ofGroup(group.groupId, turn.image);
  const sinceMs = turn.wallMs - group.targetTimestampMs;
  // A timestamp in the future was written by a coordinator whose clock was ahead. It is ignored.
  if (sinceMs >= 0 && sinceMs < assignmentIntervalMs) {
    mark('group.assignment-too-soon');
    return;
  }
  const { work, size } = assigning(turn, group);
  if (size <= assignAtOnceMax) return finish(turn, group, batch, group.epoch, assignNow(work));
  group.assigning = { epoch: group.epoch, work };
  turn.shard.deadlines.set(group.assignDeadline, turn.nowMs);
}

/** The deadline of a running computation has passed: continues it. */
export function continueAssignment(turn: Turn, group: ConsumerGroup): void {
  const { assigning: current } = group;
  if (current === null) return;
  for (let i = 0; i < stepsPerTurn; i++) {
    const { value, done } = current.work.next();
    if (done !== true) continue;
    return finishLater(turn, group, current.epoch, value);
  }
  turn.shard.deadlines.set(group.assignDeadline, turn.nowMs);
}

function finishLater(turn: Turn, group: ConsumerGroup, epoch: number, assignment: Assignment): void {
  operate(turn, group, {
    token: null,
    refused: () => null,
    again: (later) => finishLater(later, group, epoch, assignment),
    run: (batch) => {
      group.assigning = null;
      batch.applied.push((later) => retryWaitingForTarget(later, group));
      if (turn.shard.groups.get(group.groupId) === group && epoch > group.targetEpoch)
        finish(turn, group, batch, epoch, assignment);
    },
  });
}

function assigning(turn: Turn, group: ConsumerGroup): { work: Assigning; size: number } {
  const { topics } = turn.image;
  const ids = new SubscribedIds(group, topics);
  const members = [...group.members.values()].map(({ memberId, metadata }) => ({
    memberId,
    instanceId: metadata.instanceId,
    topicIds: ids.of(metadata),
    previous: group.targetOf(memberId),
  }));
  const partitionCount = (topicId: string): number => topics.byId(topicId)?.partitions.length ?? 0;
  let size = members.length;
  for (const name of group.subscribedTopics()) size += topics.byName(name)?.partitions.length ?? 0;
  const assignor = defined(assignors.get(preferredAssignor(turn, group)), 'assignor');
  return { work: assignor({ members, partitionCount }), size };
}

/** The assignor that most members request; the first of `group.consumer.assignors` when no member requests one. */
export function preferredAssignor(turn: Pick<Turn, 'shard'>, group: ConsumerGroup): string {
  const votes = new Map<string, number>();
  for (const { metadata } of group.members.values()) {
    const { serverAssignor } = metadata;
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1);
  }
  const { assignors: allowed } = turn.shard.config.consumer;
  let best = defined(allowed[0], 'an assignor');
  for (const name of allowed) if ((votes.get(name) ?? 0) > (votes.get(best) ?? 0)) best = name;
  return best;
}

function finish(turn: Turn, group: ConsumerGroup, batch: Batch, epoch: number, assignment: Assignment): void {
  for (const { memberId } of group.members.values()) {
    const target = assignment.get(memberId);
    // A member that joined during the computation has no target in it; it gets partitions in the next one.
    if (target === undefined || samePartitions(target, group.targetOf(memberId))) continue;
    change(batch, group, { type: 'target', memberId, value: target });
  }
  change(batch, group, { type: 'targetEpoch', value: { epoch, timestampMs: turn.wallMs } });
  note(turn, 'info', 'Computed a new target assignment', {
    group: group.groupId,
    epoch,
    members: group.members.size,
  });
}

function samePartitions(a: Partitions, b: Partitions): boolean {
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.length !== partitions.length) return false;
    if (partitions.some((partition, i) => partition !== others[i])) return false;
  }
  return true;
}
