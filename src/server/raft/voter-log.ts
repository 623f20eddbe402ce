/**
 * The metadata log of a controller, voter or not: the driver of the consensus core. Inputs are collected in a mailbox. Once in
 * a turn of the event loop, the driver passes all of them to the core (a step), and then carries out the effects in this order:
 *
 *   1. passes writes to the group commit, which makes them durable
 *   2. sends messages that need not wait for a write
 *   3. answers proposals and reads
 *   4. reads entries from disk, and sends snapshots, for followers
 *   5. tells listeners of a changed leader
 *   6. delivers committed entries
 *   7. sets the timer
 *
 * A message that promises something (a vote, an acknowledgement) is sent after its write. An effect never calls the core.
 */
import { assert } from '../../base/assert.ts';
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import { sleep } from '../../base/clock.ts';
import type { Identity } from '../../base/hello.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Address, PeerNetwork } from '../../base/network.ts';
import type { Random } from '../../base/random.ts';
import {
  type LeaderView,
  type MetadataLog,
  type MetadataLogListener,
  NotLeaderError,
  QuorumBusyError,
  type QuorumStatus,
  VoterChangeError,
} from '../../raft/api.ts';
import { RaftCore } from '../../raft/core.ts';
import { learners } from '../../raft/role/membership.ts';
import type { Outbound } from '../../raft/messages.ts';
import {
  type Effects,
  type Input,
  type RaftOptions,
  type ReadLog,
  raftOptions,
  type Refusal,
  type VoterChange,
} from '../../raft/state.ts';
import type { RaftStore, RecoveredState } from '../../raft/store.ts';
import type { Endpoint, ReplicaKey, Voter } from '../../raft/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Delivery } from './delivery.ts';
import { logFailure } from './log-failure.ts';
import { GroupCommit } from './group-commit.ts';
import { Leadership } from './leadership.ts';
import { ObserverFeed } from './observer-feed.ts';
import { Proposals } from './proposals.ts';
import { QuorumMeter } from './quorum-meter.ts';
import { voterStatus } from '../../raft/quorum-status.ts';
import { RaftTransport } from './transport.ts';

/** How many inputs one step handles; further ones wait for the next turn of the event loop. */
const turnInputsMax = 1024;
const shutdownPollMs = 5;

export interface VoterLogOptions {
  readonly identity: Identity;
  /** As in `OpenMetadataLogOptions`. */
  readonly voters: readonly Voter[];
  readonly bootstrapServers: readonly Address[];
  /** The endpoints of this node. */
  readonly endpoints: readonly Endpoint[];
  readonly store: RaftStore;
  /** The state that `store.open()` returned. */
  readonly recovered: RecoveredState;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly peers: PeerNetwork;
  readonly logger: Logger;
  readonly tuning: Partial<RaftOptions>;
  readonly meter?: QuorumMeter;
  /** Called when this log cannot go on, for example because the disk failed or an invariant is broken: the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export class VoterLog implements MetadataLog {
  readonly #options: VoterLogOptions;
  readonly #core: RaftCore;
  readonly #commit: GroupCommit;
  readonly #delivery: Delivery;
  readonly #transport: RaftTransport;
  readonly #feed: ObserverFeed;
  readonly #proposals = new Proposals();
  readonly #leadership: Leadership;
  readonly #meter: QuorumMeter;
  readonly #listeners: MetadataLogListener[] = [];
  #mailbox: Input[] = [];
  #turnScheduled = false;
  readonly #afterSeq: { readonly seq: number; readonly outbound: Outbound }[] = [];
  #timer: Timer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  #voters: readonly Voter[] | null = null;
  #learnersVersion = -1;
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #shutdown: Promise<void> | null = null;

  constructor(options: VoterLogOptions) {
    this.#options = options;
    const { identity, store, recovered, clock, scheduler, random, logger } = options;
    const { endpoints } = options;
    this.#meter = options.meter ?? new QuorumMeter(clock);
    const me = { id: identity.nodeId, directoryId: identity.directoryId };
    const tuning = raftOptions(me, { ...options.tuning, endpoints });
    this.#core = new RaftCore(tuning, random, recovered, options.voters);
    const onFailure = (error: unknown): void => this.#fail(error);
    this.#commit = new GroupCommit({ store, onPersisted: (seq) => this.#persisted(seq), onFailure });
    this.#delivery = new Delivery({
      core: this.#core,
      store,
      clock,
      scheduler,
      onCommit: (entries) => this.#tell((listener) => listener.onCommit(entries)),
      onSnapshot: async (snapshot) => {
        for (const listener of this.#listeners) await listener.onSnapshot(snapshot);
      },
      onDelivered: (endOffset) => this.#delivered(endOffset),
      onFailure,
    });
    this.#leadership = new Leadership({ core: this.#core, logger, tell: (call) => this.#tell(call) });
    this.#transport = new RaftTransport({
      ...options,
      onMessage: (from, message) => this.#post({ type: 'message', from, message }),
      isLeader: (from) => this.#core.follows(from),
      onLink: (peer, up) => this.#post({ type: up ? 'linkUp' : 'linkDown', peer }),
    });
    this.#feed = new ObserverFeed({ ...options, core: this.#core });
  }

  addListener(listener: MetadataLogListener): void {
    assert(this.#phase === 'new', 'listeners are added before the start');
    this.#listeners.push(listener);
  }

  async start(): Promise<void> {
    assert(this.#phase === 'new', 'started once');
    for await (const entries of this.#options.recovered.entries) this.#core.restore(entries);
    this.#core.begin(this.#now());
    this.#phase = 'running';
    this.#updatePeers();
    this.#feed.start();
    this.#delivery.wake();
    this.#post({ type: 'tick' });
    await this.#delivery.settled();
  }

  propose(payload: Uint8Array, epoch: number): Promise<number> {
    assert(payload.length > 0, 'a proposal has a payload');
    const sinceMs = this.#meter.nowMs();
    const outcome = this.#ask((ticket) => ({ type: 'propose', ticket, epoch, payload }));
    const isCommitted = (): void => this.#meter.committed(sinceMs);
    // A rejection is ignored here: the caller handles it.
    outcome.then(isCommitted, () => {});
    return outcome;
  }

  changeVoters(change: VoterChange): Promise<number> {
    return this.#ask((ticket) => ({ type: 'changeVoters', ticket, change }));
  }

  readBarrier(): Promise<number> {
    return this.#ask((ticket) => ({ type: 'readBarrier', ticket }));
  }

  #ask(input: (ticket: number) => Input): Promise<number> {
    if (this.#phase !== 'running') return Promise.reject(this.#notLeader('the node is stopping'));
    const { ticket, outcome } = this.#proposals.open();
    this.#post(input(ticket));
    return outcome;
  }

  async saveSnapshot(offset: number, epoch: number, bytes: Uint8Array): Promise<void> {
    const endOffset = offset + 1;
    assert(endOffset <= this.#delivery.endOffset, 'a snapshot holds only what was delivered');
    if (endOffset <= this.#core.state.snapshotEndOffset) return;
    const meta = { endOffset, epoch, voters: this.#core.state.voters.before(endOffset) };
    await this.#options.store.saveSnapshot(meta, bytes);
    this.#post({ type: 'snapshotSaved', meta });
  }

  status(): QuorumStatus {
    return voterStatus(this.#core, this.#now(), this.#feed.observers());
  }

  leader(): LeaderView {
    return { id: this.#core.leaderId, epoch: this.#core.state.epoch };
  }

  addressOf(id: NodeId): Address | null {
    const voter = this.#core.state.voters.current.find((candidate) => candidate.id === id);
    return voter?.endpoints[0] ?? null;
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.#stop();
    return this.#shutdown;
  }

  async #stop(): Promise<void> {
    if (this.#phase === 'running') await this.#handOver();
    this.#phase = 'stopped';
    this.#timer?.cancel();
    this.#leadership.stop();
    this.#proposals.rejectAll(this.#notLeader('the node has stopped'));
    this.#transport.stop();
    this.#feed.stop();
    await this.#delivery.stop();
    await this.#commit.idle();
    await this.#options.store.close();
  }

  /**
   * Hands over the leadership, if this node leads and there are other voters. Waits at most one election timeout until another
   * node leads.
   */
  async #handOver(): Promise<void> {
    const { state } = this.#core;
    this.#post({ type: 'retire' });
    await Promise.resolve();
    const { clock, scheduler } = this.#options;
    if (state.role.name !== 'leader' || state.role.transfer === null) return;
    const deadlineMs = clock.monotonicMs() + state.options.electionTimeoutMs;
    while (clock.monotonicMs() < deadlineMs) {
      const { role } = state;
      if (role.name === 'leader' ? role.transfer === null : this.#core.leaderId !== null) return;
      await sleep(scheduler, shutdownPollMs);
    }
  }

  #now(): { monotonicMs: number; wallMs: number } {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }

  #post(input: Input): void {
    if (this.#phase === 'stopped') return;
    this.#mailbox.push(input);
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    queueMicrotask(() => this.#turn());
  }

  #turn(): void {
    this.#turnScheduled = false;
    if (this.#phase !== 'running') return;
    const inputs = this.#mailbox;
    this.#mailbox = [];
    if (inputs.length > turnInputsMax) {
      this.#mailbox = inputs.splice(turnInputsMax);
      this.#turnScheduled = true;
      this.#options.scheduler.soon(() => this.#turn());
    }
    try {
      this.#perform(this.#core.step(this.#now(), inputs));
    } catch (error) {
      this.#fail(error);
    }
  }

  #perform(effects: Effects): void {
    this.#measure(effects);
    this.#commit.submit(effects.writes);
    for (const outbound of effects.send) this.#send(outbound);
    for (const waiting of effects.sendAfter) this.#afterSeq.push(waiting);
    for (const { ticket, offset } of effects.accepted) this.#proposals.accepted(ticket, offset);
    for (const { ticket, reason } of effects.refused) this.#proposals.refused(ticket, this.#refusal(reason));
    for (const { ticket, endOffset } of effects.readReady) this.#proposals.readReady(ticket, endOffset);
    for (const read of effects.readLog) this.#readLog(read);
    for (const { to, epoch } of effects.sendSnapshot) this.#sendSnapshot(to, epoch);
    for (const { from, reason } of effects.refusedMessages) this.#refusedMessage(from, reason);
    const lost = this.#leadership.update();
    // The second condition is for a node that became leader, accepted a proposal and lost the leadership within one step.
    if (lost || this.#core.state.role.name !== 'leader')
      this.#proposals.rejectAccepted(this.#notLeader('the leadership was lost'));
    this.#updatePeers();
    this.#announce(effects);
    this.#proposals.resolveReads(this.#delivery.endOffset);
    this.#delivery.wake();
    this.#leadership.delivered(this.#delivery.endOffset);
    this.#feed.wake();
    this.#armTimer();
  }

  #measure({ writes }: Effects): void {
    const { name } = this.#core.state.role;
    let count = 0;
    for (const { entries } of writes) count += entries.length;
    if (name === 'leader') this.#meter.appended(count);
    else this.#meter.fetched(count);
    this.#meter.stepped(name === 'prospective' || name === 'candidate');
  }

  #send({ to, message }: Outbound): void {
    assert(message.type !== 'snapshot', 'snapshots are effects of their own');
    this.#transport.send(to, message);
  }

  #refusedMessage({ id, directoryId }: ReplicaKey, reason: string): void {
    const { logger } = this.#options;
    logger.warn('Refused a claim about the leadership of the quorum', { node: id, directoryId, reason });
  }

  #persisted(seq: number): void {
    this.#post({ type: 'persisted', seq });
    let count = 0;
    for (const waiting of this.#afterSeq) {
      if (waiting.seq > seq) break;
      this.#send(waiting.outbound);
      count += 1;
    }
    this.#afterSeq.splice(0, count);
  }

  #delivered(endOffset: number): void {
    if (this.#core.state.role.name === 'leader') this.#proposals.delivered(endOffset);
    this.#proposals.resolveReads(endOffset);
    this.#leadership.delivered(endOffset);
  }

  #readLog(read: ReadLog): void {
    const { store } = this.#options;
    store.read(read.from, read.endOffset, read.bytesMax).then(
      (entries) => this.#post({ type: 'logRead', read, entries }),
      (error: unknown) => this.#fail(error),
    );
  }

  #sendSnapshot(to: NodeId, epoch: number): void {
    const { store, logger } = this.#options;
    const run = async (): Promise<void> => {
      const snapshot = await store.readSnapshot();
      if (snapshot === null) throw new Error('the log was compacted without a snapshot');
      const { endOffset, epoch: snapshotEpoch, voters } = snapshot.meta;
      logger.info('Sending a snapshot', { to, endOffset, sizeBytes: snapshot.bytes.length });
      const message = {
        type: 'snapshot',
        epoch,
        endOffset,
        snapshotEpoch,
        voters,
        bytes: snapshot.bytes,
      } as const;
      const ok = await this.#transport.sendSnapshot(to, message);
      this.#post({ type: 'snapshotSent', to, epoch, endOffset, ok });
    };
    run().catch((error: unknown) => this.#fail(error));
  }

  #updatePeers(): void {
    const { voters, role, learnersVersion } = this.#core.state;
    if (voters.current === this.#voters && learnersVersion === this.#learnersVersion) return;
    this.#voters = voters.current;
    this.#learnersVersion = learnersVersion;
    const addresses = new Map<NodeId, Address>();
    for (const { id, endpoints } of voters.current)
      if (endpoints[0] !== undefined) addresses.set(id, endpoints[0]);
    if (role.name === 'leader') {
      for (const { id, endpoints } of learners(this.#core.state, role))
        if (endpoints[0] !== undefined) addresses.set(id, endpoints[0]);
    }
    this.#transport.setPeers(addresses);
  }

  #announce(effects: Effects): void {
    for (const message of effects.announce) {
      this.#transport.announce(this.#options.bootstrapServers, message);
    }
    if (this.#core.leaderId !== null) this.#transport.endAnnouncing();
  }

  /** Sets the timer for the core's deadline. If a timer is set that fires earlier, it stays. */
  #armTimer(): void {
    const deadlineMs = this.#core.deadlineMs;
    if (deadlineMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = deadlineMs;
    const { clock, scheduler } = this.#options;
    this.#timer = scheduler.after(Math.max(0, deadlineMs - clock.monotonicMs()), () => {
      this.#timerMs = Number.POSITIVE_INFINITY;
      if (this.#core.deadlineMs > clock.monotonicMs()) this.#armTimer();
      else this.#post({ type: 'tick' });
    });
  }

  #tell(call: (listener: MetadataLogListener) => void): void {
    for (const listener of this.#listeners) call(listener);
  }

  #notLeader(why: string): NotLeaderError {
    return new NotLeaderError(
      `Not the active controller: ${why}`,
      this.#core.leaderId,
      this.#core.state.epoch,
    );
  }

  #refusal(reason: Refusal): Error {
    const { payloadBytesMax, uncommittedBytesMax } = this.#core.state.options;
    switch (reason) {
      case 'notLeader':
        return this.#notLeader('another voter leads, or none');
      case 'busy':
        return new QuorumBusyError(
          `More than ${uncommittedBytesMax} bytes of metadata are not committed yet`,
        );
      case 'tooLarge':
        return new QuorumBusyError(`A metadata batch is larger than ${payloadBytesMax} bytes`);
      default:
        return new VoterChangeError(reason);
    }
  }

  #fail(error: unknown): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.#timer?.cancel();
    this.#transport.stop();
    this.#feed.stop();
    this.#proposals.rejectAll(this.#notLeader('the metadata log has failed'));
    logFailure(this.#options.logger, error);
    this.#options.onFatal(error);
  }
}
