/**
 * Connections above `max.connections` or `max.connections.per.ip`. Streams of other nodes come on the same port and are not
 * limited, but only the first bytes tell them from clients. So a refused connection stays open until then: the transport takes over
 * a peer's connection (`onClose`); a client's is closed at its first byte, or after a second without a byte.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { Connection } from '../../base/network.ts';
import { refusedConnectionsMax, refusedSilenceMs } from '../limits.ts';

export class RefusedConnections {
  readonly #scheduler: Scheduler;
  readonly #undecided = new Set<Connection>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** `warn` is called when the connection is closed as a client's. */
  take(connection: Connection, warn: () => void): void {
    const close = (): void => {
      if (!this.#undecided.has(connection)) return;
      warn();
      connection.destroy();
    };
    this.#undecided.add(connection);
    if (this.#undecided.size > refusedConnectionsMax) {
      close();
      this.#undecided.delete(connection);
      return;
    }
    const timer = this.#scheduler.after(refusedSilenceMs, close);
    connection.onData = close;
    connection.onClose = () => {
      timer.cancel();
      this.#undecided.delete(connection);
    };
  }

  stop(): void {
    for (const connection of [...this.#undecided]) connection.destroy();
  }
}
