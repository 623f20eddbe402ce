/**
 * The voter's side of channel 'observe': sends committed entries to observers, never uncommitted ones. It sends a snapshot
 * first when this voter's log no longer has the observer's next entry, or when the observer has nothing yet and a snapshot
 * exists. An observer gives credit for a number of bytes. The voter exceeds it by at most one message, and by status messages,
 * which do not wait for credit.
 */
import type { Hello, Identity } from '../../base/hello.ts';
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { MessageStream, PeerNetwork } from '../../base/network.ts';
import type { ReplicaStatus } from '../../raft/api.ts';
import type { RaftCore } from '../../raft/core.ts';
import type { RaftStore } from '../../raft/store.ts';
import type { ReplicaKey } from '../../raft/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { feedBytes, type FeedMessage, observeChannel, type ObserverFrame } from './channels.ts';
import { Greeter } from './greeter.ts';

const messageBytesMax = 256 * 1024;
/** A voter sends each observer at least one message in this interval. */
export const statusIntervalMs = 500;
const observersMax = 10_000;

export interface ObserverFeedOptions {
  readonly identity: Identity;
  readonly core: RaftCore;
  readonly store: RaftStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly peers: PeerNetwork;
  readonly logger: Logger;
}

type FeedStream = MessageStream<Hello | FeedMessage, ObserverFrame>;

interface Session {
  readonly stream: FeedStream;
  readonly key: ReplicaKey;
  /** The next entry to send; -1 until the observer's first credit message tells where its log ends. */
  nextOffset: number;
  creditBytes: number;
  ackedEndOffset: number;
  ackedMs: number;
  caughtUpMs: number;
  pumping: boolean;
  /** The stream accepts more messages: its send buffer is not full. */
  room: boolean;
  closed: boolean;
  /** The leader, epoch and voter set of the last status message. Another one is sent when they change. */
  toldStatus: string;
}

export class ObserverFeed {
  readonly #options: ObserverFeedOptions;
  readonly #greeter: Greeter;
  readonly #sessions = new Set<Session>();
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: ObserverFeedOptions) {
    this.#options = options;
    this.#greeter = new Greeter(options.identity, options.logger);
  }

  start(): void {
    this.#options.peers.accept(observeChannel, (stream) => this.#accept(stream));
    this.#scheduleStatus();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const session of this.#sessions) session.stream.close();
    this.#sessions.clear();
  }

  /** Sends what is new to all observers. Called when entries may have been committed or the leader may have changed. */
  wake(): void {
    for (const session of this.#sessions) {
      this.#tellStatus(session, false);
      this.#pump(session);
    }
  }

  observers(): ReplicaStatus[] {
    return [...this.#sessions].map((session) => ({
      ...session.key,
      logEndOffset: session.ackedEndOffset,
      lastFetchMs: session.ackedMs,
      lastCaughtUpMs: session.caughtUpMs,
    }));
  }

  #scheduleStatus(): void {
    this.#timer = this.#options.scheduler.after(statusIntervalMs, () => {
      for (const session of this.#sessions) this.#tellStatus(session, true);
      this.#scheduleStatus();
    });
  }

  #accept(stream: FeedStream): void {
    stream.onDrain = () => {};
    stream.onClose = () => {};
    stream.onMessage = (message) => {
      const key = this.#greeter.check(message, null);
      if (typeof key === 'string') return stream.close(key);
      for (const old of this.#sessions) if (old.key.id === key.id) this.#close(old);
      if (this.#stopped || this.#sessions.size >= observersMax) stream.close('no more observers');
      else this.#greeted(stream, key);
    };
  }

  #greeted(stream: FeedStream, key: ReplicaKey): void {
    const session: Session = {
      stream,
      key,
      nextOffset: -1,
      creditBytes: 0,
      ackedEndOffset: -1,
      ackedMs: -1,
      caughtUpMs: -1,
      pumping: false,
      room: true,
      closed: false,
      toldStatus: '',
    };
    this.#sessions.add(session);
    stream.onDrain = () => {
      session.room = true;
      this.#pump(session);
    };
    stream.onClose = () => this.#close(session);
    stream.onMessage = (message) => this.#received(session, message);
    stream.send(this.#greeter.hello(key.id));
    this.#tellStatus(session, true);
  }

  #received(session: Session, message: ObserverFrame): void {
    if (message.type !== 'credit') {
      const reason = 'a second hello';
      this.#greeter.warnOnce('A message of a peer was refused', reason, session.key.id);
      this.#close(session, reason);
      return;
    }
    const { core, clock } = this.#options;
    session.creditBytes += message.sizeBytes;
    session.ackedEndOffset = message.endOffset;
    session.ackedMs = clock.wallMs();
    if (message.endOffset >= core.deliverableEndOffset) session.caughtUpMs = session.ackedMs;
    if (session.nextOffset < 0) session.nextOffset = message.endOffset;
    this.#pump(session);
  }

  #close(session: Session, reason?: string): void {
    session.closed = true;
    this.#sessions.delete(session);
    session.stream.close(reason);
  }

  #tellStatus(session: Session, always: boolean): void {
    const { core } = this.#options;
    const { epoch, voters } = core.state;
    const leaderId = core.leaderId ?? -1;
    const told = `${leaderId} ${epoch} ${voters.currentOffset}`;
    if (!always && told === session.toldStatus) return;
    session.toldStatus = told;
    const highWatermark = core.deliverableEndOffset;
    this.#send(session, { type: 'status', leaderId, epoch, highWatermark, voters: voters.current });
  }

  #send(session: Session, message: FeedMessage): void {
    session.creditBytes -= feedBytes(message);
    if (!session.stream.send(message)) session.room = false;
  }

  #pump(session: Session): void {
    const { logger } = this.#options;
    if (session.pumping || !this.#maySend(session)) return;
    session.pumping = true;
    this.#sendAll(session)
      .catch((error: unknown) => {
        logger.warn('The feed of an observer failed', { observer: session.key.id, error: String(error) });
        this.#close(session);
      })
      .finally(() => {
        session.pumping = false;
        this.#pump(session);
      });
  }

  #maySend(session: Session): boolean {
    if (session.closed || !session.room || session.creditBytes <= 0) return false;
    return session.nextOffset >= 0 && session.nextOffset < this.#options.core.deliverableEndOffset;
  }

  async #sendAll(session: Session): Promise<void> {
    const { core, store } = this.#options;
    const { log } = core.state;
    while (this.#maySend(session)) {
      const from = session.nextOffset;
      if (from < log.startOffset || (from === 0 && core.state.snapshotEndOffset > 0)) {
        await this.#sendSnapshot(session);
        continue;
      }
      const endOffset = core.deliverableEndOffset;
      const entries =
        log.cached(from, endOffset, messageBytesMax) ?? (await store.read(from, endOffset, messageBytesMax));
      if (entries === null || entries.length === 0) continue;
      session.nextOffset = from + entries.length;
      this.#send(session, { type: 'entries', baseOffset: from, entries });
    }
  }

  async #sendSnapshot(session: Session): Promise<void> {
    const snapshot = await this.#options.store.readSnapshot();
    if (snapshot === null) throw new Error('the log was compacted without a snapshot');
    const { endOffset, epoch } = snapshot.meta;
    const { bytes } = snapshot;
    this.#send(session, { type: 'begin', endOffset, epoch, sizeBytes: bytes.length });
    for (let at = 0; at < bytes.length && !session.closed; at += messageBytesMax) {
      this.#send(session, { type: 'chunk', bytes: bytes.subarray(at, at + messageBytesMax) });
      while (session.creditBytes <= 0 && !session.closed) await this.#moreCredit(session);
    }
    session.nextOffset = endOffset;
  }

  #moreCredit(session: Session): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (session.closed || session.creditBytes > 0) resolve();
        else this.#options.scheduler.after(10, check);
      };
      check();
    });
  }
}
