/**
 * Connections above `max.connections`, `max.connections.per.ip` or the `connection_creation_rate` of an address. Streams of
 * other nodes come to the same port and are not limited, but only the first bytes of a connection tell whether it is such a
 * stream. So a refused connection stays open until then. A connection of another node is taken over by the transport (which
 * calls `onClose`). A connection of a client is closed at its first byte, or after a second without a byte.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { Connection } from '../../base/network.ts';
import { refusedConnectionsMax, refusedSilenceMs } from '../limits.ts';

export class RefusedConnections {
  readonly #scheduler: Scheduler;
  readonly #undecided = new Set<Connection>();
  /** Connections of clients that are closed later. They take no place of a connection that may be another node's. */
  readonly #delayed = new Set<Connection>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /**
   * `warn` is called if the connection turns out to be a client's and is closed. It is closed `delayMs` after its first byte,
   * so that a client that connects again at once does not do so in a loop. If there are too many such connections, it is closed
   * at once.
   */
  take(connection: Connection, warn: () => void, delayMs = 0): void {
    const close = (): void => {
      if (!this.#undecided.has(connection) && !this.#delayed.has(connection)) return;
      warn();
      connection.destroy();
    };
    this.#undecided.add(connection);
    if (this.#undecided.size > refusedConnectionsMax) {
      close();
      this.#undecided.delete(connection);
      return;
    }
    let timer = this.#scheduler.after(refusedSilenceMs, close);
    const closeLater = (): void => {
      if (this.#delayed.size >= refusedConnectionsMax) return close();
      this.#undecided.delete(connection);
      this.#delayed.add(connection);
      connection.pause();
      timer.cancel();
      timer = this.#scheduler.after(delayMs, close);
    };
    connection.onData = delayMs === 0 ? close : closeLater;
    connection.onClose = () => {
      timer.cancel();
      this.#undecided.delete(connection);
      this.#delayed.delete(connection);
    };
  }

  stop(): void {
    for (const connection of [...this.#undecided, ...this.#delayed]) connection.destroy();
  }
}
