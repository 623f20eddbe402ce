/**
 * The state of a classic group and its members, with functions that keep the counts in it consistent. The decisions are in
 * `join.ts`, `sync.ts`, `heartbeat.ts`, `leave.ts` and `rebalance.ts`.
 *
 *               member joins                all joined or time is up
 *   Empty ───────────────────▶ Preparing ─────────────────────────────▶ Completing
 *     ▲                         │ ▲   ▲                                   │    │ the leader's assignment
 *     └── no member joined ─────┘ │   └── member joins, leaves or fails ──┘    ▼ is replicated
 *         again                   └────── member joins, leaves or fails ──── Stable
 *
 * Invariants, which `assertGroup` checks (tests call it after every step):
 * - The generation never decreases.
 * - The leader is a member, and so is every static member id.
 * - A group with members has a protocol type and is not Empty.
 */
import { assert } from '../../base/assert.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import { CommitsUnderWay } from '../commits-under-way.ts';
import { Deadline } from '../deadlines.ts';
import type { GroupOffsets } from '../offset-table.ts';
import { createOffsets } from '../offset-table.ts';
import type { JoinResponseMember, MemberProtocol } from '../types.ts';
import { subscriptionTopics } from './subscription-topics.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

export const noBytes = new Uint8Array(0);

export interface Member {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In the member's order of preference. */
  protocols: readonly MemberProtocol[];
  assignment: Uint8Array;
  /** Whether no generation has included the member yet. */
  isNew: boolean;
  /** Token of the JoinGroup request that waits for the rebalance to complete. */
  joinToken: number | null;
  /** Token of the SyncGroup request that waits for the leader's assignment. */
  syncToken: number | null;
  readonly session: Deadline;
}

/** Tokens of the pending requests of a member that was replaced or removed. The caller responds to them. */
export interface Waiting {
  readonly joinToken: number | null;
  readonly syncToken: number | null;
}

export class ClassicGroup {
  readonly kind = 'classic';
  readonly groupId: string;
  state: GroupState = 'Empty';
  previousState: GroupState = 'Empty';
  /**
   * Wall-clock time of the last change of state; -1: unknown, because the record was written by a Kafka version that did not
   * store it.
   */
  stateSinceMs: number;
  /** Null: the group has only committed offsets, no members (Kafka calls it a "simple" group). */
  protocolType: string | null = null;
  protocolName: string | null = null;
  generation = 0;
  leaderId: string | null = null;
  /** Before the first generation: whether a member has joined since the initial rebalance delay began or was last extended. */
  newMemberAdded = false;
  /** By how much the initial rebalance delay may still be extended. */
  initialRemainingMs = 0;
  /** Length of the part of the initial rebalance delay that is running now. */
  initialDelayMs = 0;
  /** Whether the initial rebalance delay is running: the next generation begins only when it has passed. */
  initialRebalance = false;
  /** Whether the group is being deleted: its tombstones are written but not replicated yet, and it refuses requests. */
  deleting = false;
  /**
   * Offset commits that are not replicated yet. While there are any, no offset expires and the group cannot be deleted. When
   * the group is converted to a consumer group, the new group object gets them.
   */
  commits = new CommitsUnderWay();
  /** Topics to which the members of the current generation subscribe; null when unknown. Only for protocol type "consumer". */
  subscribedTopics: ReadonlySet<string> | null = null;
  /** Committed (that is, replicated) offsets. */
  readonly offsets: GroupOffsets;
  readonly members = new Map<string, Member>();
  /** group.instance.id → member id. */
  readonly staticMembers = new Map<string, string>();
  /** Member ids that the coordinator returned with MEMBER_ID_REQUIRED, and with which no client has joined yet. */
  readonly pendingMembers = new Map<string, Deadline>();
  /** Members of this generation that have not sent SyncGroup yet. */
  readonly pendingSync = new Set<string>();
  readonly joinDeadline: Deadline;
  readonly syncDeadline: Deadline;
  /** The value of the last record that was written for the group; null when there is none (a group that has only offsets). */
  persisted: Uint8Array | null = null;
  #joining = 0;
  readonly #supporters = new Map<string, number>();

  constructor(groupId: string, wallMs: number, offsets: GroupOffsets = createOffsets()) {
    this.groupId = groupId;
    this.offsets = offsets;
    this.stateSinceMs = wallMs;
    this.joinDeadline = new Deadline('join', groupId);
    this.syncDeadline = new Deadline('sync', groupId);
  }

  transition(state: GroupState, wallMs: number): void {
    this.previousState = this.state;
    this.state = state;
    this.stateSinceMs = wallMs;
  }

  is(...states: GroupState[]): boolean {
    return states.includes(this.state);
  }

  get joiningCount(): number {
    return this.#joining;
  }

  get allJoined(): boolean {
    return this.#joining === this.members.size && this.pendingMembers.size === 0;
  }

  /** The longest rebalance time-out of the members. */
  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  add(member: Member, protocolType: string): void {
    assert(!this.members.has(member.memberId), 'member added twice');
    if (this.members.size === 0) this.protocolType = protocolType;
    assert(this.protocolType === protocolType, 'members of one protocol type');
    if (member.groupInstanceId !== null) {
      assert(!this.staticMembers.has(member.groupInstanceId), 'static member added twice');
      this.staticMembers.set(member.groupInstanceId, member.memberId);
    }
    this.members.set(member.memberId, member);
    this.#countProtocols(member.protocols, 1);
    if (member.joinToken !== null) this.#joining++;
    this.leaderId ??= member.memberId;
    this.pendingMembers.get(member.memberId)?.cancel();
    this.pendingMembers.delete(member.memberId);
  }

  /** Removes a member, if it exists. The caller responds to its pending requests. */
  remove(memberId: string): Waiting {
    const member = this.members.get(memberId);
    if (member === undefined) return { joinToken: null, syncToken: null };
    const waiting = { joinToken: this.takeJoin(member), syncToken: takeSync(member) };
    member.session.cancel();
    this.members.delete(memberId);
    this.#countProtocols(member.protocols, -1);
    this.pendingSync.delete(memberId);
    if (member.groupInstanceId !== null) this.staticMembers.delete(member.groupInstanceId);
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null;
    return waiting;
  }

  removePending(memberId: string): void {
    this.pendingMembers.get(memberId)?.cancel();
    this.pendingMembers.delete(memberId);
  }

  /**
   * Replaces member `oldId` by `newId`, which inherits everything except pending requests. The caller responds to these
   * requests.
   */
  replaceStatic(oldId: string, newId: string): { member: Member; waiting: Waiting } {
    const old = this.members.get(oldId);
    assert(old !== undefined, 'a static member that is replaced is a member');
    const waiting = { joinToken: this.takeJoin(old), syncToken: takeSync(old) };
    old.session.cancel();
    const member: Member = { ...old, memberId: newId, session: new Deadline('session', this.groupId, newId) };
    this.members.delete(oldId);
    this.members.set(newId, member);
    if (this.pendingSync.delete(oldId)) this.pendingSync.add(newId);
    if (this.leaderId === oldId) this.leaderId = newId;
    if (member.groupInstanceId !== null) this.staticMembers.set(member.groupInstanceId, newId);
    return { member, waiting };
  }

  setProtocols(member: Member, protocols: readonly MemberProtocol[]): void {
    this.#countProtocols(member.protocols, -1);
    member.protocols = protocols;
    this.#countProtocols(protocols, 1);
  }

  /** Stores a JoinGroup request as pending. Returns the token of an earlier pending one, to which the caller must respond. */
  putJoin(member: Member, token: number | null): number | null {
    const before = this.takeJoin(member);
    member.joinToken = token;
    if (token !== null) this.#joining++;
    return before;
  }

  takeJoin(member: Member): number | null {
    const token = member.joinToken;
    if (token !== null) this.#joining--;
    member.joinToken = null;
    return token;
  }

  /** Removes and returns the pending JoinGroup request if it is `token`; null when the member has sent a newer one. */
  takeJoinIf(member: Member, token: number): number | null {
    return member.joinToken === token ? this.takeJoin(member) : null;
  }

  /** Whether a member with these protocols could join: some protocol must be supported by it and by all members. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0;
    if (protocolType !== this.protocolType) return false;
    return protocols.some((protocol) => this.#supporters.get(protocol.name) === this.members.size);
  }

  /** Each member votes for its first protocol among those that all members support; the one with the most votes is selected. */
  selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const choice = member.protocols.find((p) => this.#supporters.get(p.name) === this.members.size);
      assert(choice !== undefined, 'members have a protocol in common');
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let best = '';
    let most = 0;
    for (const [name, count] of votes) {
      if (count <= most) continue;
      best = name;
      most = count;
    }
    return best;
  }

  /** The metadata of all members, from which the leader computes the assignment. */
  membersForLeader(): JoinResponseMember[] {
    const name = this.protocolName ?? '';
    return [...this.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: metadataOf(member, name),
    }));
  }

  /** The error to respond with if this member may not send requests for the group; otherwise null. */
  validateMember(memberId: string, groupInstanceId: string | null): ErrorRow | null {
    if (groupInstanceId !== null) {
      const current = this.staticMembers.get(groupInstanceId);
      if (current === undefined) return Errors.UNKNOWN_MEMBER_ID;
      if (current !== memberId) return Errors.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? null : Errors.UNKNOWN_MEMBER_ID;
  }

  /** Reads the topics to which the members subscribe from their metadata for the selected protocol. */
  computeSubscribedTopics(): void {
    this.subscribedTopics = null;
    if (this.protocolType !== 'consumer') return;
    const all = new Set<string>();
    if (this.members.size > 0) {
      if (this.protocolName === null) return;
      for (const member of this.members.values()) {
        const topics = subscriptionTopics(metadataOf(member, this.protocolName));
        if (topics === null) return;
        for (const topic of topics) all.add(topic);
      }
    }
    this.subscribedTopics = all;
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? (this.protocolType === 'consumer' && this.members.size > 0);
  }

  #countProtocols(protocols: readonly MemberProtocol[], change: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.#supporters.get(name) ?? 0) + change;
      if (count === 0) this.#supporters.delete(name);
      else this.#supporters.set(name, count);
    }
  }
}

export function takeSync(member: Member): number | null {
  const token = member.syncToken;
  member.syncToken = null;
  return token;
}

export function metadataOf(member: Member, protocolName: string): Uint8Array {
  return member.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? noBytes;
}

/** Checks all invariants, for tests. */
export function assertGroup(group: ClassicGroup): void {
  const { members, leaderId } = group;
  if (members.size > 0) {
    assert(leaderId !== null && members.has(leaderId), 'the leader is a member');
    assert(group.protocolType !== null, 'a group with members has a protocol type');
    assert(group.state !== 'Empty', 'Empty means no members');
  }
  assert(
    members.size > 0 || group.is('Empty', 'PreparingRebalance', 'Dead'),
    'a group without members has no generation to complete or keep',
  );
  for (const [instance, id] of group.staticMembers) {
    assert(members.get(id)?.groupInstanceId === instance, 'static member ids are members');
  }
  let joining = 0;
  for (const member of members.values()) {
    if (member.joinToken !== null) joining++;
    assert(member.joinToken === null || group.state !== 'Empty', 'an empty group has no pending requests');
  }
  assert(joining === group.joiningCount, 'joiningCount is the number of pending JoinGroup requests');
  for (const id of group.pendingSync) assert(members.has(id), 'pendingSync contains only members');
}
