/**
 * Online downgrade (KIP-848): when the last member of the consumer protocol leaves and members of the classic protocol remain,
 * the group becomes a classic group again. The tombstones of the consumer group and the record of the classic group are one
 * write.
 */
import { mark } from '../../../base/mark.ts';
import { ClassicGroup } from '../../classic/group.ts';
import { prepare, renewSession } from '../../classic/rebalance.ts';
import { joinRefused } from '../../classic/responses.ts';
import { Deadline } from '../../deadlines.ts';
import { groupRecord, newGroupRecord } from '../../records.ts';
import type { ConsumerGroup, Turn } from '../../group-turn.ts';
import { note, reply, write } from '../../group-turn.ts';
import type { JoinRequest } from '../../types.ts';
import type { Batch } from '../request-batch.ts';
import { changeUnrecorded } from '../request-batch.ts';
import { writeAssignment } from './embedded.ts';
import { noTarget } from '../group.ts';
import type { ConsumerMember } from '../member.ts';
import { tombstones } from '../tombstones.ts';

/** Whether the group becomes a classic group when the members of `without` are removed. */
export function canDowngrade(turn: Turn, group: ConsumerGroup, without: ReadonlySet<string>): boolean {
  const rest = [...group.members.values()].filter(({ memberId }) => !without.has(memberId));
  if (rest.length === 0 || rest.some(({ metadata }) => metadata.classic === null)) return false;
  const { migrationPolicy } = turn.shard.config.consumer;
  if (migrationPolicy !== 'bidirectional' && migrationPolicy !== 'downgrade') return false;
  return rest.length <= turn.shard.config.maxSize;
}

export interface Downgrade {
  /** Ids of the members that are not taken over into the classic group. */
  readonly without: ReadonlySet<string>;
  /** Whether the classic group starts with a rebalance, in which its members join again. */
  readonly rebalance: boolean;
}

export function downgrade(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  { without, rebalance }: Downgrade,
): void {
  const { groupId } = group;
  const classic = new ClassicGroup(groupId, turn.wallMs, group.offsets);
  const { topics } = turn.image;
  classic.generation = group.epoch;
  for (const member of group.members.values()) {
    if (!without.has(member.memberId)) addMember(classic, member);
  }
  classic.protocolName = classic.selectProtocol();
  classic.computeSubscribedTopics();
  for (const member of classic.members.values()) {
    const subscription = member.protocols.find(({ name }) => name === classic.protocolName)?.metadata;
    const target = group.targets.get(member.memberId) ?? noTarget;
    member.assignment = writeAssignment(target, subscription ?? new Uint8Array(2), topics);
  }
  classic.transition('Stable', turn.wallMs);
  const assignments = new Map([...classic.members].map(([id, { assignment }]) => [id, assignment]));
  const record = groupRecord(classic, assignments, turn.wallMs);
  batch.records.push(...tombstones(group), record);
  // The consumer group handles offset commits until the records are replicated. Members that leave are removed from it already
  // now, so that no commit of theirs comes after these records in the log.
  for (const memberId of without) {
    changeUnrecorded(batch, group, { type: 'current', memberId, value: null });
    changeUnrecorded(batch, group, { type: 'target', memberId, value: null });
    changeUnrecorded(batch, group, { type: 'member', memberId, value: null });
  }
  // The classic group handles all further requests.
  batch.open = false;
  batch.applied.push((later) => {
    classic.persisted = record.value;
    classic.commits = group.commits;
    for (const memberId of [...group.timers.keys()]) group.cancelTimers(memberId);
    later.shard.groups.set(groupId, classic);
    for (const member of classic.members.values()) renewSession(later, member);
    mark('group.downgraded');
    note(later, 'info', 'Converted the consumer group to a classic group', { group: groupId });
    if (rebalance) prepare(later, classic, `Downgrade group ${groupId} from consumer to classic.`);
  });
}

function addMember(classic: ClassicGroup, { memberId, metadata }: ConsumerMember): void {
  const protocols = metadata.classic?.supportedProtocols ?? [];
  classic.add(
    {
      memberId,
      groupInstanceId: metadata.instanceId,
      clientId: metadata.clientId,
      clientHost: metadata.clientHost,
      rebalanceTimeoutMs: metadata.rebalanceTimeoutMs,
      sessionTimeoutMs: metadata.classic?.sessionTimeoutMs ?? 0,
      protocols,
      assignment: new Uint8Array(0),
      isNew: false,
      joinToken: null,
      syncToken: null,
      session: new Deadline('session', classic.groupId, memberId),
    },
    'consumer',
  );
}

/**
 * A member of the classic protocol joins a consumer group without members: the group becomes a classic one and keeps its
 * offsets.
 */
export function becomeClassic(
  turn: Turn,
  group: ConsumerGroup,
  token: number,
  { memberId }: JoinRequest,
  again: (turn: Turn) => void,
): void {
  group.beginDeleting();
  const record = newGroupRecord(group.groupId, turn.wallMs);
  write(turn, [...tombstones(group), record], {
    apply: (later) => {
      const classic = new ClassicGroup(group.groupId, turn.wallMs, group.offsets);
      classic.persisted = record.value;
      classic.commits = group.commits;
      later.shard.groups.set(group.groupId, classic);
    },
    undo: () => {
      group.deleting = false;
    },
    answer: (later, error) => {
      if (error === null) again(later);
      else reply(later, token, joinRefused(memberId, error));
    },
  });
}
