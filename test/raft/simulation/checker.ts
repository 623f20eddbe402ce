/**
 * The invariants of the simulation, told by an omniscient observer that looks at disks and messages, not at what nodes
 * believe. Throws `Violation`.
 */
import type { RaftCore } from '../../../src/raft/core.ts';
import type { Outbound } from '../../../src/raft/messages.ts';
import { majority } from '../../../src/raft/quorum.ts';
import type { Entry } from '../../../src/raft/types.ts';
import type { SimCluster, SimNode } from './cluster.ts';

export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Seen {
  epoch: number;
  highWatermark: number;
  role: string;
  endOffset: number;
}

export class Checker {
  readonly #cluster: SimCluster;
  /** Election safety: the one leader of each epoch, for ever. */
  readonly #leaders = new Map<number, number>();
  /** Vote once: by node and epoch. */
  readonly #votes = new Map<string, number>();
  /** Log matching: (offset, epoch) names one entry, and one entry before it. */
  readonly #entries = new Map<string, string>();
  /** What is committed: epoch and payload's tag by offset. */
  readonly #committed: string[] = [];
  /** State after each offset. */
  readonly #states = new Map<number, number>();
  readonly #seen = new Map<SimNode, Seen>();
  committedEnd = 0;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  #require(condition: boolean, what: () => string): void {
    if (!condition) throw new Violation(what());
  }

  started(node: SimNode): void {
    const { disk } = node;
    this.#seen.delete(node);
    this.#require(
      disk.hardState.highWatermark <= disk.startOffset + disk.entries.length,
      () => 'hard state ahead of log',
    );
    const covered =
      disk.startOffset === 0 || (disk.snapshot !== null && disk.snapshot.meta.endOffset >= disk.startOffset);
    this.#require(covered, () => `node ${node.key.id}: the log begins after its snapshot`);
  }

  /** After each step of a core, before its effects are carried out. */
  stepped(node: SimNode, core: RaftCore): void {
    const { state } = core;
    const id = node.key.id;
    const before = this.#seen.get(node);
    const role = state.role.name;
    if (before !== undefined) {
      this.#require(state.epoch >= before.epoch, () => `node ${id}: epoch went back`);
      this.#require(
        state.highWatermark >= before.highWatermark,
        () => `node ${id}: high watermark went back`,
      );
      if (before.role === 'leader' && role === 'leader' && before.epoch === state.epoch) {
        this.#require(state.log.endOffset >= before.endOffset, () => `leader ${id} truncated its log`);
      }
    }
    if (role === 'leader' && (before?.role !== 'leader' || before.epoch !== state.epoch))
      this.#elected(node, core);
    if (before === undefined || state.highWatermark > before.highWatermark) {
      this.#committedTo(
        node,
        core,
        Math.max(before?.highWatermark ?? 0, state.log.cachedFrom, this.committedEnd),
      );
    }
    this.#seen.set(node, {
      epoch: state.epoch,
      highWatermark: state.highWatermark,
      role,
      endOffset: state.log.endOffset,
    });
    this.#require(
      state.highWatermark <= state.log.endOffset,
      () => `node ${id}: high watermark past its log`,
    );
    this.#require(state.log.stableEndOffset <= state.log.endOffset, () => `node ${id}: stable past its log`);
  }

  #elected(node: SimNode, core: RaftCore): void {
    const { epoch, log } = core.state;
    const known = this.#leaders.get(epoch);
    this.#require(
      known === undefined || known === node.key.id,
      () => `epoch ${epoch} has leaders ${known} and ${node.key.id}`,
    );
    this.#leaders.set(epoch, node.key.id);
    this.#cluster.note(`leader ${node.key.id} of epoch ${epoch}, end=${log.endOffset}`);
    // Leader completeness.
    this.#require(
      log.endOffset > this.committedEnd,
      () => `leader ${node.key.id} of ${epoch} ends at ${log.endOffset}, committed is ${this.committedEnd}`,
    );
    for (
      let offset = Math.max(log.startOffset, this.committedEnd - 20);
      offset < this.committedEnd;
      offset++
    ) {
      const tag = this.#committed[offset];
      this.#require(
        tag === undefined || tag.startsWith(`${log.epochAt(offset)}:`),
        () => `leader ${node.key.id} lacks committed entry ${offset}`,
      );
    }
  }

  #committedTo(node: SimNode, core: RaftCore, from: number): void {
    const { state } = core;
    const endOffset = state.highWatermark;
    if (endOffset <= this.committedEnd) return;
    this.#require(state.log.knows(endOffset - 1), () => `node ${node.key.id} commits what it lacks`);
    const epoch = state.log.epochAt(endOffset - 1);
    // Commit truth: a majority holds the last of it on disk, now.
    const holders = this.#cluster.nodes.filter(
      (other) => durableEpochAt(other, endOffset - 1) === epoch,
    ).length;
    this.#require(
      holders >= majority(this.#cluster.nodes.length),
      () => `node ${node.key.id} commits up to ${endOffset}, which ${holders} disks hold`,
    );
    for (let offset = from; offset < endOffset; offset++) {
      const entry = state.log.cached(offset, offset + 1, 1)?.[0];
      if (entry !== undefined) this.#commitEntry(entry);
    }
    this.committedEnd = endOffset;
  }

  #commitEntry(entry: Entry): void {
    const tag = `${entry.epoch}:${payloadTag(entry)}`;
    const known = this.#committed[entry.offset];
    this.#require(
      known === undefined || known === tag,
      () => `committed entry ${entry.offset} was ${known}, is ${tag}`,
    );
    this.#committed[entry.offset] = tag;
  }

  applied(node: SimNode, entry?: Entry): void {
    if (entry !== undefined) this.#commitEntry(entry);
    const known = this.#states.get(node.appliedEnd);
    this.#require(
      known === undefined || known === node.appliedHash,
      () => `node ${node.key.id}: state differs at ${node.appliedEnd}`,
    );
    this.#states.set(node.appliedEnd, node.appliedHash);
    this.#require(
      node.appliedEnd <= node.disk.startOffset + node.disk.entries.length,
      () => `node ${node.key.id} applied what isn't on its disk`,
    );
  }

  /** The disk of a node changed. */
  stored(node: SimNode): void {
    const { hardState, entries, startOffset, startEpoch } = node.disk;
    if (hardState.votedFor !== null) this.#vote(node, hardState.epoch, hardState.votedFor.id);
    const first = Math.max(0, entries.length - 50);
    let previousEpoch = first === 0 ? startEpoch : (entries[first - 1] as Entry).epoch;
    for (const [index, entry] of entries.slice(first).entries()) {
      this.#require(entry.offset === startOffset + first + index, () => `node ${node.key.id}: gap on disk`);
      const key = `${entry.offset}@${entry.epoch}`;
      const tag = `${payloadTag(entry)} after ${previousEpoch}`;
      const known = this.#entries.get(key);
      this.#require(known === undefined || known === tag, () => `entry ${key} is ${known} and ${tag}`);
      this.#entries.set(key, tag);
      previousEpoch = entry.epoch;
    }
  }

  #vote(node: SimNode, epoch: number, votedFor: number): void {
    const key = `${node.key.id}@${epoch}`;
    const known = this.#votes.get(key);
    this.#require(
      known === undefined || known === votedFor,
      () => `node ${key} voted for ${known} and ${votedFor}`,
    );
    this.#votes.set(key, votedFor);
  }

  /** Durable before said: what a message promises is on the sender's disk when it leaves. */
  sent(node: SimNode, { to, message }: Outbound): void {
    const { disk, key } = node;
    const diskEnd = disk.startOffset + disk.entries.length;
    if (message.type === 'voted' && !message.preVote && message.granted) {
      const { epoch, votedFor } = disk.hardState;
      this.#vote(node, message.epoch, to);
      const kept = epoch > message.epoch || (epoch === message.epoch && votedFor?.id === to);
      this.#require(kept, () => `node ${key.id} promised a vote that isn't on its disk`);
    }
    if (message.type === 'vote' && !message.preVote) {
      const { epoch, votedFor } = disk.hardState;
      const kept = epoch > message.epoch || (epoch === message.epoch && votedFor?.id === key.id);
      this.#require(kept, () => `node ${key.id} campaigns without its own vote on disk`);
      const holds =
        epoch > message.epoch || durableEpochAt(node, message.logEndOffset - 1) === message.lastEpoch;
      this.#require(holds, () => `node ${key.id} campaigns with a log that isn't on its disk`);
    }
    if (message.type === 'appended' && message.accepted) {
      this.#require(
        disk.hardState.epoch >= message.epoch,
        () => `node ${key.id} acknowledges in an epoch not on its disk`,
      );
      const kept = diskEnd >= message.endOffset || disk.hardState.epoch > message.epoch;
      this.#require(
        kept,
        () => `node ${key.id} acknowledges ${message.endOffset}, its disk ends at ${diskEnd}`,
      );
    }
  }

  /** Two leaders may exist, but never in the same epoch: looked at in `#elected`. Here what costs little. */
  afterEvent(): void {
    const epochs = new Set<number>();
    for (const node of this.#cluster.nodes) {
      const state = node.core?.state;
      if (state?.role.name !== 'leader') continue;
      this.#require(!epochs.has(state.epoch), () => `two leaders in epoch ${state.epoch}`);
      epochs.add(state.epoch);
      for (const progress of state.role.progress.values()) {
        this.#require(progress.match <= progress.next, () => `leader ${node.key.id}: match past next`);
        const inflights = progress.inflights.length;
        this.#require(
          inflights <= state.options.inflightCountMax,
          () => `leader ${node.key.id}: ${inflights} in flight`,
        );
      }
    }
  }
}

function durableEpochAt(node: SimNode, offset: number): number {
  if (offset < 0) return 0;
  const { disk } = node;
  if (offset === disk.startOffset - 1) return disk.startEpoch;
  const entry = disk.entries[offset - disk.startOffset];
  if (entry !== undefined) return entry.epoch;
  // Below the log it is in the snapshot, which is committed.
  return offset < disk.startOffset ? Number.NaN : -1;
}

function payloadTag(entry: Entry): string {
  return entry.kind === 'data'
    ? `${new DataView(entry.payload.buffer, entry.payload.byteOffset).getUint32(0)}`
    : entry.kind;
}
