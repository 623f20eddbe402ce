/**
 * All client connections of a node. It accepts new connections within the limits, and closes connections that are idle, stalled
 * or above the limits.
 *
 * - Above `max.connections` the connection that was idle for longest is closed. If none is idle, the new one is refused.
 * - Above `max.connections.per.ip` the new one is refused.
 * - A refused connection that belongs to another node is not closed (`refused-connections.ts`).
 * - A connection above the `connection_creation_rate` of its address (KIP-612) is closed after its throttle time.
 * - A connection above `max.connection.creation.rate` is delayed (`creation-gate.ts`): for some time nothing is read from it.
 * - There is one timer for all connections, and none if there are no connections, so an idle node does no work.
 */
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import type { Connection } from '../../base/network.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ListenerKind } from '../handler.ts';
import { sweepIntervalMs, warningsPerSecondMax } from '../limits.ts';
import { ConnectionRates, type ConnectionRateLimits } from '../quotas/connection-rates.ts';
import { ClientConnection } from './connection.ts';
import { CreationGate } from './creation-gate.ts';
import type { Dispatcher } from './dispatch.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { RefusedConnections } from './refused-connections.ts';

export interface AcceptorLimits {
  /** `connections.max.idle.ms`; negative: idle connections are not closed. */
  readonly idleMs: number;
  /** `max.connections`, or fewer if the process has fewer file descriptors. */
  readonly connectionsMax: number;
  /** `max.connections.per.ip`, with `max.connections.per.ip.overrides`. */
  readonly connectionsPerIpMax: number;
  readonly connectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** `socket.request.max.bytes`. */
  readonly requestBytesMax: number;
  /** `max.connection.creation.rate`. */
  readonly creationRate: ConnectionRateLimits;
}

export interface AcceptorOptions {
  readonly dispatcher: Dispatcher;
  readonly budget: MemoryBudget;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly limits: AcceptorLimits;
}

/** A connection that was idle for a shorter time is not closed to make room for a new one. */
const surplusIdleMsMin = 1_000;

export class Acceptor {
  /** The rates at which connections are accepted. */
  readonly rates: ConnectionRates;
  readonly #options: AcceptorOptions;
  readonly #connections = new Set<ClientConnection>();
  readonly #perHost = new Map<string, number>();
  readonly #refused: RefusedConnections;
  /** By listener name. */
  readonly #gates = new Map<string, CreationGate>();
  #nextId = 1;
  #sweepTimer: Timer | null = null;
  #stopped = false;
  #warnings = 0;
  #warningsSinceMs = 0;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#refused = new RefusedConnections(options.scheduler);
    const { quotas } = options.dispatcher.throttling;
    this.rates = new ConnectionRates(quotas.window, options.limits.creationRate);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  connectionsByListener(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { info } of this.#connections) {
      counts.set(info.listenerName, (counts.get(info.listenerName) ?? 0) + 1);
    }
    return counts;
  }

  /** Called with each connection that a listener has accepted. */
  accept(connection: Connection, listenerName: string, listenerKind: ListenerKind): void {
    // While a node stops, clients connect again and again, so this is not logged.
    if (this.#stopped) return connection.destroy();
    const host = connection.remote.host;
    // This check is the first, because `#refusal` may close an idle connection to make room for the new one.
    if (this.#isThrottled(connection, listenerName)) return;
    const refusal = this.#refusal(host);
    if (refusal !== null) {
      const line = { remote: host, listener: listenerName, reason: refusal };
      this.#refused.take(connection, () => this.#warn('refusing a connection', line));
      return;
    }
    const { dispatcher, budget, clock, limits } = this.#options;
    const client: ClientConnection = new ClientConnection({
      connection,
      info: {
        id: this.#nextId++,
        listenerName,
        listenerKind,
        local: connection.local,
        remote: connection.remote,
        principal: 'User:ANONYMOUS',
      },
      dispatcher,
      budget,
      clock,
      scheduler: this.#options.scheduler,
      requestBytesMax: limits.requestBytesMax,
      warn: (message, fields) => this.#warn(message, fields),
      onClosed: () => this.#closed(client, host),
    });
    this.#connections.add(client);
    this.#perHost.set(host, (this.#perHost.get(host) ?? 0) + 1);
    this.#armSweep();
    this.#gate(listenerName).enter(client);
  }

  /** Counts the connection for the quota of its address. Returns true if it exceeds the quota; then it is closed later. */
  #isThrottled(connection: Connection, listenerName: string): boolean {
    const { host } = connection.remote;
    const { quotas } = this.#options.dispatcher.throttling;
    const throttleMs = quotas.connections.throttleTimeMs(host, quotas.nowMs());
    if (throttleMs === 0) return false;
    this.rates.recordRefused(listenerName, throttleMs, quotas.nowMs());
    const line = { remote: host, listener: listenerName, throttleMs };
    const debug = (): void =>
      this.#options.logger.debug(
        'closing a connection above the connection_creation_rate of its address',
        line,
      );
    this.#refused.take(connection, debug, throttleMs);
    return true;
  }

  #gate(listenerName: string): CreationGate {
    let gate = this.#gates.get(listenerName);
    if (gate === undefined) {
      const { scheduler, dispatcher } = this.#options;
      const { quotas } = dispatcher.throttling;
      const throttleMs = (): number => this.rates.record(listenerName, quotas.nowMs());
      gate = new CreationGate({ scheduler, throttleMs });
      this.#gates.set(listenerName, gate);
    }
    return gate;
  }

  /** Closes all connections, and refuses new ones from now on. */
  stop(): void {
    this.#stopped = true;
    this.#sweepTimer?.cancel();
    this.#sweepTimer = null;
    this.#refused.stop();
    for (const gate of this.#gates.values()) gate.stop();
    for (const client of [...this.#connections]) client.destroy();
  }

  #refusal(host: string): string | null {
    const { limits } = this.#options;
    const perIpMax = limits.connectionsPerIpOverrides.get(host) ?? limits.connectionsPerIpMax;
    if ((this.#perHost.get(host) ?? 0) >= perIpMax) return 'max.connections.per.ip is reached';
    if (this.#connections.size >= limits.connectionsMax && !this.#closeIdlest())
      return 'max.connections is reached';
    return null;
  }

  #closeIdlest(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    let idlest: ClientConnection | null = null;
    let idlestMs = surplusIdleMsMin;
    for (const client of this.#connections) {
      const idleMs = client.idleMs(nowMs);
      if (idleMs < idlestMs) continue;
      idlest = client;
      idlestMs = idleMs;
    }
    idlest?.destroy();
    return idlest !== null;
  }

  #closed(client: ClientConnection, host: string): void {
    if (!this.#connections.delete(client)) return;
    const count = (this.#perHost.get(host) ?? 1) - 1;
    if (count === 0) this.#perHost.delete(host);
    else this.#perHost.set(host, count);
  }

  #armSweep(): void {
    if (this.#sweepTimer !== null || this.#stopped) return;
    this.#sweepTimer = this.#options.scheduler.after(sweepIntervalMs, () => {
      this.#sweepTimer = null;
      this.#sweep();
      if (this.#connections.size > 0) this.#armSweep();
    });
  }

  #sweep(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const client of [...this.#connections]) {
      const reason = client.overdue(nowMs, this.#options.limits.idleMs);
      if (reason === null) continue;
      this.#options.logger.debug('closing a connection', {
        id: client.info.id,
        remote: client.info.remote.host,
        reason,
      });
      client.destroy();
    }
  }

  #warn(message: string, fields: Record<string, unknown>): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#warningsSinceMs >= 1_000) {
      const suppressed = this.#warnings - warningsPerSecondMax;
      if (suppressed > 0)
        this.#options.logger.warn('suppressed further warnings about connections', { count: suppressed });
      this.#warningsSinceMs = nowMs;
      this.#warnings = 0;
    }
    this.#warnings++;
    if (this.#warnings <= warningsPerSecondMax) this.#options.logger.warn(message, fields);
  }
}
