/**
 * The state of a consumer group (KIP-848), and the function that applies a change to it. The decisions are in `heartbeat.ts`,
 * `leave.ts`, `target.ts` and `reconcile.ts`.
 *
 *   Empty ── member joins ─▶ Assigning ── target assignment computed ─▶ Reconciling ── every member has its target ─▶ Stable
 *
 * There are three kinds of epochs. The group epoch increases when members, subscriptions or topics change. The target epoch is
 * the group epoch for which the current target assignment was computed. The epoch of a member is the target epoch that the
 * member has reached.
 *
 * Invariants, which `assertConsumerGroup` checks (tests call it after every step):
 * - A partition has at most one holder, and the holder is a member. A member holds the partitions that are assigned to it and
 *   those that it has still to revoke.
 * - No member's epoch is above the target epoch, and the target epoch is not above the group epoch.
 * - The indexes (`#holders`, `staticMembers`, the counts) match the members.
 */
import { assert } from '../../base/assert.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { CommitsUnderWay } from '../commits-under-way.ts';
import { Deadline } from '../deadlines.ts';
import type { GroupOffsets } from '../offset-table.ts';
import { createOffsets } from '../offset-table.ts';
import type { GroupRecord } from '../types.ts';
import type { Assigning, Partitions } from './assignors/assignor.ts';
import type { Change, ResolvedRegex } from './changes.ts';
import type { ConsumerMember, CurrentAssignment, EpochedPartitions, MemberMetadata } from './member.ts';
import { hasRegex, isReconciledTo, leaveEpoch, newCurrent, newMetadata } from './member.ts';

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable';

export const noTarget: Partitions = new Map();

/** The deadlines of one member. Only members of the classic protocol have `join` and `sync`. */
export interface MemberTimers {
  readonly session: Deadline;
  /** By this time the member must have revoked the partitions of `pendingRevocation`. */
  readonly rebalance: Deadline;
  /** The member epoch for which `rebalance` was started. */
  rebalanceEpoch: number;
  readonly join: Deadline;
  readonly sync: Deadline;
}

/**
 * Requests that are handled together; their records are one write (`request-batch.ts`). `T`: the coordinator's type of turns.
 */
export interface BatchOf<T> {
  readonly records: GroupRecord[];
  /** Undo functions, which are run from the last to the first. */
  readonly undo: ((turn: T) => void)[];
  /** Run when the records are replicated, before the responses are sent. */
  readonly applied: ((turn: T) => void)[];
  readonly answers: ((turn: T, error: ErrorRow | null) => void)[];
  /** Requests that arrived while the records were being written. */
  waiting: ((turn: T) => void)[];
  /** Whether the batch accepts further requests. */
  open: boolean;
  /** Not null: the write timed out, and its outcome is unknown. Pending requests got this error. */
  stalled: ErrorRow | null;
}

/**
 * `T`: the coordinator's type of turns, a parameter because `../group-turn.ts` imports this file. Other files use
 * `ConsumerGroup` of `../group-turn.ts`.
 */
export class ConsumerGroupOf<T> {
  readonly kind = 'consumer';
  readonly groupId: string;
  /** The group epoch; 0: the group has no record in the log. */
  epoch = 0;
  metadataHash = 0;
  targetEpoch = 0;
  /** Wall-clock time at which the target assignment was computed; 0: never. */
  targetTimestampMs = 0;
  /** Whether the group is being deleted: its tombstones are written but not replicated yet. */
  deleting = false;
  /**
   * Offset commits that are not replicated yet. While there are any, no offset expires and the group cannot be deleted. When
   * the group is converted to a classic group, the new group object gets them.
   */
  commits = new CommitsUnderWay();
  /** Whether a subscribed topic may have changed: then the next heartbeat compares the hash of the topics. */
  metadataStale = true;
  /** Whether a member has a new regular expression that has not been matched against the topics yet. */
  regexPending = false;
  readonly offsets: GroupOffsets;
  readonly members = new Map<string, ConsumerMember>();
  /** Target assignments by member id, also of static members that have left temporarily. */
  readonly targets = new Map<string, Partitions>();
  /** group.instance.id → member id. */
  readonly staticMembers = new Map<string, string>();
  readonly regexes = new Map<string, ResolvedRegex>();
  /** By member id, ordered by the time of the member's last request. */
  readonly timers = new Map<string, MemberTimers>();
  readonly assignDeadline: Deadline;
  readonly regexDeadline: Deadline;
  /** A running computation of the target assignment: that of a large group takes many short turns. Null: none is running. */
  assigning: { readonly epoch: number; readonly work: Assigning } | null = null;
  /** A running matching of regular expressions, which takes many short turns. Null: none is running. */
  resolving: Generator<void, ReadonlyMap<string, ResolvedRegex>, void> | null = null;
  batch: BatchOf<T> | null = null;
  /** Heartbeats that wait for the group's first target assignment. */
  waitingForTarget: ((turn: T) => void)[] = [];
  /** Holders of partitions: topic id → partition → member id. */
  readonly #holders = new Map<Uuid, Map<number, string>>();
  /** Topic name → number of members that subscribe to the topic by name. */
  readonly #namesWanted = new Map<string, number>();
  readonly #regexesWanted = new Map<string, number>();
  #classicMembers = 0;

  constructor(groupId: string, offsets: GroupOffsets = createOffsets()) {
    this.groupId = groupId;
    this.offsets = offsets;
    this.assignDeadline = new Deadline('assign', groupId);
    this.regexDeadline = new Deadline('regex', groupId);
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty';
    if (this.epoch > this.targetEpoch) return 'Assigning';
    for (const { current } of this.members.values()) {
      if (!isReconciledTo(current, this.targetEpoch)) return 'Reconciling';
    }
    return 'Stable';
  }

  get protocolType(): 'consumer' {
    return 'consumer';
  }

  /** Whether all members use the classic protocol; then the group can become a classic group. */
  get allClassic(): boolean {
    return this.#classicMembers === this.members.size;
  }

  get classicMemberCount(): number {
    return this.#classicMembers;
  }

  isHeld(topicId: Uuid, partition: number): boolean {
    return this.#holders.get(topicId)?.has(partition) ?? false;
  }

  holderOf(topicId: Uuid, partition: number): string | undefined {
    return this.#holders.get(topicId)?.get(partition);
  }

  /** Regular expressions to which members subscribe. */
  get wantedRegexes(): Iterable<string> {
    return this.#regexesWanted.keys();
  }

  subscribersOfRegex(regex: string): number {
    return this.#regexesWanted.get(regex) ?? 0;
  }

  /** Names of all topics to which members subscribe, by name or by regular expression. They may not exist. */
  subscribedTopics(): Set<string> {
    const names = new Set(this.#namesWanted.keys());
    for (const regex of this.#regexesWanted.keys()) {
      for (const name of this.regexes.get(regex)?.topics ?? []) names.add(name);
    }
    return names;
  }

  isSubscribedTo(topic: string): boolean {
    if (this.#namesWanted.has(topic)) return true;
    for (const regex of this.#regexesWanted.keys()) {
      if (this.regexes.get(regex)?.topics.includes(topic)) return true;
    }
    return false;
  }

  targetOf(memberId: string): Partitions {
    return this.targets.get(memberId) ?? noTarget;
  }

  timersOf(memberId: string): MemberTimers {
    let timers = this.timers.get(memberId);
    if (timers === undefined) {
      const deadline = (kind: 'session' | 'rebalance' | 'join' | 'sync') =>
        new Deadline(kind, this.groupId, memberId);
      timers = {
        session: deadline('session'),
        rebalance: deadline('rebalance'),
        rebalanceEpoch: 0,
        join: deadline('join'),
        sync: deadline('sync'),
      };
      this.timers.set(memberId, timers);
    }
    return timers;
  }

  /** The timers of a member that has just sent a request. Puts the member at the end of `timers`. */
  renewTimersOf(memberId: string): MemberTimers {
    const timers = this.timersOf(memberId);
    this.timers.delete(memberId);
    this.timers.set(memberId, timers);
    return timers;
  }

  /**
   * When the session of the member that was silent for longest ends, not counting `exceptId`; infinite when there is no other
   * member.
   */
  nextSessionEndMs(exceptId: string): number {
    for (const [memberId, { session }] of this.timers) if (memberId !== exceptId) return session.atMs;
    return Number.POSITIVE_INFINITY;
  }

  cancelTimers(memberId: string): void {
    const timers = this.timers.get(memberId);
    if (timers === undefined) return;
    for (const timer of [timers.session, timers.rebalance, timers.join, timers.sync]) timer.cancel();
    this.timers.delete(memberId);
  }

  /** The write of the group's tombstones begins. The group has no members, so a running assignment or matching is dropped. */
  beginDeleting(): void {
    this.deleting = true;
    this.assigning = null;
    this.resolving = null;
  }

  /** Applies the change to the state; returns the change that undoes it. */
  apply(change: Change): Change {
    switch (change.type) {
      case 'groupEpoch': {
        const before = this.epoch === 0 ? null : { epoch: this.epoch, metadataHash: this.metadataHash };
        this.epoch = change.value?.epoch ?? 0;
        this.metadataHash = change.value?.metadataHash ?? 0;
        return { type: 'groupEpoch', value: before };
      }
      case 'targetEpoch': {
        const { targetEpoch: epoch, targetTimestampMs: timestampMs } = this;
        this.targetEpoch = change.value?.epoch ?? 0;
        this.targetTimestampMs = change.value?.timestampMs ?? 0;
        return { type: 'targetEpoch', value: epoch === 0 ? null : { epoch, timestampMs } };
      }
      case 'member':
        return this.#applyMember(change.memberId, change.value);
      case 'current':
        return this.#applyCurrent(change.memberId, change.value);
      case 'target': {
        const before = this.targets.get(change.memberId) ?? null;
        put(this.targets, change.memberId, change.value);
        return { ...change, value: before };
      }
      case 'regex': {
        const before = this.regexes.get(change.regex) ?? null;
        put(this.regexes, change.regex, change.value);
        return { ...change, value: before };
      }
      case 'partitionMetadata':
        return change;
    }
  }

  #applyMember(memberId: string, value: MemberMetadata | null): Change {
    const before = this.members.get(memberId);
    const inverse: Change = { type: 'member', memberId, value: before?.metadata ?? null };
    if (before !== undefined) this.#count(memberId, before.metadata, -1);
    if (value === null) {
      if (before !== undefined) this.#hold(memberId, before.current, false);
      this.members.delete(memberId);
      return inverse;
    }
    const current = before?.current ?? newCurrent;
    this.members.set(memberId, { memberId, metadata: value, current });
    this.#count(memberId, value, 1);
    return inverse;
  }

  #applyCurrent(memberId: string, value: CurrentAssignment | null): Change {
    const before = this.members.get(memberId);
    if (before === undefined) {
      // Compaction may have removed one of the two records of a member. The other one may come later in the log, or not at all.
      if (value !== null) this.members.set(memberId, { memberId, metadata: newMetadata, current: value });
      if (value !== null) this.#hold(memberId, value, true);
      return { type: 'current', memberId, value: null };
    }
    this.#hold(memberId, before.current, false);
    const current = value ?? { ...newCurrent, memberEpoch: leaveEpoch };
    this.members.set(memberId, { ...before, current });
    this.#hold(memberId, current, true);
    return { type: 'current', memberId, value: before.current };
  }

  #hold(memberId: string, { assigned, pendingRevocation }: CurrentAssignment, holds: boolean): void {
    for (const partitions of [assigned, pendingRevocation]) {
      if (holds) this.#take(memberId, partitions);
      else this.#release(memberId, partitions);
    }
  }

  #take(memberId: string, partitions: EpochedPartitions): void {
    for (const [topicId, list] of partitions) {
      let holders = this.#holders.get(topicId);
      if (holders === undefined) {
        holders = new Map();
        this.#holders.set(topicId, holders);
      }
      for (const partition of list.keys()) holders.set(partition, memberId);
    }
  }

  #release(memberId: string, partitions: EpochedPartitions): void {
    for (const [topicId, list] of partitions) {
      const holders = this.#holders.get(topicId);
      if (holders === undefined) continue;
      for (const partition of list.keys()) {
        if (holders.get(partition) === memberId) holders.delete(partition);
      }
      if (holders.size === 0) this.#holders.delete(topicId);
    }
  }

  #count(memberId: string, metadata: MemberMetadata, by: 1 | -1): void {
    for (const name of metadata.subscribedTopicNames) add(this.#namesWanted, name, by);
    if (hasRegex(metadata)) add(this.#regexesWanted, metadata.subscribedTopicRegex ?? '', by);
    if (metadata.classic !== null) this.#classicMembers += by;
    const { instanceId } = metadata;
    if (instanceId === null) return;
    if (by === 1) this.staticMembers.set(instanceId, memberId);
    else if (this.staticMembers.get(instanceId) === memberId) this.staticMembers.delete(instanceId);
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** Checks all invariants, for tests. */
export function assertConsumerGroup(group: ConsumerGroupOf<never>): void {
  assert(group.targetEpoch <= group.epoch, 'the target epoch is not above the group epoch');
  const held = new Set<string>();
  let classic = 0;
  for (const { memberId, metadata, current } of group.members.values()) {
    assert(current.memberEpoch <= group.targetEpoch, 'no member epoch is above the target epoch');
    if (metadata.classic !== null) classic++;
    for (const partitions of [current.assigned, current.pendingRevocation]) {
      for (const [topicId, list] of partitions) {
        for (const partition of list.keys()) {
          const key = `${topicId}-${partition}`;
          assert(!held.has(key), `partition ${key} has two holders`);
          held.add(key);
          assert(group.holderOf(topicId, partition) === memberId, `the holder of ${key} is known`);
        }
      }
    }
  }
  assert(classic === group.classicMemberCount, 'classicMemberCount is the number of classic members');
  for (const [instance, id] of group.staticMembers) {
    assert(group.members.get(id)?.metadata.instanceId === instance, 'static member ids are members');
  }
  for (const id of group.targets.keys())
    assert(group.members.has(id), 'only members have a target assignment');
}
