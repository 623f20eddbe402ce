/**
 * A quorum in one thread under a virtual clock: real cores, a network that loses, repeats and reorders, disks that forget
 * what was not synced. Everything comes from the seed. `checker.ts` looks at it after every event.
 */
import { nodeId } from '../../../src/base/ids.ts';
import type { RaftCore } from '../../../src/raft/core.ts';
import { applyWrites, type DiskImage, emptyDisk, readEntries } from '../../../src/raft/memory-store.ts';
import type { InstallSnapshot, Outbound, RaftMessage } from '../../../src/raft/messages.ts';
import { decodeMessage, encodeMessage } from '../../../src/raft/wire.ts';
import { type Effects, type Input, type RaftOptions, raftOptions } from '../../../src/raft/state.ts';
import type { WriteOp } from '../../../src/raft/store.ts';
import type { ReplicaKey, Voter } from '../../../src/raft/types.ts';
import { Checker } from './checker.ts';
import { EventQueue } from './event-queue.ts';
import { type SimRandom, seededRandom } from './random.ts';

export interface SimConfig {
  readonly seed: number;
  readonly nodeCount: number;
  readonly lossRatio: number;
  readonly duplicateRatio: number;
  readonly latencyMsMax: number;
  readonly syncMsMax: number;
  /** Mean virtual time between faults: crash, partition, heal, snapshot. 0: none. */
  readonly faultEveryMs: number;
  readonly proposeEveryMs: number;
  readonly tuning: Partial<RaftOptions>;
}

/** The core under test: the real one, or a mutant of it. */
export type CoreClass = typeof RaftCore;

/** How the host of a mutant misbehaves. */
export interface HostFlaws {
  /** Promises leave before they are durable. */
  readonly sendEarly?: boolean;
  /** The hard state is not stored. */
  readonly forgetHardState?: boolean;
  /** Writes are reported durable before they are. */
  readonly persistEarly?: boolean;
}

export class SimNode {
  readonly key: ReplicaKey;
  disk: DiskImage = emptyDisk;
  core: RaftCore | null = null;
  /** Raised at each start: what belongs to an earlier life does nothing. */
  life = 0;
  pausedUntilMs = 0;
  writing: WriteOp[] | null = null;
  waiting: WriteOp[] = [];
  afterSeq: { seq: number; outbound: Outbound }[] = [];
  timerAtMs = Number.POSITIVE_INFINITY;
  appliedEnd = 0;
  appliedHash = 0;
  snapshotting = false;

  constructor(key: ReplicaKey) {
    this.key = key;
  }
}

export class SimCluster {
  readonly config: SimConfig;
  readonly random: SimRandom;
  readonly nodes: SimNode[];
  readonly voters: Voter[];
  readonly checker: Checker;
  readonly trace: string[] = [];
  nowMs = 0;
  eventCount = 0;
  proposedCount = 0;
  faults = true;
  readonly #core: CoreClass;
  readonly #flaws: HostFlaws;
  readonly #blocked = new Set<string>();
  readonly #events = new EventQueue();
  #order = 0;

  constructor(config: SimConfig, core: CoreClass, flaws: HostFlaws = {}) {
    this.config = config;
    this.#core = core;
    this.#flaws = flaws;
    this.random = seededRandom(config.seed);
    const ids = Array.from({ length: config.nodeCount }, (_, index) => index + 1);
    const directory = (id: number): string => `AAAAAAAAAAAAAAAAAAAA${String.fromCharCode(65 + id)}A`;
    this.voters = ids.map((id) => ({
      id: nodeId(id),
      directoryId: directory(id),
      endpoints: [{ name: 'CONTROLLER', host: `n${id}`, port: 9093 }],
    }));
    this.nodes = this.voters.map((voter) => new SimNode({ id: voter.id, directoryId: voter.directoryId }));
    this.checker = new Checker(this);
    for (const node of this.nodes) this.start(node);
    this.#scheduleProposal();
    if (config.faultEveryMs > 0) this.#scheduleFault();
  }

  at(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, order: this.#order++, run });
  }

  /** Runs until virtual time `untilMs`, or until `stop` says so. */
  run(untilMs: number, stop: () => boolean = () => false): void {
    while (!stop()) {
      const event = this.#events.pop();
      if (event === undefined || event.atMs > untilMs) {
        if (event !== undefined) this.at(event.atMs - this.nowMs, event.run);
        this.nowMs = Math.max(this.nowMs, untilMs);
        return;
      }
      this.nowMs = event.atMs;
      this.eventCount += 1;
      event.run();
      this.checker.afterEvent();
    }
  }

  note(line: string): void {
    this.trace.push(`${this.nowMs.toFixed(1)} ${line}`);
    if (this.trace.length > 300) this.trace.splice(0, 100);
  }

  start(node: SimNode): void {
    node.life += 1;
    const { disk } = node;
    const recovered = {
      hardState: disk.hardState,
      snapshot: disk.snapshot?.meta ?? null,
      startOffset: disk.startOffset,
      startEpoch: disk.startEpoch,
    };
    const options = raftOptions(node.key, {
      electionTimeoutMs: 300,
      fetchTimeoutMs: 500,
      trailingEntries: 5,
      appendBytesMax: 1000,
      cacheBytesMax: 2000,
      inflightCountMax: 4,
      ...this.config.tuning,
    });
    node.core = new this.#core(options, this.random.fork(), recovered, this.voters);
    node.core.restore(disk.entries);
    node.core.begin(this.#now());
    node.appliedEnd = disk.snapshot?.meta.endOffset ?? 0;
    node.appliedHash = disk.snapshot === null ? 0 : readHash(disk.snapshot.bytes);
    node.writing = null;
    node.waiting = [];
    node.afterSeq = [];
    node.timerAtMs = Number.POSITIVE_INFINITY;
    node.snapshotting = false;
    this.note(`start ${node.key.id} end=${node.core.state.log.endOffset} epoch=${node.core.state.epoch}`);
    this.checker.started(node);
    this.input(node, { type: 'tick' });
  }

  /** Power cut: what was not synced is gone. */
  crash(node: SimNode): void {
    this.note(`crash ${node.key.id}`);
    if (node.writing !== null && this.random.chance(0.5)) {
      // The write was on its way: it may have reached the disk without our having been told.
      this.#store(node, node.writing);
    }
    node.life += 1;
    node.core = null;
    for (const other of this.nodes) {
      if (other === node || !this.random.chance(0.7)) continue;
      const { life } = other;
      this.at(this.random.below(20), () => {
        if (other.life === life) this.input(other, { type: 'linkDown', peer: node.key.id });
      });
    }
  }

  #now(): { monotonicMs: number; wallMs: number } {
    return { monotonicMs: this.nowMs, wallMs: 1_700_000_000_000 + Math.floor(this.nowMs) };
  }

  input(node: SimNode, input: Input): void {
    const core = node.core;
    if (core === null) return;
    if (node.pausedUntilMs > this.nowMs) {
      const { life } = node;
      this.at(node.pausedUntilMs - this.nowMs, () => {
        if (node.life === life) this.input(node, input);
      });
      return;
    }
    const effects = core.step(this.#now(), [input]);
    this.#perform(node, core, effects);
  }

  #perform(node: SimNode, core: RaftCore, effects: Effects): void {
    this.checker.stepped(node, core);
    node.waiting.push(...effects.writes);
    this.#pump(node);
    for (const outbound of effects.send) this.#send(node, outbound);
    for (const waiting of effects.sendAfter) {
      if (this.#flaws.sendEarly) this.#send(node, waiting.outbound);
      else node.afterSeq.push(waiting);
    }
    const { life } = node;
    const later = (delayMs: number, input: () => Input): void =>
      this.at(delayMs, () => {
        if (node.life === life) this.input(node, input());
      });
    for (const read of effects.readLog) {
      later(this.random.below(5), () => {
        const entries = readEntries(node.disk, read.from, read.endOffset, read.bytesMax);
        return { type: 'logRead', read, entries };
      });
    }
    for (const { to, epoch } of effects.sendSnapshot) this.#sendSnapshot(node, to, epoch, later);
    this.#apply(node, core);
    this.#arm(node, core);
  }

  #sendSnapshot(
    node: SimNode,
    to: number,
    epoch: number,
    later: (ms: number, input: () => Input) => void,
  ): void {
    const stored = node.disk.snapshot;
    if (stored === null) throw new Error('the log was compacted without a snapshot');
    const { endOffset, epoch: snapshotEpoch, voters } = stored.meta;
    const message = {
      type: 'snapshot',
      epoch,
      endOffset,
      snapshotEpoch,
      voters,
      bytes: stored.bytes,
    } as const;
    const ok = !this.random.chance(this.config.lossRatio);
    if (ok) this.#deliver(node, { to: nodeId(to), message });
    // A repetition that comes when the follower is far past it.
    if (this.faults && this.random.chance(this.config.duplicateRatio)) {
      this.at(this.random.below(1000), () => this.#deliver(node, { to: nodeId(to), message }));
    }
    later(this.random.below(30), () => ({ type: 'snapshotSent', to: nodeId(to), epoch, endOffset, ok }));
  }

  #pump(node: SimNode): void {
    if (node.writing !== null || node.waiting.length === 0) return;
    const ops = node.waiting;
    node.writing = ops;
    node.waiting = [];
    const { life } = node;
    const seq = (ops.at(-1) as WriteOp).seq;
    const delayMs = 0.1 + this.random.below(Math.max(1, this.config.syncMsMax));
    if (this.#flaws.persistEarly) {
      this.at(0, () => {
        if (node.life === life) this.#persisted(node, seq);
      });
    }
    this.at(delayMs, () => {
      if (node.life !== life) return;
      this.#store(node, ops);
      node.writing = null;
      this.#pump(node);
      if (!this.#flaws.persistEarly) this.#persisted(node, seq);
    });
  }

  #store(node: SimNode, ops: readonly WriteOp[]): void {
    const before = node.disk.hardState;
    node.disk = applyWrites(node.disk, ops);
    if (this.#flaws.forgetHardState)
      node.disk = { ...node.disk, hardState: { ...before, epoch: before.epoch } };
    this.checker.stored(node);
  }

  #persisted(node: SimNode, seq: number): void {
    while (node.afterSeq.length > 0 && (node.afterSeq[0] as { seq: number }).seq <= seq) {
      this.#send(node, (node.afterSeq.shift() as { outbound: Outbound }).outbound);
    }
    this.input(node, { type: 'persisted', seq });
  }

  #send(node: SimNode, outbound: Outbound): void {
    this.checker.sent(node, outbound);
    if (this.random.chance(this.config.lossRatio) && this.faults) return;
    this.#deliver(node, outbound);
    if (this.random.chance(this.config.duplicateRatio) && this.faults) this.#deliver(node, outbound);
  }

  #deliver(from: SimNode, { to, message }: Outbound): void {
    const target = this.nodes.find((node) => node.key.id === to);
    if (target === undefined || this.#blocked.has(`${from.key.id}>${to}`)) return;
    // A message may outlive its sender and reach a later life of its receiver.
    const copy = carry(message);
    const delayMs = 0.2 + this.random.below(Math.max(1, this.config.latencyMsMax));
    this.at(delayMs, () => this.input(target, { type: 'message', from: from.key, message: copy }));
  }

  /** Applies what may be applied, as the driver would. */
  #apply(node: SimNode, core: RaftCore): void {
    const { log } = core.state;
    const endOffset = core.deliverableEndOffset;
    while (node.appliedEnd < endOffset) {
      if (node.appliedEnd < log.startOffset) {
        const { snapshot } = node.disk;
        if (snapshot === null || snapshot.meta.endOffset <= node.appliedEnd) return;
        node.appliedEnd = snapshot.meta.endOffset;
        node.appliedHash = readHash(snapshot.bytes);
        this.checker.applied(node);
        continue;
      }
      const entries =
        log.cached(node.appliedEnd, endOffset, 10_000) ??
        readEntries(node.disk, node.appliedEnd, endOffset, 10_000);
      if (entries === null)
        throw new Error(`node ${node.key.id} cannot read its own entry ${node.appliedEnd}`);
      for (const entry of entries) {
        node.appliedHash = mix(node.appliedHash, entry.offset, entry.epoch, entry.payload);
        node.appliedEnd += 1;
        this.checker.applied(node, entry);
      }
    }
  }

  #arm(node: SimNode, core: RaftCore): void {
    const deadlineMs = core.deadlineMs;
    if (deadlineMs >= node.timerAtMs) return;
    node.timerAtMs = deadlineMs;
    const { life } = node;
    this.at(Math.max(0, deadlineMs - this.nowMs), () => {
      if (node.life !== life || node.timerAtMs !== deadlineMs) return;
      node.timerAtMs = Number.POSITIVE_INFINITY;
      this.input(node, { type: 'tick' });
    });
  }

  leaders(): SimNode[] {
    return this.nodes.filter((node) => node.core?.state.role.name === 'leader');
  }

  propose(node: SimNode): void {
    const core = node.core;
    if (core === null) return;
    this.proposedCount += 1;
    const payload = new Uint8Array(8 + this.random.below(60));
    new DataView(payload.buffer).setUint32(0, this.proposedCount);
    this.input(node, { type: 'propose', ticket: this.proposedCount, epoch: core.state.epoch, payload });
  }

  #scheduleProposal(): void {
    const everyMs = this.faults ? this.config.proposeEveryMs : 100;
    this.at(this.random.below(2 * everyMs) + 0.5, () => {
      const leaders = this.leaders();
      if (leaders.length > 0) this.propose(leaders[this.random.below(leaders.length)] as SimNode);
      this.#scheduleProposal();
    });
  }

  saveSnapshot(node: SimNode): void {
    const core = node.core;
    if (core === null || node.snapshotting || node.appliedEnd === 0) return;
    if (node.appliedEnd <= core.state.snapshotEndOffset) return;
    const endOffset = node.appliedEnd;
    const epoch = core.state.log.epochAt(endOffset - 1);
    const meta = { endOffset, epoch, voters: core.state.voters.before(endOffset) };
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, node.appliedHash);
    node.snapshotting = true;
    const { life } = node;
    this.at(1 + this.random.below(20), () => {
      if (node.life !== life) return;
      node.snapshotting = false;
      const newest = node.disk.snapshot;
      if (newest === null || newest.meta.endOffset < endOffset)
        node.disk = { ...node.disk, snapshot: { meta, bytes } };
      this.note(`snapshot ${node.key.id} end=${endOffset}`);
      this.input(node, { type: 'snapshotSaved', meta });
    });
  }

  partition(a: SimNode, b: SimNode, oneWay: boolean): void {
    this.#blocked.add(`${a.key.id}>${b.key.id}`);
    if (!oneWay) this.#blocked.add(`${b.key.id}>${a.key.id}`);
  }

  isolate(node: SimNode): void {
    this.note(`isolate ${node.key.id}`);
    for (const other of this.nodes) if (other !== node) this.partition(node, other, false);
  }

  healAll(): void {
    this.note('heal');
    this.#blocked.clear();
    for (const node of this.nodes) if (node.core === null) this.start(node);
  }

  #scheduleFault(): void {
    this.at(1 + this.random.below(2 * this.config.faultEveryMs), () => {
      if (!this.faults) return;
      this.#fault();
      this.#scheduleFault();
    });
  }

  #fault(): void {
    const pick = (): SimNode => this.nodes[this.random.below(this.nodes.length)] as SimNode;
    const leader = this.leaders()[0];
    const target = leader !== undefined && this.random.chance(0.4) ? leader : pick();
    switch (this.random.below(8)) {
      case 0:
      case 1:
        if (target.core !== null) this.crash(target);
        return;
      case 2:
      case 3:
        for (const node of this.nodes) if (node.core === null) this.start(node);
        return;
      case 4:
        if (this.random.chance(0.5)) this.isolate(target);
        else this.partition(target, pick(), this.random.chance(0.5));
        return;
      case 5:
        this.#blocked.clear();
        return;
      case 6:
        this.saveSnapshot(target);
        return;
      default:
        if (this.random.chance(0.4) && leader !== undefined) this.#forgeHints(leader);
        else if (this.random.chance(0.3)) this.input(target, { type: 'retire' });
        else target.pausedUntilMs = this.nowMs + this.random.below(400);
    }
  }

  /** Some are told that the leader's stream broke, which it didn't: hints may be wrong. */
  #forgeHints(leader: SimNode): void {
    for (const node of this.nodes) {
      if (node !== leader && this.random.chance(0.7))
        this.input(node, { type: 'linkDown', peer: leader.key.id });
    }
  }

  /** Everything heals; within bounded time one leader, all equal. Returns what is missing. */
  settle(limitMs: number): string | null {
    this.faults = false;
    this.healAll();
    for (const node of this.nodes)
      if (node.core !== null) (node.core.state as { retired: boolean }).retired = false;
    const until = this.nowMs + limitMs;
    this.run(until - limitMs / 4);
    const marker = this.proposedCount;
    const settled = (): boolean => {
      const [leader, ...others] = this.leaders();
      if (leader === undefined || others.length > 0 || this.proposedCount < marker + 3) return false;
      return this.nodes.every(
        (node) => node.core !== null && node.appliedEnd > this.checker.committedEnd - 3,
      );
    };
    this.run(until, settled);
    if (settled()) return null;
    const states = this.nodes.map((node) => {
      const state = node.core?.state;
      return `${node.key.id}: ${state?.role.name} epoch=${state?.epoch} end=${state?.log.endOffset} hw=${state?.highWatermark} applied=${node.appliedEnd}`;
    });
    return `not settled after ${limitMs} ms:\n${states.join('\n')}`;
  }
}

/** Through the wire format, so that simulation tests it too. */
function carry(message: RaftMessage): RaftMessage {
  if (message.type === 'snapshot') return message as InstallSnapshot;
  return decodeMessage(encodeMessage(message));
}

function readHash(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function mix(hash: number, offset: number, epoch: number, payload: Uint8Array): number {
  let value = Math.imul(hash ^ offset, 0x9e3779b1) ^ epoch;
  for (const byte of payload) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
