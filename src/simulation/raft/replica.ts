/**
 * A replica of the simulated quorum: a real core with a simulated driver. It does what the real driver
 * (`server/raft/voter-log.ts`) does, in the same order, with a simulated disk and network. After a crash only the disk is left.
 */
import { assert } from '../../base/assert.ts';
import { type NodeId, nodeId } from '../../base/ids.ts';
import { below } from '../../base/random.ts';
import { RaftCore } from '../../raft/core.ts';
import type { JoinRequest, Outbound, RaftMessage } from '../../raft/messages.ts';
import { type Effects, type Input, type ReadLog, raftOptions, type Refusal } from '../../raft/state.ts';
import type { WriteOp } from '../../raft/store.ts';
import type { Entry, ReplicaKey, SnapshotMeta, Voter } from '../../raft/types.ts';
import { decodeVoters } from '../../raft/voter-set.ts';
import type { SeededRandom } from '../random.ts';
import { directoryOf, hashBytes, mix, readHash } from './applied-state.ts';
import { Disk } from './disk.ts';
import type { RaftPlan } from './plan.ts';
import { require, sameVoters, type Watch } from './watch.ts';

/** The calls by which a replica reports its steps to the checker. */
export interface ReplicaObserver {
  started(replica: Replica, core: RaftCore): void;
  wiped(replica: Replica): void;
  wrote(replica: Replica, core: RaftCore, op: WriteOp): void;
  stepped(replica: Replica, core: RaftCore, votersDuring: readonly (readonly Voter[])[]): void;
  handled(replica: Replica, core: RaftCore, input: { from: ReplicaKey; message: RaftMessage }): void;
  sent(replica: Replica, outbound: Outbound): void;
  stored(replica: Replica, ops: readonly WriteOp[]): void;
  appliedEntry(replica: Replica, entry: Entry): void;
  applied(replica: Replica): void;
  snapshotSaved(replica: Replica, meta: SnapshotMeta): void;
}

/** The calls by which a replica reports the outcome of requests to the clients. */
export interface Requesters {
  refused(replica: Replica, ticket: number, reason: Refusal): void;
  readReady(replica: Replica, ticket: number, endOffset: number): void;
  committed(ticket: number, offset: number): void;
  unknown(ticket: number): void;
  applied(replica: Replica): void;
  died(replica: Replica): void;
}

/** The part of the world that a replica uses. */
export interface ReplicaWorld {
  readonly plan: RaftPlan;
  readonly random: SeededRandom;
  readonly checker: ReplicaObserver;
  readonly clients: Requesters;
  readonly network: { send(from: Replica, to: NodeId, message: RaftMessage): boolean };
  readonly nowMs: number;
  readonly calm: boolean;
  schedule(
    delayMs: number,
    kind: 'timer' | 'turn' | 'synced' | 'apply',
    replica: Replica,
    value: unknown,
  ): void;
  after(delayMs: number, run: () => void): void;
  /** Sends to the bootstrap servers. */
  announce(replica: Replica, message: JoinRequest): void;
  syncMs(replica: Replica, random: SeededRandom): number;
  note(line: () => string): void;
}

/** An accepted request that waits for its outcome, as in the driver. */
interface Waiting {
  readonly ticket: number;
  readonly offset: number;
}

const wallStartMs = 1_700_000_000_000;
const readBytesMax = 10_000;

export class Replica {
  readonly index: number;
  readonly id: NodeId;
  readonly watch: Watch;
  key: ReplicaKey;
  disk = new Disk();
  core: RaftCore | null = null;
  /** Incremented when the process starts and when it ends, so that events for an ended incarnation are ignored. */
  life = 0;
  /** How often the replica's disk was wiped. */
  diskLife = 0;
  /** The voters with which the disk was formatted; empty on a controller that will be added later. */
  bootstrap: readonly Voter[];
  pausedUntilMs = 0;
  /** The next write to the disk fails, and then the process ends. */
  failsNextWrite = false;
  appliedEnd = 0;
  appliedHash = 0;
  retiring = false;
  /** After the faults this replica stays as it is, because the quorum must work without it (`settle.ts`). */
  frozen = false;
  /** By peer: the last real contact, by this replica's clock. Used to check that a leader without a majority steps down. */
  readonly heardMs: number[] = [];
  /** When the last pause of the process ended, by this replica's clock. */
  lastPauseMs = 0;
  /** The time at which it became leader, or at which its voter set last changed: `SilentLeaderCheck` counts from then. */
  judgedSinceMs = 0;
  readonly #world: ReplicaWorld;
  readonly #random: SeededRandom;
  readonly #now = { monotonicMs: 0, wallMs: wallStartMs };
  readonly #one: Input[] = [{ type: 'tick' }];
  #clockStartMs = 0;
  #writing: readonly WriteOp[] | null = null;
  #queued: WriteOp[] = [];
  #afterSeq: { readonly seq: number; readonly outbound: Outbound }[] = [];
  #mailbox: Input[] = [];
  #turnScheduled = false;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #leading: number | null = null;
  #waiting: Waiting[] = [];
  #applying = false;
  #snapshotting = false;

  constructor(world: ReplicaWorld, index: number, bootstrap: readonly Voter[], watch: Watch) {
    this.#world = world;
    this.index = index;
    this.id = nodeId(index + 1);
    this.bootstrap = bootstrap;
    this.watch = watch;
    this.key = { id: this.id, directoryId: directoryOf(index, 0) };
    this.#random = world.random.fork(`replica ${index}`);
  }

  get localMs(): number {
    return (this.#world.nowMs - this.#clockStartMs) * this.#rate;
  }

  get #rate(): number {
    return this.#world.plan.clockRates[this.index] as number;
  }

  /** The newest voter set on this replica, committed or not. */
  get voters(): readonly Voter[] {
    return this.watch.voters;
  }

  start(): void {
    const { checker } = this.#world;
    this.life += 1;
    this.retiring = false;
    this.pausedUntilMs = 0;
    this.failsNextWrite = false;
    this.#clockStartMs = this.#world.nowMs - below(this.#random, 1000);
    this.judgedSinceMs = this.localMs;
    this.lastPauseMs = 0;
    this.heardMs.length = 0;
    const { disk } = this;
    const core = this.#recover(`life ${this.life}`);
    this.core = core;
    this.appliedEnd = disk.snapshot?.meta.endOffset ?? 0;
    this.appliedHash = disk.snapshot === null ? 0 : readHash(disk.snapshot.bytes);
    this.#world.note(
      () => `n${this.id} starts: end=${core.state.log.endOffset} epoch=${disk.hardState.epoch}`,
    );
    checker.started(this, core);
    core.begin(this.#tick());
    this.input({ type: 'tick' });
  }

  /** A new core with the state that a restart would recover from the disk now. */
  #recover(stream: string): RaftCore {
    const { disk } = this;
    const recovered = {
      hardState: disk.hardState,
      snapshot: disk.snapshot?.meta ?? null,
      startOffset: disk.startOffset,
      startEpoch: disk.startEpoch,
    };
    const endpoints = [{ name: 'CONTROLLER', host: `n${this.id}`, port: 9093 }];
    const options = raftOptions(this.key, { ...this.#world.plan.tuning, endpoints });
    const core = new RaftCore(options, this.#random.fork(stream), recovered, this.bootstrap);
    core.restore(disk.all());
    return core;
  }

  /** Checks I17: when no write is pending, recovery finds on disk what this process has in memory. */
  tryRecovery(): void {
    const core = this.core as RaftCore;
    const { state } = this.#recover('trial');
    const { log, voters } = core.state;
    const same =
      state.epoch === core.state.epoch &&
      state.log.lastEpoch === log.lastEpoch &&
      state.log.endOffset === log.endOffset &&
      sameVoters(state.voters.current, voters.current);
    require(same, 'I17 disk refinement', () => `n${this.id} would recover another state than it has`);
  }

  /** Ends the process. `landed`: the write in progress has reached the disk. */
  die(landed: boolean): void {
    if (this.core === null) return;
    if (landed && this.#writing !== null) this.#store(this.#writing);
    this.core = null;
    this.life += 1;
    this.#writing = null;
    this.#queued = [];
    this.#afterSeq = [];
    this.#mailbox = [];
    this.#turnScheduled = false;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#leading = null;
    this.#waiting = [];
    this.#applying = false;
    this.#snapshotting = false;
    this.#world.clients.died(this);
  }

  /** Replaces the disk by an empty one: this node id is now another replica, which knows no voters. */
  wipe(): void {
    assert(this.core === null, 'a running node keeps its disk');
    this.diskLife += 1;
    this.disk = new Disk();
    this.bootstrap = [];
    this.key = { id: this.id, directoryId: directoryOf(this.index, this.diskLife) };
    this.#world.checker.wiped(this);
  }

  pause(forMs: number): void {
    if (this.core === null) return;
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#world.nowMs + forMs);
    const { life } = this;
    this.#world.after(this.pausedUntilMs - this.#world.nowMs, () => {
      if (this.life === life && this.#world.nowMs >= this.pausedUntilMs) this.#resume();
    });
  }

  /** Ends a pause and handles the inputs that came during it. */
  wake(): void {
    this.pausedUntilMs = 0;
    if (this.core !== null) this.#resume();
  }

  #resume(): void {
    this.lastPauseMs = this.localMs;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#turn();
    const { core } = this;
    if (core !== null) this.#arm(core);
  }

  /** Gives an input to the core: at once in a step of its own, or with other inputs in the next turn (`plan.turnMs`). */
  input(input: Input): void {
    if (this.core === null) return;
    if (this.#world.plan.turnMs === 0 && this.pausedUntilMs <= this.#world.nowMs) {
      this.#one[0] = input;
      if (input.type === 'persisted') this.#release(input.seq);
      this.#step(this.#one);
      return;
    }
    this.#mailbox.push(input);
    if (this.#turnScheduled || this.pausedUntilMs > this.#world.nowMs) return;
    this.#turnScheduled = true;
    this.#world.schedule(this.#world.plan.turnMs, 'turn', this, null);
  }

  turn(): void {
    this.#turnScheduled = false;
    if (this.pausedUntilMs <= this.#world.nowMs) this.#turn();
  }

  #turn(): void {
    const inputs = this.#mailbox;
    if (inputs.length === 0) return;
    this.#mailbox = [];
    for (const input of inputs) if (input.type === 'persisted') this.#release(input.seq);
    this.#step(inputs);
  }

  #tick(): { monotonicMs: number; wallMs: number } {
    this.#now.monotonicMs = this.localMs;
    this.#now.wallMs = wallStartMs + Math.floor(this.#world.nowMs);
    return this.#now;
  }

  #step(inputs: readonly Input[]): void {
    const core = this.core as RaftCore;
    const votersBefore = this.watch.voters;
    const effects = core.step(this.#tick(), inputs);
    const votersDuring = inputs.length > 1 ? [votersBefore, ...setsIn(effects)] : [];
    for (const op of effects.writes) this.#world.checker.wrote(this, core, op);
    this.#world.checker.stepped(this, core, votersDuring);
    this.#perform(core, effects);
    for (const input of inputs) if (input.type === 'message') this.#world.checker.handled(this, core, input);
  }

  #perform(core: RaftCore, effects: Effects): void {
    const { clients } = this.#world;
    for (const op of effects.writes) this.#queued.push(op);
    this.#pump();
    for (const outbound of effects.send) this.#send(outbound);
    for (const waiting of effects.sendAfter) this.#afterSeq.push(waiting);
    for (const { ticket, offset } of effects.accepted) this.#waiting.push({ ticket, offset });
    for (const { ticket, reason } of effects.refused) clients.refused(this, ticket, reason);
    for (const read of effects.readLog) this.#readLog(read);
    for (const { to, epoch } of effects.sendSnapshot) this.#sendSnapshot(to, epoch);
    for (const { ticket, endOffset } of effects.readReady) clients.readReady(this, ticket, endOffset);
    for (const message of effects.announce) this.#world.announce(this, message);
    const leading = core.state.role.name === 'leader' ? core.state.epoch : null;
    if (leading === null || (this.#leading !== null && this.#leading !== leading)) {
      for (const { ticket } of this.#waiting) clients.unknown(ticket);
      this.#waiting = [];
    }
    this.#leading = leading;
    this.#kickApply(core);
    this.#arm(core);
  }

  #send(outbound: Outbound): void {
    this.#world.checker.sent(this, outbound);
    this.#world.network.send(this, outbound.to, outbound.message);
  }

  /** Sends the messages that waited for the write `seq`. */
  #release(seq: number): void {
    let count = 0;
    for (const waiting of this.#afterSeq) {
      if (waiting.seq > seq) break;
      this.#send(waiting.outbound);
      count += 1;
    }
    if (count > 0) this.#afterSeq.splice(0, count);
  }

  #pump(): void {
    if (this.#writing !== null || this.#queued.length === 0) return;
    this.#writing = this.#queued;
    this.#queued = [];
    this.#world.schedule(this.#world.syncMs(this, this.#random), 'synced', this, this.#writing);
  }

  /** The write has completed or failed. */
  synced(ops: readonly WriteOp[]): void {
    if (this.failsNextWrite) {
      // The write may have reached the disk although the sync failed. The process ends, as a real node does, without a retry.
      this.#world.note(() => `n${this.id} dies of its disk`);
      this.die((this.#random.u32() & 1) === 0);
      return;
    }
    this.#store(ops);
    this.#writing = null;
    this.#pump();
    this.input({ type: 'persisted', seq: (ops.at(-1) as WriteOp).seq });
  }

  #store(ops: readonly WriteOp[]): void {
    this.disk.write(ops);
    this.#world.checker.stored(this, ops);
  }

  get writesPending(): boolean {
    return this.#writing !== null || this.#queued.length > 0;
  }

  #readLog(read: ReadLog): void {
    this.#later(below(this.#random, 5), () => {
      const entries = this.disk.read(read.from, read.endOffset, read.bytesMax);
      this.input({ type: 'logRead', read, entries });
    });
  }

  #later(delayMs: number, run: () => void): void {
    const { life } = this;
    this.#world.after(delayMs, () => {
      if (this.life === life) run();
    });
  }

  #sendSnapshot(to: NodeId, epoch: number): void {
    const stored = this.disk.snapshot;
    assert(stored !== null, 'the log was compacted without a snapshot');
    const { endOffset, epoch: snapshotEpoch, voters } = stored.meta;
    const { bytes } = stored;
    const message: RaftMessage = {
      type: 'snapshot',
      epoch,
      endOffset,
      snapshotEpoch,
      voters,
      bytes,
    };
    const ok = this.#world.network.send(this, to, message);
    this.#later(below(this.#random, 30), () =>
      this.input({ type: 'snapshotSent', to, epoch, endOffset, ok: ok && this.#random.chance(0.9) }),
    );
  }

  #kickApply(core: RaftCore): void {
    if (this.#applying || this.appliedEnd >= core.deliverableEndOffset) return;
    const { applyMsMax } = this.#world.plan;
    if (applyMsMax === 0 || this.#world.calm) {
      this.#apply(core);
      return;
    }
    this.#applying = true;
    this.#world.schedule(this.#random.between(0, applyMsMax), 'apply', this, null);
  }

  applySome(): void {
    this.#applying = false;
    if (this.core !== null) this.#apply(this.core);
  }

  /** Applies the committed entries that are on this disk, then answers the requests that waited for them. */
  #apply(core: RaftCore): void {
    const { log } = core.state;
    const { checker, clients } = this.#world;
    const endOffset = core.deliverableEndOffset;
    while (this.appliedEnd < endOffset) {
      if (this.appliedEnd < log.startOffset) {
        const { snapshot } = this.disk;
        assert(snapshot !== null && snapshot.meta.endOffset > this.appliedEnd, 'no snapshot covers the log');
        this.appliedEnd = snapshot.meta.endOffset;
        this.appliedHash = readHash(snapshot.bytes);
      } else {
        const entries =
          log.cached(this.appliedEnd, endOffset, readBytesMax) ??
          this.disk.read(this.appliedEnd, endOffset, readBytesMax);
        assert(entries !== null, 'a replica reads its own log');
        for (const entry of entries) this.#applyEntry(entry);
      }
      checker.applied(this);
    }
    if (core.state.role.name === 'leader') this.#answer();
    clients.applied(this);
    if (this.appliedEnd - core.state.snapshotEndOffset >= this.#world.plan.snapshotEveryEntries) {
      this.saveSnapshot();
    }
  }

  #applyEntry(entry: Entry): void {
    this.appliedHash = mix(this.appliedHash, entry);
    this.appliedEnd += 1;
    this.#world.checker.appliedEntry(this, entry);
  }

  #answer(): void {
    let count = 0;
    for (const { ticket, offset } of this.#waiting) {
      if (offset >= this.appliedEnd) break;
      this.#world.clients.committed(ticket, offset);
      count += 1;
    }
    if (count > 0) this.#waiting.splice(0, count);
  }

  saveSnapshot(): void {
    const { core } = this;
    if (core === null || this.#snapshotting || this.appliedEnd <= core.state.snapshotEndOffset) return;
    const endOffset = this.appliedEnd;
    const { log, voters } = core.state;
    if (!log.knowsEpochAt(endOffset - 1)) return;
    const meta: SnapshotMeta = {
      endOffset,
      epoch: log.epochAt(endOffset - 1),
      voters: voters.before(endOffset),
    };
    const bytes = hashBytes(this.appliedHash);
    this.#snapshotting = true;
    this.#later(1 + below(this.#random, 20), () => {
      this.#snapshotting = false;
      this.disk.saveSnapshot(meta, bytes);
      this.#world.checker.snapshotSaved(this, meta);
      this.input({ type: 'snapshotSaved', meta });
    });
  }

  /** Sets the timer for the core's deadline. An earlier timer event stays; when it fires too early, the timer is set again. */
  #arm(core: RaftCore): void {
    // At least a microsecond from now: the conversion from the replica's clock may round down, and the loop would not advance.
    const atMs = this.#world.nowMs + Math.max(0.001, (core.deadlineMs - this.localMs) / this.#rate);
    if (atMs >= this.#timerAtMs) return;
    this.#timerAtMs = atMs;
    this.#world.schedule(atMs - this.#world.nowMs, 'timer', this, atMs);
  }

  /** Returns false when the timer had nothing to do. */
  timer(setForMs: number): boolean {
    const { core } = this;
    if (core === null || this.#timerAtMs !== setForMs) return false;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    if (this.pausedUntilMs > this.#world.nowMs) return false;
    if (core.deadlineMs > this.localMs) {
      this.#arm(core);
      return false;
    }
    this.input({ type: 'tick' });
    return true;
  }
}

/** The voter sets that a step appended; later inputs of the step may have truncated them again. */
function setsIn({ writes }: Effects): (readonly Voter[])[] {
  const entries = writes.flatMap((write) => write.entries);
  return entries.filter(({ kind }) => kind === 'voters').map(({ payload }) => decodeVoters(payload));
}
