/**
 * All streams over which this broker, as leader, sends records: one `FeedSession` for each follower broker. Invariant: an
 * incarnation of a follower broker has at most one session. A new stream of the broker replaces the older one, whose connection
 * may be broken without this broker's knowledge.
 */
import type { PeerNetwork } from '../../base/network.ts';
import type { Uuid } from '../../base/uuid.ts';
import { type FeedContext, FeedSession, type FeedStream } from './feed-session.ts';
import { replicationChannel } from './stream-messages.ts';

export class ReplicaFeeder {
  readonly #context: FeedContext;
  readonly #sessions = new Set<FeedSession>();
  #isStopped = false;

  constructor(context: Omit<FeedContext, 'onRegistered' | 'onClosed'>) {
    this.#context = {
      ...context,
      onRegistered: (session): void => this.#introduced(session),
      onClosed: (session): void => {
        this.#sessions.delete(session);
      },
    };
  }

  start(peers: PeerNetwork): void {
    peers.accept(replicationChannel, (stream) => this.accept(stream));
  }

  accept(stream: FeedStream): void {
    if (this.#isStopped) {
      stream.close();
      return;
    }
    this.#sessions.add(new FeedSession(stream, this.#context));
  }

  /** Called when a partition of this broker has applied new metadata. */
  partitionChanged(topicId: Uuid, index: number): void {
    if (this.#sessions.size === 0) return;
    const key = `${topicId}:${index}`;
    for (const session of this.#sessions) session.partitionChanged(key);
  }

  /** Called when this broker has applied new registrations of brokers. */
  registrationsChanged(): void {
    for (const session of [...this.#sessions]) session.registrationsChanged();
  }

  stop(): void {
    this.#isStopped = true;
    for (const session of [...this.#sessions]) session.close();
  }

  #introduced(session: FeedSession): void {
    for (const other of [...this.#sessions])
      if (
        other !== session &&
        other.brokerId === session.brokerId &&
        other.brokerEpoch <= session.brokerEpoch
      )
        other.close();
  }
}
