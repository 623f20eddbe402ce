/**
 * Connections beyond `max.connections` or `max.connections.per.ip`. Another node's stream comes on the same port, and it is no client's
 * connection, but that shows with its first bytes only. So a refused connection may live until then: the transport takes a peer's away
 * (`onClose`), a client's first byte closes it, and so does a second without a byte.
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
