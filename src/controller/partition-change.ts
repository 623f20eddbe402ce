/**
 * Computes the record for one change of one partition. The caller says what is wanted (another ISR, other replicas) and which
 * brokers are active. The record also has what follows from it: the elected leader, the eligible leader replicas (KIP-966) and
 * the completion of a reassignment.
 *
 * Rules:
 * - The leader is elected from the members of ISR and ELR that can lead. If there is none, the last known leader
 *   (`lastKnownLeader`) is elected when it can lead. Otherwise, if unclean elections are allowed, any replica that can lead is
 *   elected. Else there is no leader.
 * - A replica that has lost records leads only when no other is known to have them (`former-isr.ts`, docs/decisions/0080).
 * - Without ELR the last member of the ISR stays in it. With ELR the ISR may become empty.
 * - Every record increments the partition epoch; a record that names a leader increments the leader epoch.
 */
import { sameElements } from '../base/collections.ts';
import { mark } from '../base/mark.ts';
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { RecordOf } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type { FormerMember, PartitionImage } from '../metadata/topics-image.ts';
import { noLeader, recovering, sameMembers, uuidUnassignedDirectory } from '../metadata/topics-image.ts';
import { formerLeaders, hasLost, withFormer } from './former-isr.ts';

export type Election = 'preferred' | 'online' | 'unclean';

export interface ChangeContext {
  /** Active: neither fenced nor in controlled shutdown. */
  readonly isActive: (id: NodeId) => boolean;
  /** Whether the broker has the log directory of a replica online. */
  readonly hasDirectory: (id: NodeId, directory: Uuid) => boolean;
  readonly elrEnabled: boolean;
  /** min.insync.replicas of the topic. */
  readonly minIsr: number;
  readonly election: Election;
  /** The log directory to record for a new replica on this broker. */
  readonly directoryOf: (id: NodeId) => Uuid;
  /**
   * Whether the broker's stream to this controller is open. Null: no broker has left with this change, so the leader counts as
   * alive.
   */
  readonly isConnected: ((id: NodeId) => boolean) | null;
}

export interface Wanted {
  readonly isr?: readonly NodeId[];
  readonly replicas?: readonly NodeId[];
  readonly addingReplicas?: readonly NodeId[];
  readonly removingReplicas?: readonly NodeId[];
  readonly leaderRecoveryState?: number;
  /** The log directories of the replicas, in the order of `replicas`. */
  readonly directories?: readonly Uuid[];
  /** A broker that stopped without a controlled shutdown. It may have lost records, so it leaves both the ISR and the ELR. */
  readonly uncleanlyStopped?: NodeId;
  /** Records are missing in the replica of this broker. */
  readonly lostRecords?: FormerMember | undefined;
}

interface Draft {
  replicas: readonly NodeId[];
  isr: readonly NodeId[];
  adding: readonly NodeId[];
  removing: readonly NodeId[];
  elr: readonly NodeId[];
  lastKnownElr: readonly NodeId[];
  formerIsr: readonly FormerMember[];
  /** In the order of `replicas`. */
  directories: readonly Uuid[];
  leader: NodeId | typeof noLeader;
  leaderNamed: boolean;
  unclean: boolean;
  leaderRecoveryState: number;
}

/** The record that changes the partition as `wanted`; null when nothing would change. */
export function partitionChange(
  before: PartitionImage,
  wanted: Wanted,
  context: ChangeContext,
): RecordOf<'PartitionChangeRecord'> | null {
  const draft: Draft = {
    replicas: wanted.replicas ?? before.replicas,
    isr: wanted.isr ?? before.isr,
    adding: wanted.addingReplicas ?? before.addingReplicas,
    removing: wanted.removingReplicas ?? before.removingReplicas,
    elr: before.elr,
    lastKnownElr: before.lastKnownElr,
    formerIsr: withFormer(before.formerIsr, wanted.lostRecords),
    directories: [],
    leader: before.leader,
    leaderNamed: false,
    unclean: false,
    leaderRecoveryState: wanted.leaderRecoveryState ?? before.leaderRecoveryState,
  };
  const unclean = wanted.uncleanlyStopped;
  if (unclean !== undefined) {
    mark('controller.unclean-member-leaves-isr');
    draft.isr = draft.isr.filter((id) => id !== unclean);
  }
  completeReassignment(draft);
  draft.directories = directoriesOf(
    draft.replicas,
    before,
    wanted.directories ?? before.directories,
    context,
  );
  eligibleReplicas(draft, before, unclean, context);
  const mustEndEpoch = rememberMembers(draft, before, context);
  electLeader(draft, before, context);
  // When ELR is disabled, the ISR is never empty: only its last members are known to have all committed records.
  if (draft.isr.length === 0 && !context.elrEnabled) draft.isr = before.isr;
  const replicaLeft = before.replicas.some((id) => !draft.replicas.includes(id));
  if (replicaLeft || mustEndEpoch) draft.leaderNamed = true;
  lastLeader(draft, before, context);
  draft.formerIsr = draft.formerIsr.filter((member) => isOutside(draft, member));
  return recordOf(draft, before);
}

/** Completes a reassignment when all adding replicas are in the ISR. */
function completeReassignment(draft: Draft): void {
  if (draft.adding.length === 0 && draft.removing.length === 0) return;
  const isr = draft.isr.filter((id) => !draft.removing.includes(id));
  if (isr.length === 0 || !draft.adding.every((id) => isr.includes(id))) return;
  draft.replicas = draft.replicas.filter((id) => !draft.removing.includes(id));
  draft.isr = isr;
  draft.adding = [];
  draft.removing = [];
}

/**
 * Computes the ELR. When a replica leaves the ISR and the ISR is then smaller than min.insync.replicas, the replica becomes an
 * eligible leader replica: the high watermark does not advance with so small an ISR, so the replica has all committed records.
 */
function eligibleReplicas(
  draft: Draft,
  before: PartitionImage,
  uncleanlyStopped: NodeId | undefined,
  context: ChangeContext,
): void {
  if (!context.elrEnabled) {
    draft.elr = [];
    return;
  }
  if (draft.isr.length >= Math.min(context.minIsr, draft.replicas.length)) {
    draft.elr = [];
    return;
  }
  mark('controller.eligible-replicas-kept');
  const candidates = [...before.elr, ...before.isr.filter((id) => !before.elr.includes(id))];
  draft.elr = candidates.filter(
    (id) => !draft.isr.includes(id) && id !== uncleanlyStopped && draft.replicas.includes(id),
  );
}

/**
 * The log directories of `replicas`. `known`: those of the replicas that the partition had before. The context names those of
 * new replicas.
 */
function directoriesOf(
  replicas: readonly NodeId[],
  before: PartitionImage,
  known: readonly Uuid[],
  context: ChangeContext,
): readonly Uuid[] {
  if (replicas === before.replicas) return known;
  return replicas.map((id) => {
    const at = before.replicas.indexOf(id);
    return at < 0 ? context.directoryOf(id) : (known[at] ?? uuidUnassignedDirectory);
  });
}

/** Whether the broker is active and the log directory of its replica is online. */
function canLead(draft: Draft, context: ChangeContext, id: NodeId): boolean {
  const directory = draft.directories[draft.replicas.indexOf(id)] ?? uuidUnassignedDirectory;
  return context.isActive(id) && context.hasDirectory(id, directory);
}

/** Whether a member of ISR or ELR can lead. */
function isEligible(draft: Draft, context: ChangeContext, id: NodeId): boolean {
  const isMember = draft.isr.includes(id) || draft.elr.includes(id);
  return (
    isMember && draft.replicas.includes(id) && !hasLost(draft.formerIsr, id) && canLead(draft, context, id)
  );
}

/**
 * Adds the replicas that leave ISR and ELR to `formerIsr`, if the leader epoch ends with this change: then the leader epochs in
 * the logs show whether a leader has committed records without these replicas. The leader epoch ends when the leader changes.
 * When the leader stays, the function returns true if the epoch must end too: the leader is alone in the ISR, or the ISR is too
 * small to commit, or the leader's stream is broken.
 */
function rememberMembers(draft: Draft, before: PartitionImage, context: ChangeContext): boolean {
  const isMember = (id: NodeId): boolean => draft.isr.includes(id) || draft.elr.includes(id);
  const gone = [...before.isr, ...before.elr].filter((id) => !isMember(id) && draft.replicas.includes(id));
  if (gone.length === 0) return false;
  const leaderStays = before.leader !== noLeader && isEligible(draft, context, before.leader);
  if (leaderStays && goesOn(draft, before.leader, context)) return false;
  for (const brokerId of gone) {
    if (hasLost(draft.formerIsr, brokerId)) continue;
    const member = { brokerId, leaderEpoch: before.leaderEpoch, hasLostRecords: false };
    draft.formerIsr = withFormer(draft.formerIsr, member);
  }
  return leaderStays;
}

/** Whether a leader that stays can still commit records together with other replicas. */
function goesOn({ isr, replicas }: Draft, leader: NodeId, { isConnected, minIsr }: ChangeContext): boolean {
  if (isConnected === null) return true;
  return isr.length > 1 && isr.length >= Math.min(minIsr, replicas.length) && isConnected(leader);
}

/**
 * Whether the replica belongs to `formerIsr`. A replica that has lost records leaves `formerIsr` when it leads, or when it is
 * in ISR or ELR and the partition has a leader.
 */
function isOutside(
  { replicas, isr, elr, leader }: Draft,
  { brokerId, hasLostRecords }: FormerMember,
): boolean {
  if (!replicas.includes(brokerId)) return false;
  return (hasLostRecords && leader === noLeader) || (!isr.includes(brokerId) && !elr.includes(brokerId));
}

function electLeader(draft: Draft, before: PartitionImage, context: ChangeContext): void {
  const eligible = (id: NodeId): boolean => isEligible(draft, context, id);
  const current = before.leader === noLeader ? null : before.leader;
  let chosen: NodeId | null = null;
  const preferred = draft.replicas[0];
  if (context.election === 'preferred' && preferred !== undefined && eligible(preferred)) chosen = preferred;
  else if (current !== null && eligible(current)) chosen = current;
  else chosen = draft.replicas.find(eligible) ?? null;
  if (chosen === null) {
    chosen = leaderOutsideIsr(draft, before, context);
    draft.unclean = chosen !== null;
  }
  if (chosen === null) {
    mark('controller.nobody-may-lead');
    draft.leader = noLeader;
  } else {
    draft.leader = chosen;
    if (draft.unclean) {
      draft.isr = [chosen];
      draft.elr = [];
      draft.leaderRecoveryState = recovering;
    } else if (!draft.isr.includes(chosen)) {
      mark('controller.leader-from-eligible-replicas');
      draft.isr = [chosen];
      draft.elr = draft.elr.filter((id) => id !== chosen);
    }
  }
  draft.leaderNamed = draft.leader !== before.leader || draft.unclean;
}

/** Elects a leader when no member of ISR and ELR can lead. Null: no replica may lead. */
function leaderOutsideIsr(draft: Draft, before: PartitionImage, context: ChangeContext): NodeId | null {
  const can = (id: NodeId): boolean => draft.replicas.includes(id) && canLead(draft, context, id);
  const isUnclean = context.election === 'unclean';
  const last = lastKnownLeader(draft, before, context);
  if (last !== null && hasLost(draft.formerIsr, last)) {
    const better = formerLeaders(draft.formerIsr, draft.replicas, isUnclean);
    const chosen = better.find(can);
    if (chosen !== undefined) mark('controller.leader-from-former-isr');
    else if (better.length > 0) mark('controller.waits-for-former-isr');
    if (chosen !== undefined) return chosen;
    if (better.length > 0 && !isUnclean) return null;
    if (can(last)) mark('controller.leader-with-lost-records');
  }
  if (last !== null && can(last)) return last;
  return isUnclean ? (draft.replicas.find(can) ?? null) : null;
}

/**
 * The replica that most likely has all committed records, when none is known to have them. With ELR: the last known leader, if
 * ISR and ELR are empty; without ELR: the last member of the ISR, if it has lost records. Null: there is none.
 */
function lastKnownLeader(draft: Draft, before: PartitionImage, context: ChangeContext): NodeId | null {
  if (!context.elrEnabled) {
    const members = draft.isr.length > 0 ? draft.isr : before.isr;
    const areLost = members.every((id) => hasLost(draft.formerIsr, id));
    return areLost ? (members[0] ?? null) : null;
  }
  if (draft.isr.length > 0 || draft.elr.length > 0) return null;
  if (draft.lastKnownElr.length === 1) return draft.lastKnownElr[0] ?? null;
  // The leader that loses its leadership with this change, which `lastLeader` will record. If it can lead at all, it has lost
  // records: otherwise it would still be eligible.
  return before.leader === noLeader || draft.lastKnownElr.length > 0 ? null : before.leader;
}

function lastLeader(draft: Draft, before: PartitionImage, context: ChangeContext): void {
  if (!context.elrEnabled) {
    draft.lastKnownElr = [];
  } else if (draft.leader !== noLeader) {
    draft.lastKnownElr = [];
  } else if (draft.isr.length === 0 && before.leader !== noLeader) {
    draft.lastKnownElr = [before.leader];
  }
}

function recordOf(draft: Draft, before: PartitionImage): RecordOf<'PartitionChangeRecord'> | null {
  const changed = (now: readonly NodeId[], then: readonly NodeId[]): readonly NodeId[] | null =>
    sameElements(now, then) ? null : now;
  const replicas = changed(draft.replicas, before.replicas);
  const isr = changed(draft.isr, before.isr);
  const removingReplicas = changed(draft.removing, before.removingReplicas);
  const addingReplicas = changed(draft.adding, before.addingReplicas);
  const eligibleLeaderReplicas = changed(draft.elr, before.elr);
  const lastKnownElr = changed(draft.lastKnownElr, before.lastKnownElr);
  const formerIsr = sameMembers(draft.formerIsr, before.formerIsr) ? null : draft.formerIsr;
  const directories = sameElements(draft.directories, before.directories) ? null : draft.directories;
  const recoveryChanged = draft.leaderRecoveryState !== before.leaderRecoveryState;
  const isSame =
    replicas === null &&
    isr === null &&
    removingReplicas === null &&
    addingReplicas === null &&
    eligibleLeaderReplicas === null &&
    lastKnownElr === null &&
    formerIsr === null &&
    directories === null;
  if (isSame && !draft.leaderNamed && !recoveryChanged) return null;
  return record('PartitionChangeRecord', {
    partitionId: before.index,
    topicId: before.topicId,
    isr,
    leader: draft.leaderNamed ? draft.leader : -2,
    replicas,
    removingReplicas,
    addingReplicas,
    leaderRecoveryState: recoveryChanged ? draft.leaderRecoveryState : -1,
    directories: replicas === null ? directories : draft.directories,
    eligibleLeaderReplicas,
    lastKnownElr,
    formerIsr,
  });
}
