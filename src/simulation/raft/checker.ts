/**
 * Checks the invariants of consensus (I1 to I17, listed in the README) after every event, from disks, logs and messages. Parts
 * of it are in `watch.ts` (I3), `promises.ts` (I11, I15) and `silent-leader-check.ts` (I14); `settle.ts` checks I13. A check
 * looks only at what the event changed, so its cost does not grow with the size of the quorum or of the logs.
 */
import type { RaftCore } from '../../raft/core.ts';
import type { Outbound, RaftMessage } from '../../raft/messages.ts';
import { majority } from '../../raft/quorum.ts';
import type { WriteOp } from '../../raft/store.ts';
import { type Entry, type ReplicaKey, sameReplica, type SnapshotMeta, type Voter } from '../../raft/types.ts';
import { uuidZero } from '../../base/uuid.ts';
import { encodeVoters } from '../../raft/voter-set.ts';
import type { SilentLeaderCheck } from './silent-leader-check.ts';
import { sent } from './promises.ts';
import type { Replica } from './replica.ts';
import {
  type InternedEntry,
  Canonical,
  difference,
  Mirror,
  nameOf,
  require,
  sameVoters,
  votersText,
} from './watch.ts';

/** The part of the world that the checker uses. */
export interface CheckedWorld {
  readonly replicas: readonly Replica[];
  readonly initialVoters: readonly Voter[];
  readonly clients: { sawCommitted(interned: InternedEntry): void };
  readonly deposed: SilentLeaderCheck;
  elected(leader: Replica): void;
  note(line: () => string): void;
}

export class Checker {
  readonly world: CheckedWorld;
  readonly canonical = new Canonical();
  /** I7: the committed log. */
  readonly committed: InternedEntry[] = [];
  /** By offset: the epoch of the leader that committed the entry. */
  readonly #committedIn: number[] = [];
  /** I1: the one leader of each epoch. */
  readonly leaders = new Map<number, Replica>();
  /** The content of each disk, by directory id. The content of wiped disks is kept: their replicas have acknowledged it. */
  readonly durableOf = new Map<string, Mirror>();
  /** I2: the vote of each disk in each epoch. */
  readonly #votes = new Map<string, Map<number, ReplicaKey>>();
  /** I10: by end offset, the state of every replica that has applied that much. */
  readonly #states: number[] = [];
  /** The largest epoch so far. The checks of a quiet quorum (`settle.ts`) compare it to see whether there was an election. */
  epochMax = 0;
  committedEnd = 0;

  constructor(world: CheckedWorld) {
    this.world = world;
  }

  started(replica: Replica, core: RaftCore): void {
    const { watch, disk, key } = replica;
    this.durableOf.set(key.directoryId, watch.durable);
    const { durable, memory } = watch;
    memory.copy(durable);
    watch.initial = disk.snapshot === null ? replica.bootstrap : this.#initialOf(disk.snapshot.meta);
    watch.rebuildSteps();
    watch.role = core.state.role.name;
    watch.highWatermark = core.state.highWatermark;
    const id = `n${replica.id}`;
    require(core.state.log.endOffset === durable.end, 'I17 disk refinement', () =>
      `${id} recovers ${core.state.log.endOffset} of ${durable.end}`);
    watch.epoch = core.state.epoch;
    require(core.state.highWatermark <= durable.end, 'I9 order', () =>
      `${id} stored a high watermark of ${core.state.highWatermark} with entries up to ${durable.end}`);
    const covered = disk.startOffset === 0 || (disk.snapshot?.meta.endOffset ?? 0) >= disk.startOffset;
    require(covered, 'I9 order', () => `${id}: the log begins after its snapshot`);
    this.#sameVoters(replica, core);
  }

  wiped(replica: Replica): void {
    const { watch } = replica;
    watch.durable = new Mirror();
    watch.memory = new Mirror();
    watch.steps = [];
    watch.initial = [];
    watch.epoch = 0;
    watch.durableEpoch = 0;
    watch.highWatermark = 0;
    watch.snapshotEnd = 0;
  }

  /** A replica has requested a write; from now on its log in memory includes the entries. */
  wrote(replica: Replica, core: RaftCore, op: WriteOp): void {
    const { watch } = replica;
    const first = op.entries[0];
    if (op.install !== null) this.#installed(replica, op.install.meta);
    if (first !== undefined) this.#appended(replica, core, op.entries, first.offset);
    if (op.install !== null || first !== undefined) {
      require(core.state.voters.current.length > 0 || watch.voters.length === 0, 'I12 voter sets', () =>
        `n${replica.id} lost its voters`);
    }
    if (op.compactTo !== null) {
      require(op.compactTo <= watch.snapshotEnd, 'I9 order', () =>
        `n${replica.id} cuts its log at ${op.compactTo}, its snapshot ends at ${watch.snapshotEnd}`);
    }
  }

  #installed(replica: Replica, meta: SnapshotMeta): void {
    const { watch } = replica;
    this.#committedSnapshot(replica, meta);
    require(meta.endOffset >= watch.highWatermark, 'I8 monotonic', () =>
      `n${replica.id} installs a snapshot of ${meta.endOffset} over ${watch.highWatermark}`);
    watch.memory.install(this.committed, meta.endOffset);
    watch.initial = this.#initialOf(meta);
    watch.snapshotEnd = Math.max(watch.snapshotEnd, meta.endOffset);
    watch.rebuildSteps();
  }

  /** The voter set in force before the first `voters` entry; empty for a replica that was formatted without voters. */
  #initialOf(meta: SnapshotMeta): readonly Voter[] {
    return meta.voters.length === 0 ? [] : this.world.initialVoters;
  }

  #committedSnapshot(replica: Replica, meta: SnapshotMeta): void {
    const last = this.committed[meta.endOffset - 1];
    require(meta.endOffset <= this.committedEnd && last?.epoch === meta.epoch, 'I9 order', () =>
      `n${replica.id} has a snapshot of ${meta.endOffset - 1}@${meta.epoch}, committed is ${nameOf(last)}`);
  }

  #appended(replica: Replica, core: RaftCore, entries: readonly Entry[], from: number): void {
    const { watch } = replica;
    const { memory } = watch;
    const id = `n${replica.id}`;
    require(from <= memory.end, 'I9 order', () => `${id} leaves a gap before ${from}`);
    if (from < memory.end) {
      const leads = watch.role === 'leader' && watch.epoch === core.state.epoch;
      require(!leads, 'I4 leader append-only', () => `leader ${id} replaces ${from}`);
      require(from >= watch.highWatermark, 'I7 committed immutable', () =>
        `${id} replaces ${from}, committed up to ${watch.highWatermark}`);
      // A replica may replace a committed entry when it does not know of the later epoch in which the entry was committed: a
      // leader of an earlier epoch may still replicate to it. It will take over the committed entry later.
      const knows = from < this.committedEnd && core.state.epoch >= (this.#committedIn[from] as number);
      require(!knows || memory.items[from] !== this.committed[from], 'I7 committed immutable', () =>
        `${id} replaces ${nameOf(this.committed[from])}, which is committed`);
      memory.truncate(from);
      while (watch.steps.length > 0 && (watch.steps.at(-1) as InternedEntry).offset >= from)
        watch.steps.pop();
    }
    for (const entry of entries) {
      require(entry.offset === memory.end, 'I9 order', () => `${id} writes ${entry.offset} at ${memory.end}`);
      const interned = this.canonical.intern(entry, memory.last(memory.end));
      memory.push(interned);
      if (interned.voters !== null) this.#voterStep(replica, core, interned);
    }
  }

  /** I12: a change adds or removes one voter, and at most one voter set is uncommitted. */
  #voterStep(replica: Replica, core: RaftCore, interned: InternedEntry): void {
    const { watch } = replica;
    const before = watch.steps.at(-1);
    const voters = interned.voters as readonly Voter[];
    const old = watch.voters;
    watch.steps.push(interned);
    replica.judgedSinceMs = replica.localMs;
    if (core.state.role.name !== 'leader' || interned.epoch !== core.state.epoch) return;
    if (old.length > 0) {
      require(difference(old, voters) <= 1, 'I12 voter sets', () =>
        `leader n${replica.id} goes from ${votersText(old)} to ${votersText(voters)} at once`);
    }
    // The first `voters` entry of a log repeats the voters with which the replicas were formatted.
    if (before === undefined && difference(old, voters) === 0) return;
    const own = watch.memory.last(core.state.highWatermark)?.epoch === interned.epoch;
    require(own, 'I12 voter sets', () =>
      `leader n${replica.id} changes the voters before anything of its epoch ${interned.epoch} is committed`);
    require(before === undefined || before.offset < core.state.highWatermark, 'I12 voter sets', () =>
      `leader n${replica.id} appends a voter set while ${nameOf(before)} is uncommitted`);
  }

  #sameVoters(replica: Replica, core: RaftCore): void {
    const { current } = core.state.voters;
    const { voters } = replica.watch;
    const isStatic = voters.every((voter) => voter.directoryId === uuidZero);
    if (isStatic && replica.watch.initial.length > 0) return;
    require(sameVoters(current, voters), 'I12 voter sets', () =>
      `n${replica.id} takes ${votersText(current)} for the voters, its log says ${votersText(voters)}`);
  }

  /** The replica's disk has completed the writes `ops`. */
  stored(replica: Replica, ops: readonly WriteOp[]): void {
    const { durable } = replica.watch;
    for (const op of ops) {
      if (op.install !== null) durable.install(this.committed, op.install.meta.endOffset);
      const first = op.entries[0];
      if (first !== undefined) {
        durable.truncate(first.offset);
        for (const entry of op.entries)
          durable.push(this.canonical.find(entry.offset, entry.epoch) as InternedEntry);
      }
      const { epoch, votedFor, highWatermark } = op.hardState;
      if (votedFor !== null) this.vote(replica, epoch, votedFor);
      require(epoch >= replica.watch.durableEpoch, 'I8 monotonic', () =>
        `n${replica.id} stores epoch ${epoch} after ${replica.watch.durableEpoch}`);
      replica.watch.durableEpoch = epoch;
      require(highWatermark <= durable.end, 'I9 order', () =>
        `n${replica.id} stores a high watermark of ${highWatermark} with entries up to ${durable.end}`);
    }
  }

  vote(replica: Replica, epoch: number, votedFor: ReplicaKey): void {
    const disk = replica.key.directoryId;
    let votes = this.#votes.get(disk);
    if (votes === undefined) this.#votes.set(disk, (votes = new Map()));
    const known = votes.get(epoch);
    require(known === undefined || sameReplica(known, votedFor), 'I2 one vote', () =>
      `n${replica.id} voted for ${known?.id} and ${votedFor.id} in epoch ${epoch}`);
    if (known === undefined) votes.set(epoch, votedFor);
  }

  snapshotSaved(replica: Replica, meta: SnapshotMeta): void {
    this.#committedSnapshot(replica, meta);
    const { watch } = replica;
    // The leader has sent a newer snapshot in the meantime, and the disk keeps that one.
    if (meta.endOffset <= watch.snapshotEnd) return;
    watch.snapshotEnd = meta.endOffset;
    const expected = watch.votersBefore(meta.endOffset);
    if (!expected.every((voter) => voter.directoryId === uuidZero)) {
      require(sameVoters(meta.voters, expected), 'I12 voter sets', () =>
        `n${replica.id} saves ${votersText(meta.voters)} as voters at ${meta.endOffset}, they are ${votersText(expected)}`);
    }
  }

  /**
   * Called after each step of a core, before its messages are sent. `votersDuring`: of a step that handled several inputs, the
   * voter set before it and those that it appended; empty when it handled one input.
   */
  stepped(replica: Replica, core: RaftCore, votersDuring: readonly (readonly Voter[])[]): void {
    const { watch } = replica;
    const { state } = core;
    const { log, role } = state;
    const id = `n${replica.id}`;
    require(state.epoch >= watch.epoch, 'I8 monotonic', () => `${id}: epoch went back`);
    require(state.highWatermark >= watch.highWatermark, 'I8 monotonic', () =>
      `${id}: high watermark went from ${watch.highWatermark} to ${state.highWatermark}`);
    require(state.highWatermark <= log.endOffset, 'I9 order', () => `${id}: high watermark past its log`);
    require(log.endOffset === watch.memory.end, 'I17 disk refinement', () =>
      `${id} has entries up to ${log.endOffset}, wrote ${watch.memory.end}`);
    const stable = log.stableEndOffset;
    const { memory, durable } = watch;
    require(stable <= durable.end &&
      memory.last(stable) === durable.last(stable), 'I17 disk refinement', () =>
      `${id} takes ${stable} entries for durable, its disk has ${nameOf(durable.last(Math.min(stable, durable.end)))}`);
    if (role.name === 'leader' && (watch.role !== 'leader' || watch.epoch !== state.epoch))
      this.#elected(replica, core);
    require(core.leaderId !== replica.id || role.name === 'leader', 'I1 one leader', () =>
      `n${replica.id}, ${role.name}, takes itself for the leader of epoch ${state.epoch}`);
    watch.epoch = state.epoch;
    watch.role = role.name;
    if (state.epoch > this.epochMax) this.epochMax = state.epoch;
    if (state.highWatermark > watch.highWatermark) this.#committedTo(replica, core, votersDuring);
    watch.steppedCount += 1;
    if ((watch.steppedCount & 15) === 0) this.#sampled(replica, core);
  }

  #elected(replica: Replica, core: RaftCore): void {
    const { epoch } = core.state;
    const { watch } = replica;
    const known = this.leaders.get(epoch);
    require(known === undefined, 'I1 one leader', () =>
      `epoch ${epoch}: n${known?.id} and n${replica.id} lead`);
    this.leaders.set(epoch, replica);
    replica.judgedSinceMs = replica.localMs;
    this.world.elected(replica);
    let end = this.committedEnd;
    // A replica may learn late that it was elected. Entries that were committed in later epochs need not be in its log, so
    // leave them out.
    while (end > 0 && (this.#committedIn[end - 1] as number) >= epoch) end -= 1;
    this.world.note(() => `n${replica.id} leads epoch ${epoch}, end=${watch.memory.end} committed=${end}`);
    const complete = watch.memory.end >= end && watch.memory.last(end) === (this.committed[end - 1] ?? null);
    require(complete, 'I5 leader completeness', () =>
      `n${replica.id} leads epoch ${epoch} with ${nameOf(watch.memory.last(Math.min(end, watch.memory.end)))}, committed is ${nameOf(this.committed[end - 1])}`);
    // The set in force on the leader is the one that elected it: its first entries may contain a `voters` entry, but that
    // repeats the set.
    const { voters } = watch;
    const votes = voters.filter((voter) => {
      const votedFor = this.#votes.get(this.#directoryOf(voter))?.get(epoch);
      return votedFor !== undefined && sameReplica(votedFor, replica.key);
    }).length;
    require(votes >= majority(voters.length), 'I1 one leader', () =>
      `n${replica.id} leads epoch ${epoch} with ${votes} durable votes of ${votersText(voters)}`);
  }

  #directoryOf(voter: Voter): string {
    if (voter.directoryId !== uuidZero) return voter.directoryId;
    return this.world.replicas[voter.id - 1]?.key.directoryId ?? uuidZero;
  }

  #committedTo(replica: Replica, core: RaftCore, votersDuring: readonly (readonly Voter[])[]): void {
    const { watch } = replica;
    const endOffset = core.state.highWatermark;
    watch.highWatermark = endOffset;
    const last = watch.memory.last(endOffset);
    if (endOffset <= this.committedEnd) {
      require(last === this.committed[endOffset - 1], 'I7 committed immutable', () =>
        `n${replica.id} takes ${nameOf(last)} for committed, it is ${nameOf(this.committed[endOffset - 1])}`);
      return;
    }
    const { role, epoch } = core.state;
    // The replica may have committed as leader and lost the leadership in the same step. Then the epoch of the entry shows it.
    const committer =
      role.name === 'leader' ? epoch : this.leaders.get(last?.epoch ?? -1) === replica ? last?.epoch : null;
    require(committer !== null, 'I6 commit truth', () =>
      `n${replica.id}, no leader, takes ${nameOf(last)} for committed; ${this.committedEnd} entries are`);
    require(last?.epoch === committer, 'I6 commit truth', () =>
      `leader n${replica.id} of epoch ${epoch} commits ${nameOf(last)} by counting`);
    // If the step handled several inputs, one may have committed with a voter set that another input has changed or truncated.
    const sets = [watch.voters, ...votersDuring];
    const held = sets.some((voters) => this.#held(voters, last as InternedEntry));
    require(held, 'I6 commit truth', () =>
      `n${replica.id} commits ${nameOf(last)}, which no majority of ${votersText(watch.voters)} has on disk`);
    for (let offset = this.committedEnd; offset < endOffset; offset++) {
      const interned = watch.memory.items[offset] as InternedEntry;
      this.committed[offset] = interned;
      this.#committedIn[offset] = last?.epoch ?? 0;
      this.world.clients.sawCommitted(interned);
    }
    this.committedEnd = endOffset;
  }

  /** Whether a majority of `voters` has the entry and everything before it on disk. */
  #held(voters: readonly Voter[], last: InternedEntry): boolean {
    const endOffset = last.offset + 1;
    let holders = 0;
    for (const voter of voters) {
      const durable = this.durableOf.get(this.#directoryOf(voter));
      if (durable !== undefined && durable.end >= endOffset && durable.last(endOffset) === last) holders += 1;
    }
    return holders >= majority(voters.length);
  }

  /** Checks that are too expensive for every event; they are made for a part of the events. */
  #sampled(replica: Replica, core: RaftCore): void {
    this.#sameVoters(replica, core);
    this.#sameDisk(replica, core);
    const { role, options } = core.state;
    if (role.name !== 'leader') return;
    const id = `n${replica.id}`;
    // A change of voters is accepted even if too many bytes are uncommitted, so that a voter can be removed under load.
    const setBytes = encodeVoters(core.state.voters.current).length;
    const bytesMax = options.uncommittedBytesMax + options.payloadBytesMax + setBytes;
    require(role.uncommittedBytes <= bytesMax, 'I16 bounds', () =>
      `${id} holds ${role.uncommittedBytes} uncommitted bytes`);
    for (const progress of role.progress.values()) {
      require(progress.match <= progress.next, 'I15 progress', () => `${id}: match past next`);
      const many = progress.inflights.length > options.inflightCountMax;
      require(!many, 'I16 bounds', () => `${id}: ${progress.inflights.length} appends in flight`);
    }
    this.world.deposed.check(replica, core);
  }

  /** I17: when no write is pending, a restart would recover exactly what is in memory. */
  #sameDisk(replica: Replica, core: RaftCore): void {
    const { state } = core;
    if (replica.writesPending || state.log.persistedSeq !== state.log.lastSeq) return;
    const { disk } = replica;
    const { epoch, votedFor } = disk.hardState;
    const sameVote = votedFor === null ? state.votedFor === null : votedFor.id === state.votedFor?.id;
    require(epoch === state.epoch && sameVote, 'I17 disk refinement', () =>
      `n${replica.id} is in epoch ${state.epoch} and voted for ${state.votedFor?.id}, its disk says ${epoch} and ${votedFor?.id}`);
    const same = disk.endOffset === state.log.endOffset && disk.startOffset === state.log.startOffset;
    require(same, 'I17 disk refinement', () =>
      `n${replica.id} has ${state.log.startOffset}..${state.log.endOffset}, its disk ${disk.startOffset}..${disk.endOffset}`);
    if ((replica.watch.steppedCount & 1023) === 0) replica.tryRecovery();
  }

  /** A leader has handled a response: compares what it now believes about the follower with the follower's disk. */
  handled(replica: Replica, core: RaftCore, input: { from: ReplicaKey; message: RaftMessage }): void {
    const { role, epoch } = core.state;
    if (role.name !== 'leader' || input.message.epoch !== epoch) return;
    const { type } = input.message;
    if (type !== 'appended' && type !== 'alive') return;
    const { from } = input;
    replica.heardMs[from.id] = replica.localMs;
    const progress = role.progress.get(from.id);
    const follower = this.world.replicas[from.id - 1];
    if (progress === undefined || follower === undefined || progress.match === 0) return;
    if (progress.directoryId !== follower.key.directoryId) return;
    const { durable } = follower.watch;
    if (follower.disk.hardState.epoch > epoch) return;
    const { match } = progress;
    const isTrue = durable.end >= match && durable.last(match) === replica.watch.memory.last(match);
    require(isTrue, 'I15 progress', () =>
      `leader n${replica.id} takes ${match} for matched by n${from.id}, whose disk has ${nameOf(durable.last(Math.min(match, durable.end)))}`);
  }

  sent(replica: Replica, outbound: Outbound): void {
    sent(this, replica, outbound);
  }

  appliedEntry(replica: Replica, entry: Entry): void {
    const offset = entry.offset;
    const interned = this.committed[offset];
    require(offset === replica.appliedEnd - 1, 'I10 same state', () =>
      `n${replica.id} applies ${offset} after ${replica.appliedEnd - 2}`);
    require(interned !== undefined && interned.epoch === entry.epoch, 'I7 committed immutable', () =>
      `n${replica.id} applies ${offset}@${entry.epoch}, committed is ${nameOf(interned)}`);
    require(replica.watch.durable.end > offset, 'I9 order', () =>
      `n${replica.id} applies ${offset}, which isn't on its disk`);
    this.#state(replica);
  }

  applied(replica: Replica): void {
    this.#state(replica);
  }

  #state(replica: Replica): void {
    const known = this.#states[replica.appliedEnd];
    require(known === undefined || known === replica.appliedHash, 'I10 same state', () =>
      `n${replica.id}: another state at ${replica.appliedEnd}`);
    this.#states[replica.appliedEnd] = replica.appliedHash;
  }
}
