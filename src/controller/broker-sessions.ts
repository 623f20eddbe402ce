/**
 * The sessions of all brokers: while a broker's session lasts, the controller counts the broker as alive. Sessions are only in
 * the memory of the active controller; a new active controller begins a new session for every unfenced broker. Times are
 * monotonic.
 *
 * A session ends when no heartbeat has come for broker.session.timeout.ms. It ends at once when the broker's process seems to
 * have ended: its stream broke, and no connection to its address can be made within a second. A network that is cut between
 * controller and broker can look the same.
 */
import { mark } from '../base/mark.ts';
import type { BrokerEpoch, NodeId } from '../base/ids.ts';
import type { MetadataImage } from '../metadata/image.ts';

interface Session {
  readonly id: NodeId;
  readonly epoch: BrokerEpoch;
  lastContactMs: number;
  /** The broker's stream to this controller is open. */
  connected: boolean;
  /** The broker's process has ended. */
  dead: boolean;
  /**
   * For a broker in controlled shutdown: the offset of the metadata entry that moves its last leadership. The broker may stop
   * when it has that entry. Null: the broker is not in controlled shutdown, or it still leads partitions.
   */
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

  /** Called for each heartbeat and registration of a broker: its session lasts for the full time-out from now on. */
  renew(id: NodeId, epoch: BrokerEpoch, nowMs: number): void {
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

  /** Ends the session, because the broker's process has ended. Ignored when the broker has connected again. */
  processEnded(id: NodeId): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.connected) return;
    mark('controller.broker-found-dead');
    session.dead = true;
  }

  end(id: NodeId): void {
    this.#sessions.delete(id);
  }

  /** Whether the broker is alive in this broker epoch, as far as the controller knows. */
  isValid(id: NodeId, epoch: BrokerEpoch, nowMs: number): boolean {
    const session = this.#sessions.get(id);
    return session !== undefined && session.epoch === epoch && !this.#isOver(session, nowMs);
  }

  isConnected(id: NodeId): boolean {
    return this.#sessions.get(id)?.connected ?? false;
  }

  /** Brokers whose session has expired. */
  expired(nowMs: number): NodeId[] {
    return [...this.#sessions.values()].filter((one) => this.#isOver(one, nowMs)).map((one) => one.id);
  }

  /** The monotonic time at which the next session expires if no heartbeat comes; null when there is no session. */
  nextExpiryMs(): number | null {
    let next: number | null = null;
    for (const session of this.#sessions.values()) {
      const at = session.dead ? 0 : session.lastContactMs + this.#timeoutMs;
      if (next === null || at < next) next = at;
    }
    return next;
  }

  /** Extends all sessions by the time for which this process was paused and could not receive heartbeats. */
  extendAll(ms: number): void {
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
