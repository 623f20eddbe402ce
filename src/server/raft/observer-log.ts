/**
 * The metadata log of a broker that is not a controller (an observer). It receives the log from one voter at a time over
 * channel 'observe': from the leader when the leader's address is known. It receives committed entries only, so it never
 * truncates, and it keeps nothing on disk. When the stream breaks, it continues at the same offset with the next voter.
 */
import { assert } from '../../base/assert.ts';
import { type Clock, type Scheduler, type Timer, yieldTurn } from '../../base/clock.ts';
import type { Hello, Identity } from '../../base/hello.ts';
import { type NodeId, nodeId } from '../../base/ids.ts';
import type { Address, MessageStream, PeerNetwork } from '../../base/network.ts';
import { MalformedError } from '../../base/protobuf.ts';
import { below, type Random } from '../../base/random.ts';
import {
  type LeaderView,
  type MetadataLog,
  type MetadataLogListener,
  NotLeaderError,
  type QuorumStatus,
} from '../../raft/api.ts';
import { entriesFault, epochFault } from '../../raft/messages.ts';
import type { ReplicaKey, Voter } from '../../raft/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { batchAt } from './delivery.ts';
import { logFailure } from './log-failure.ts';
import {
  feedBytes,
  type FeedEntries,
  type FeedMessage,
  type FeedSnapshot,
  type FeedStatus,
  observeChannel,
  type ObserverFrame,
  type SnapshotChunk,
} from './channels.ts';
import { Greeter } from './greeter.ts';
import { statusIntervalMs } from './observer-feed.ts';
import type { QuorumMeter } from './quorum-meter.ts';
import { SnapshotParts } from './snapshot-parts.ts';

const creditBytes = 4 * 1024 * 1024;
const retryMsMin = 20;
const retryMsMax = 500;
const sliceMs = 5;
/** After this time without a message the observer closes the stream and tries another voter. */
const silenceMs = 6 * statusIntervalMs;

export interface ObserverLogOptions {
  readonly identity: Identity;
  /** The voters that are known at the start; later, status messages tell the current ones. */
  readonly voters: readonly Voter[];
  /** `controller.quorum.bootstrap.servers`: tried in turn with the known voters. */
  readonly bootstrapServers: readonly Address[];
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly peers: PeerNetwork;
  readonly logger: Logger;
  readonly meter?: QuorumMeter;
  readonly onFatal: (error: unknown) => void;
}

type Stream = MessageStream<ObserverFrame, Hello | FeedMessage>;

export class ObserverLog implements MetadataLog {
  readonly #options: ObserverLogOptions;
  readonly #greeter: Greeter;
  readonly #listeners: MetadataLogListener[] = [];
  #voters: readonly Voter[];
  #status: FeedStatus | null = null;
  #endOffset = 0;
  #stream: Stream | null = null;
  #feedId: NodeId | null = null;
  #heardMs = 0;
  /**
   * Streams that have ended since a voter last sent its status. A stream that was closed to change to the leader does not
   * count.
   */
  #failures = 0;
  #rotation = 0;
  #unreturnedBytes = 0;
  #snapshot: { readonly begin: FeedSnapshot; readonly parts: SnapshotParts } | null = null;
  readonly #inbox: { readonly stream: Stream; readonly message: FeedMessage }[] = [];
  #working = false;
  readonly #timers = new Set<Timer>();
  #phase: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: ObserverLogOptions) {
    this.#options = options;
    this.#voters = options.voters;
    this.#greeter = new Greeter(options.identity, options.logger);
  }

  addListener(listener: MetadataLogListener): void {
    assert(this.#phase === 'new', 'listeners are added before the start');
    this.#listeners.push(listener);
  }

  start(): Promise<void> {
    assert(this.#phase === 'new', 'started once');
    this.#phase = 'running';
    this.#rotation = below(this.#options.random, 1000);
    this.#open();
    this.#watch();
    return Promise.resolve();
  }

  propose(): Promise<number> {
    return this.#notLeader();
  }

  changeVoters(): Promise<number> {
    return this.#notLeader();
  }

  readBarrier(): Promise<number> {
    return this.#notLeader();
  }

  #notLeader(): Promise<number> {
    const { id, epoch } = this.leader();
    return Promise.reject(new NotLeaderError('Not a controller', id, epoch));
  }

  saveSnapshot(): Promise<void> {
    return Promise.resolve();
  }

  status(): QuorumStatus {
    const { nodeId: id, directoryId } = this.#options.identity;
    return {
      role: 'observer',
      leaderId: this.leader().id,
      epoch: this.leader().epoch,
      highWatermark: Math.max(this.#endOffset, this.#status?.highWatermark ?? 0),
      logStartOffset: 0,
      logEndOffset: this.#endOffset,
      voters: this.#voters.map((voter) => ({
        ...voter,
        logEndOffset: -1,
        lastFetchMs: -1,
        lastCaughtUpMs: -1,
      })),
      observers: [{ id, directoryId, logEndOffset: this.#endOffset, lastFetchMs: -1, lastCaughtUpMs: -1 }],
    };
  }

  leader(): LeaderView {
    const { leaderId = -1, epoch = 0 } = this.#status ?? {};
    return { id: leaderId < 0 ? null : nodeId(leaderId), epoch };
  }

  addressOf(id: NodeId): Address | null {
    return this.#voters.find((voter) => voter.id === id)?.endpoints[0] ?? null;
  }

  shutdown(): Promise<void> {
    this.#phase = 'stopped';
    for (const timer of this.#timers) timer.cancel();
    this.#stream?.close();
    this.#stream = null;
    return Promise.resolve();
  }

  #after(delayMs: number, callback: () => void): void {
    const timer = this.#options.scheduler.after(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }

  /**
   * The address to connect to next: the leader's if it is known and no attempt has failed since the last success; else those of
   * all voters and bootstrap servers in turn.
   */
  #nextAddress(): { address: Address; id: NodeId | null } | null {
    const leaderId = this.leader().id;
    if (leaderId !== null && this.#failures === 0) {
      const address = this.addressOf(leaderId);
      if (address !== null) return { address, id: leaderId };
    }
    const known = this.#addresses();
    this.#rotation += 1;
    return known[this.#rotation % Math.max(1, known.length)] ?? null;
  }

  #addresses(): { address: Address; id: NodeId | null }[] {
    const known: { address: Address; id: NodeId | null }[] = [];
    for (const voter of this.#voters)
      if (voter.endpoints[0]) known.push({ address: voter.endpoints[0], id: voter.id });
    for (const address of this.#options.bootstrapServers) {
      if (!known.some((one) => one.address.host === address.host && one.address.port === address.port)) {
        known.push({ address, id: null });
      }
    }
    return known;
  }

  #open(): void {
    if (this.#phase !== 'running') return;
    const next = this.#nextAddress();
    if (next === null) {
      this.#after(retryMsMax, () => this.#open());
      return;
    }
    const stream = this.#options.peers.open(next.address, observeChannel);
    this.#stream = stream;
    this.#feedId = next.id;
    this.#snapshot = null;
    this.#unreturnedBytes = 0;
    this.#heardMs = this.#options.clock.monotonicMs();
    stream.onDrain = () => {};
    stream.onClose = () => this.#closed(stream);
    stream.onMessage = (message) => {
      const key = this.#greeter.check(message, next.id);
      if (typeof key === 'string') {
        stream.close();
        this.#closed(stream);
        return;
      }
      this.#greeted(stream, key);
    };
    stream.send(this.#greeter.hello(next.id));
  }

  #greeted(stream: Stream, key: ReplicaKey): void {
    this.#feedId = key.id;
    this.#options.logger.debug('Following a voter', { voter: key.id, from: this.#endOffset });
    stream.onMessage = (message) => this.#received(stream, message as FeedMessage);
    stream.send({ type: 'credit', sizeBytes: creditBytes, endOffset: this.#endOffset });
  }

  #closed(stream: Stream): void {
    if (stream !== this.#stream || this.#phase !== 'running') return;
    this.#stream = null;
    this.#snapshot = null;
    const pauseMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    if (this.#failures > this.#addresses().length) this.#forgetLeader();
    this.#after(pauseMs + below(this.#options.random, pauseMs), () => this.#open());
  }

  /** A periodic check: closes a stream on which nothing arrives, or changes to the leader. */
  #watch(): void {
    this.#after(statusIntervalMs, () => {
      const stream = this.#stream;
      const silent = this.#options.clock.monotonicMs() - this.#heardMs > silenceMs;
      if (stream !== null && silent) {
        stream.close();
        this.#closed(stream);
      } else this.#moveToLeader();
      this.#watch();
    });
  }

  /**
   * Changes to the leader if this observer receives the log from another voter: the leader lists in its status (DescribeQuorum)
   * only the observers that receive the log from it.
   */
  #moveToLeader(): void {
    const stream = this.#stream;
    const leaderId = this.leader().id;
    if (stream === null || leaderId === null || leaderId === this.#feedId || this.#failures !== 0) return;
    if (this.addressOf(leaderId) === null || this.#snapshot !== null) return;
    stream.close();
    this.#failures = -1;
    this.#closed(stream);
  }

  #received(stream: Stream, message: FeedMessage): void {
    if (stream !== this.#stream) return;
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#inbox.push({ stream, message });
    if (this.#working) return;
    this.#working = true;
    this.#work()
      .catch((error: unknown) => {
        logFailure(this.#options.logger, error);
        void this.shutdown();
        this.#options.onFatal(error);
      })
      .finally(() => {
        this.#working = false;
      });
  }

  async #work(): Promise<void> {
    const { clock, scheduler } = this.#options;
    let sinceMs = clock.monotonicMs();
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      if (this.#phase !== 'running') return;
      // Messages of an earlier stream are dropped; the current stream sends the same entries again.
      if (next.stream === this.#stream) {
        const fault = this.#faultOf(next.message);
        if (fault !== null) this.#refuse(next.stream, fault);
        else {
          await this.#handle(next.message);
          this.#giveBack(next.stream, feedBytes(next.message));
        }
      }
      if (clock.monotonicMs() - sinceMs < sliceMs) continue;
      await yieldTurn(scheduler);
      sinceMs = clock.monotonicMs();
    }
  }

  /**
   * Why a message is invalid in the present state of this observer; null: it is valid. Also adds a snapshot chunk to
   * `#snapshot`.
   */
  #faultOf(message: FeedMessage): string | null {
    switch (message.type) {
      case 'status':
        return epochFault(message.epoch);
      case 'begin':
      case 'chunk':
        try {
          this.#takeSnapshot(message);
          return null;
        } catch (error) {
          if (error instanceof MalformedError) return error.message;
          throw error;
        }
      case 'entries':
        if (message.baseOffset > this.#endOffset)
          return `the feed skips from ${this.#endOffset} to ${message.baseOffset}`;
        return entriesFault(message.entries, message.baseOffset);
      default:
        return 'a second hello';
    }
  }

  /** Throws `MalformedError`. */
  #takeSnapshot(message: FeedSnapshot | SnapshotChunk): void {
    if (message.type === 'begin') {
      const fault = epochFault(message.epoch);
      if (fault !== null) throw new MalformedError(fault);
      this.#snapshot = { begin: message, parts: new SnapshotParts(message.sizeBytes) };
      return;
    }
    if (this.#snapshot === null)
      throw new MalformedError('a snapshot chunk before the begin of its snapshot');
    this.#snapshot.parts.add(message.bytes);
  }

  #refuse(stream: Stream, reason: string): void {
    this.#greeter.warnOnce('A message of a peer was refused', reason);
    stream.close();
    this.#closed(stream);
  }

  #giveBack(stream: Stream, sizeBytes: number): void {
    this.#unreturnedBytes += sizeBytes;
    stream.send({ type: 'credit', sizeBytes: this.#unreturnedBytes, endOffset: this.#endOffset });
    this.#unreturnedBytes = 0;
  }

  async #handle(message: FeedMessage): Promise<void> {
    switch (message.type) {
      case 'status':
        this.#handleStatus(message);
        return;
      case 'entries':
        await this.#handleEntries(message);
        return;
      case 'begin':
      case 'chunk':
        if (this.#snapshot?.parts.isWhole === true) await this.#finishSnapshot();
        return;
    }
  }

  #handleStatus(status: FeedStatus): void {
    this.#failures = 0;
    // A voter without a connection to the others may still send an earlier epoch.
    if (status.epoch < (this.#status?.epoch ?? 0)) return;
    const before = this.leader();
    this.#status = status;
    if (status.voters.length > 0) this.#voters = status.voters;
    const now = this.leader();
    if (now.id === before.id && now.epoch === before.epoch) return;
    const news = now.id === null ? 'No leader of the quorum yet' : `Node ${now.id} leads the quorum`;
    this.#options.logger.info(news, { epoch: now.epoch });
    for (const listener of this.#listeners) listener.onLeaderChange(now);
    // Changes to the new leader at once. If that fails, the periodic check tries again.
    this.#moveToLeader();
  }

  /**
   * Called when the stream has ended and each address has been tried once since then. No voter can be reached that would report
   * a new leader, so this node knows no leader until a voter answers again. Does nothing while the listeners take a snapshot or
   * entries: the next failed attempt calls this again.
   */
  #forgetLeader(): void {
    if (this.#working || this.#status === null || this.leader().id === null) return;
    this.#status = { ...this.#status, leaderId: -1 };
    const { id, epoch } = this.leader();
    this.#options.logger.info('No leader of the quorum known: no controller can be reached', { epoch });
    for (const listener of this.#listeners) listener.onLeaderChange({ id, epoch });
  }

  async #finishSnapshot(): Promise<void> {
    const snapshot = this.#snapshot;
    assert(snapshot !== null, 'a snapshot was begun');
    const { begin, parts } = snapshot;
    this.#snapshot = null;
    if (begin.endOffset <= this.#endOffset) return;
    const bytes = parts.whole();
    for (const listener of this.#listeners) {
      await listener.onSnapshot({ offset: begin.endOffset - 1, epoch: begin.epoch, bytes });
    }
    this.#endOffset = begin.endOffset;
  }

  async #handleEntries({ baseOffset, entries }: FeedEntries): Promise<void> {
    assert(baseOffset <= this.#endOffset, 'a feed that skips was refused');
    const { clock, scheduler } = this.#options;
    let sinceMs = clock.monotonicMs();
    const fresh = entries.slice(this.#endOffset - baseOffset);
    this.#options.meter?.fetched(fresh.length);
    for (let from = 0; from < fresh.length; ) {
      const batch = batchAt(fresh, from);
      from += batch.length;
      for (const listener of this.#listeners) listener.onCommit(batch);
      this.#endOffset += batch.length;
      if (clock.monotonicMs() - sinceMs < sliceMs) continue;
      await yieldTurn(scheduler);
      sinceMs = clock.monotonicMs();
    }
  }
}
