/**
 * A quorum for tests that decide every step: which message arrives, which write becomes durable, whose clock advances. Every
 * random number is zero, so that a transcript is the same in each run.
 */
import { nodeId } from '../../src/base/ids.ts';
import { type Uuid, uuidZero } from '../../src/base/uuid.ts';
import { RaftCore } from '../../src/raft/core.ts';
import { applyWrites, type DiskImage, emptyDisk, readEntries } from '../../src/raft/memory-store.ts';
import type { Outbound, RaftMessage } from '../../src/raft/messages.ts';
import {
  type Effects,
  type Input,
  type RaftOptions,
  raftOptions,
  type VoterChange,
} from '../../src/raft/state.ts';
import type { WriteOp } from '../../src/raft/store.ts';
import type { Entry, ReplicaKey, Voter } from '../../src/raft/types.ts';

export interface InTransit {
  readonly from: number;
  readonly to: number;
  readonly message: RaftMessage;
}

interface PuppetNode {
  directoryId: Uuid;
  core: RaftCore;
  disk: DiskImage;
  writes: WriteOp[];
  after: { readonly seq: number; readonly outbound: Outbound }[];
  alive: boolean;
}

export class Puppets {
  nowMs = 0;
  readonly transit: InTransit[] = [];
  readonly refused: string[] = [];
  /** Reads that were answered, as `NODE: up to END OFFSET`. */
  readonly reads: string[] = [];
  /** The sender's directory id when it sent the message, for each message in transit. */
  readonly #senders = new WeakMap<InTransit, Uuid>();
  readonly #nodes = new Map<number, PuppetNode>();
  readonly #voters: Voter[];
  readonly #tuning: Partial<RaftOptions>;
  readonly ids: readonly number[];

  /**
   * `dynamic`: voters are known with their directories, as after `kafka-storage format --initial-controllers`; only the
   * first `initialCount` nodes are voters then, and all are bootstrap servers to each other.
   */
  constructor(count: number, tuning: Partial<RaftOptions> = {}, dynamic = false, initialCount = count) {
    this.#tuning = tuning;
    this.ids = Array.from({ length: count }, (_, index) => index + 1);
    this.#voters = this.ids.slice(0, initialCount).map((id) => ({
      id: nodeId(id),
      directoryId: dynamic ? directoryOf(id) : uuidZero,
      endpoints: [],
    }));
    for (const id of this.ids) this.restart(id);
  }

  node(id: number): PuppetNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  core(id: number): RaftCore {
    return this.node(id).core;
  }

  /** Starts the node with what is on its disk. */
  restart(id: number): void {
    const disk = this.#nodes.get(id)?.disk ?? emptyDisk;
    const directoryId = this.#nodes.get(id)?.directoryId ?? directoryOf(id);
    const recovered = { ...disk, snapshot: disk.snapshot?.meta ?? null };
    const key = { id: nodeId(id), directoryId };
    const random = { u32: () => 0, bytes: (count: number) => new Uint8Array(count) };
    const core = new RaftCore(raftOptions(key, this.#tuning), random, recovered, this.#bootstrapVoters(id));
    core.restore(disk.entries);
    core.begin(this.now());
    this.#nodes.set(id, { directoryId, core, disk, writes: [], after: [], alive: true });
  }

  /** A node outside the initial voters knows only the bootstrap servers. */
  #bootstrapVoters(id: number): readonly Voter[] {
    return this.#voters.some((voter) => voter.id === id) ? this.#voters : [];
  }

  /** Starts the node with an empty disk and a new directory id, which makes it another replica. */
  wipe(id: number): void {
    const node = this.node(id);
    node.disk = emptyDisk;
    node.directoryId = `B${node.directoryId.slice(1)}`;
    this.restart(id);
  }

  replica(id: number): ReplicaKey {
    return { id: nodeId(id), directoryId: this.node(id).directoryId };
  }

  voter(id: number): Voter {
    return { ...this.replica(id), endpoints: [] };
  }

  change(id: number, change: VoterChange): void {
    this.input(id, { type: 'changeVoters', ticket: 0, change });
  }

  /** Ends the node; writes that were not yet durable are lost. */
  crash(id: number): void {
    const node = this.node(id);
    node.alive = false;
    node.writes = [];
    node.after = [];
  }

  now(): { monotonicMs: number; wallMs: number } {
    return { monotonicMs: this.nowMs, wallMs: this.nowMs };
  }

  input(id: number, input: Input): Effects | null {
    const node = this.node(id);
    if (!node.alive) return null;
    const effects = node.core.step(this.now(), [input]);
    node.writes.push(...effects.writes);
    for (const outbound of effects.send) this.#sent(id, outbound);
    node.after.push(...effects.sendAfter);
    for (const message of effects.announce)
      for (const to of this.ids) if (to !== id) this.#sent(id, { to: nodeId(to), message });
    for (const { endOffset } of effects.readReady) this.reads.push(`${id}: up to ${endOffset}`);
    for (const { reason } of effects.refused) this.refused.push(`${id}: ${reason}`);
    for (const { reason } of effects.refusedMessages) this.refused.push(`${id}: ${reason}`);
    for (const read of effects.readLog) {
      const entries = readEntries(node.disk, read.from, read.endOffset, read.bytesMax);
      this.input(id, { type: 'logRead', read, entries });
    }
    for (const { to, epoch } of effects.sendSnapshot) {
      const snapshot = node.disk.snapshot;
      if (snapshot === null) throw new Error('no snapshot');
      const { endOffset, epoch: snapshotEpoch, voters } = snapshot.meta;
      const message = {
        type: 'snapshot',
        epoch,
        endOffset,
        snapshotEpoch,
        voters,
        bytes: snapshot.bytes,
      } as const;
      this.#sent(id, { to, message });
      this.input(id, { type: 'snapshotSent', to, epoch, endOffset, ok: true });
    }
    return effects;
  }

  #sent(from: number, { to, message }: Outbound): void {
    // The node may have sent the same announcement to some of its receivers already.
    const again = this.transit.some((one) => one.to === to && one.message === message);
    if (again && message.type === 'join') return;
    const one = { from, to, message };
    this.#senders.set(one, this.node(from).directoryId);
    this.transit.push(one);
  }

  /** Advances the node's time to its next deadline and lets it act. */
  timeout(id: number): void {
    this.nowMs = Math.max(this.nowMs, this.core(id).deadlineMs);
    this.input(id, { type: 'tick' });
  }

  /** Makes all pending writes of a node durable. True when there was at least one. */
  persist(id: number): boolean {
    const node = this.node(id);
    const last = node.writes.at(-1);
    if (last === undefined || !node.alive) return false;
    node.disk = applyWrites(node.disk, node.writes);
    node.writes = [];
    const ready = node.after;
    node.after = [];
    for (const { outbound } of ready) this.#sent(id, outbound);
    this.input(id, { type: 'persisted', seq: last.seq });
    return true;
  }

  /** Makes only the oldest pending write of a node durable. True when there was one. */
  persistOne(id: number): boolean {
    const node = this.node(id);
    const op = node.writes.shift();
    if (op === undefined || !node.alive) return false;
    node.disk = applyWrites(node.disk, [op]);
    const ready = node.after.filter(({ seq }) => seq <= op.seq);
    node.after = node.after.filter(({ seq }) => seq > op.seq);
    for (const { outbound } of ready) this.#sent(id, outbound);
    this.input(id, { type: 'persisted', seq: op.seq });
    return true;
  }

  /** Delivers the first message in transit for which `fits` is true, and returns it; null when there is none. */
  deliver(fits: (one: InTransit) => boolean = () => true): InTransit | null {
    const index = this.transit.findIndex(fits);
    const [one] = index < 0 ? [] : this.transit.splice(index, 1);
    if (one === undefined) return null;
    const directoryId = this.#senders.get(one) ?? directoryOf(one.from);
    const from = { id: nodeId(one.from), directoryId };
    this.input(one.to, { type: 'message', from, message: one.message });
    return one;
  }

  /** Delivers messages and makes writes durable until neither is left. Messages to or from nodes outside `between` are lost. */
  stabilize(between: readonly number[] = this.ids, onEvent: (what: string) => void = () => {}): void {
    for (let round = 0; round < 10_000; round++) {
      const one = this.deliver(({ from, to }) => between.includes(from) && between.includes(to));
      if (one !== null) {
        onEvent(describeTransit(one));
        continue;
      }
      const wrote = between.filter((id) => this.persist(id));
      for (const id of wrote) onEvent(`${id} has written`);
      if (wrote.length === 0) {
        this.transit.length = 0;
        return;
      }
    }
    throw new Error('it never gets quiet');
  }

  elect(id: number, between: readonly number[] = this.ids): void {
    this.timeout(id);
    this.stabilize(between);
  }

  propose(id: number, text: string): void {
    const payload = new TextEncoder().encode(text);
    this.input(id, { type: 'propose', ticket: 0, epoch: this.core(id).state.epoch, payload });
  }

  /** Writes a log with entries of these epochs to a node's disk and restarts it. */
  plant(id: number, epochs: readonly number[], highWatermark = 0): void {
    const entries: Entry[] = epochs.map((epoch, offset) => ({
      offset,
      epoch,
      kind: 'data',
      payload: new TextEncoder().encode(`${offset}@${epoch}`),
      appendedMs: 0,
    }));
    const hardState = { epoch: epochs.at(-1) ?? 0, votedFor: null, highWatermark };
    this.node(id).disk = { ...emptyDisk, hardState, entries };
    this.restart(id);
  }

  epochs(id: number): number[] {
    const { log } = this.core(id).state;
    return Array.from({ length: log.endOffset - log.startOffset }, (_, index) =>
      log.epochAt(log.startOffset + index),
    );
  }

  status(id: number): string {
    const node = this.node(id);
    if (!node.alive) return `${id} is down`;
    const { state } = node.core;
    const epochs = this.epochs(id).join(' ');
    const unstable = state.log.endOffset - state.log.stableEndOffset;
    const leader = state.leaderId === null ? '' : ` of ${state.leaderId}`;
    const role = state.role.name === 'leader' ? 'leader' : `${state.role.name}${leader}`;
    return `${id} ${role}, epoch ${state.epoch}, log [${epochs}]${unstable > 0 ? ` (${unstable} not durable)` : ''}, high watermark ${state.highWatermark}`;
  }
}

export function directoryOf(id: number): Uuid {
  return `AAAAAAAAAAAAAAAAAAAA${id}A`;
}

export function describeTransit({ from, to, message }: InTransit): string {
  return `${from} -> ${to} ${describe(message)}`;
}

function describe(message: RaftMessage): string {
  switch (message.type) {
    case 'vote':
      return `${message.preVote ? 'pre-vote' : 'vote'}${message.transfer ? ' (transfer)' : ''} epoch ${message.epoch}, log ends at ${message.logEndOffset} in epoch ${message.lastEpoch}`;
    case 'voted':
      return `${message.preVote ? 'pre-vote' : 'vote'} ${message.granted ? 'granted' : 'refused'}, epoch ${message.epoch}`;
    case 'append':
      return `append epoch ${message.epoch}, from ${message.baseOffset} after epoch ${message.previousEpoch}: [${message.entries.map((entry) => entry.epoch).join(' ')}], high watermark ${message.highWatermark}`;
    case 'appended':
      return message.accepted
        ? `has up to ${message.endOffset}, epoch ${message.epoch}`
        : `refuses ${message.baseOffset}, try ${message.endOffset} in epoch ${message.endEpoch}`;
    case 'heartbeat':
      return `heartbeat epoch ${message.epoch}, high watermark ${message.highWatermark}${message.round > 0 ? `, round ${message.round}` : ''}${message.reply ? '' : ', no answer'}`;
    case 'alive':
      return `alive, epoch ${message.epoch}${message.round > 0 ? `, round ${message.round}` : ''}`;
    case 'timeoutNow':
      return `campaign now, epoch ${message.epoch}`;
    case 'resign':
      return `resigns epoch ${message.epoch}, successors [${message.successors.join(' ')}]`;
    case 'join':
      return `${message.replica.id} wants the log, epoch ${message.epoch}`;
    case 'snapshot':
      return `snapshot epoch ${message.epoch}, up to ${message.endOffset} in epoch ${message.snapshotEpoch}`;
  }
}
