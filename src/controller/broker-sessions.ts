/**
 * The session of each broker. Sessions live only in the active controller: a new one begins with fresh sessions for all brokers that
 * are in service. Times are monotonic.
 *
 * A session ends when no heartbeat came for the session time-out, or at once when the broker was found dead (its stream broke and nothing
 * listens at its address any more).
 */
import { mark } from '../base/mark.ts';
import type { BrokerEpoch, NodeId } from '../base/ids.ts';
import type { MetadataImage } from '../metadata/image.ts';

interface Session {
  readonly id: NodeId;
  readonly epoch: BrokerEpoch;
  lastContactMs: number;
  /** Its stream to this controller is up. */
  connected: boolean;
  dead: boolean;
  /** Its leaderships are moving because it wants to stop: the entry after which it has none. */
  shutdownOffset: number | null;
}

export class BrokerSessions {
  readonly #timeoutMs: number;
  readonly #sessions = new Map<NodeId, Session>();

  constructor(timeoutMs: number, image: MetadataImage, nowMs: number) {
    this.#timeoutMs = timeoutMs;
    for (const broker of image.cluster.brokers.values()) {
      if (!broker.fenced) this.#open(broker.id, broker.epoch, nowMs, false);
    }
  }

  /** A request of this broker came, in this epoch. */
  touch(id: NodeId, epoch: BrokerEpoch, nowMs: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.epoch !== epoch) {
      mark('controller.session-of-new-controller');
      this.#open(id, epoch, nowMs, true);
      return;
    }
    session.lastContactMs = nowMs;
    session.connected = true;
    session.dead = false;
  }

  streamBroken(id: NodeId): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) session.connected = false;
  }

  /** The broker's process has ended. Ignored when the broker has come back in the meantime. */
  foundDead(id: NodeId): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.connected) return;
    mark('controller.broker-found-dead');
    session.dead = true;
  }

  end(id: NodeId): void {
    this.#sessions.delete(id);
  }

  /** True when the broker of this epoch must be taken for alive. */
  isValid(id: NodeId, epoch: BrokerEpoch, nowMs: number): boolean {
    const session = this.#sessions.get(id);
    return session !== undefined && session.epoch === epoch && !this.#isOver(session, nowMs);
  }

  isConnected(id: NodeId): boolean {
    return this.#sessions.get(id)?.connected ?? false;
  }

  /** Brokers whose session is over. */
  expired(nowMs: number): NodeId[] {
    return [...this.#sessions.values()].filter((one) => this.#isOver(one, nowMs)).map((one) => one.id);
  }

  /** When the next session may end; null when there is none. */
  nextExpiryMs(): number | null {
    let next: number | null = null;
    for (const session of this.#sessions.values()) {
      const at = session.dead ? 0 : session.lastContactMs + this.#timeoutMs;
      if (next === null || at < next) next = at;
    }
    return next;
  }

  /** This process itself was paused: it could not receive heartbeats, so sessions are extended by the length of the pause. */
  forgive(ms: number): void {
    mark('controller.sessions-forgiven');
    for (const session of this.#sessions.values()) session.lastContactMs += ms;
  }

  shutdownOffset(id: NodeId): number | null {
    return this.#sessions.get(id)?.shutdownOffset ?? null;
  }

  setShutdownOffset(id: NodeId, offset: number | null): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) session.shutdownOffset = offset;
  }

  #isOver(session: Session, nowMs: number): boolean {
    return session.dead || nowMs >= session.lastContactMs + this.#timeoutMs;
  }

  #open(id: NodeId, epoch: BrokerEpoch, nowMs: number, connected: boolean): void {
    this.#sessions.set(id, {
      id,
      epoch,
      lastContactMs: nowMs,
      connected,
      dead: false,
      shutdownOffset: null,
    });
  }
}
