/**
 * The part of a node that serves Kafka's protocol: handlers, pipeline, connections. `server/` makes one `KafkaServer`, passes
 * the connections that its listeners accept to it, and stops it.
 */
import type { Connection } from '../base/network.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { CompleteOffsets } from './api/transactions/27-write-txn-markers.ts';
import { createHandlerTable } from './api/index.ts';
import { FetchSessionCache, sessionDefaults } from './fetch-session.ts';
import type { Handler, ListenerKind } from './handler.ts';
import { fetchBudgetBytes, requestBudgetBytes, requestReserveBytes, smallFrameBytes } from './limits.ts';
import { Acceptor, type AcceptorLimits } from './pipeline/acceptor.ts';
import { allowAll } from './pipeline/authorize.ts';
import { Dispatcher } from './pipeline/dispatch.ts';
import type { RequestInterceptor } from './pipeline/interceptor.ts';
import type { HandlerTable } from './pipeline/table.ts';
import { MemoryBudget } from './pipeline/memory-budget.ts';
import type { BrokerServices, NodeServices } from './services.ts';
import { Purgatories } from './purgatory/purgatories.ts';
import { PeerRequests } from './pipeline/peer-requests.ts';
import { RequestMetrics } from './pipeline/request-metrics.ts';
import { TopicCreator } from './topic-creator.ts';
import { createTransactionVerifier, type TransactionVerifier } from './txn/transaction-verifier.ts';
import { intMax } from '../config/define.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { Collector, Sink } from '../telemetry/metrics.ts';

export interface KafkaServerOptions {
  readonly services: NodeServices;
  /** Null on a node that is only a controller. */
  readonly broker: BrokerServices | null;
  /** Handlers that are made elsewhere: those of the coordinators. */
  readonly handlers: readonly Handler[];
  /** The group coordinator uses the same object, to create `__consumer_offsets`. If absent, one is made here. */
  readonly creator?: TopicCreator;
  /**
   * The group coordinator uses the same object, because offsets may be committed in a transaction. If absent, one is made here.
   */
  readonly verifier?: TransactionVerifier;
  /** The group coordinator's function for markers of `__consumer_offsets`. If absent, such markers are refused. */
  readonly completeOffsets?: CompleteOffsets;
  /** How many connections the process has file descriptors for. It limits connections besides `max.connections`. */
  readonly connectionsMax?: number;
  /** Only tests set it. */
  readonly interceptor?: RequestInterceptor | undefined;
}

const noOffsets: CompleteOffsets = () => Promise.reject(new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE));

export class KafkaServer {
  readonly #table: HandlerTable;
  readonly #acceptor: Acceptor;
  readonly #dispatcher: Dispatcher;
  readonly #interBrokerListenerName: string;
  readonly #peers = new Set<PeerRequests>();
  #nextPeerId = -1;
  #isStopped = false;
  readonly #metrics: RequestMetrics;
  /** False: this server has the listeners of a controller. */
  readonly #isBroker: boolean;
  /** Null for the listeners of a controller. */
  readonly #purgatories: Purgatories | null;

  constructor(options: KafkaServerOptions) {
    const { services, broker } = options;
    const purgatories = new Purgatories(
      services.clientScheduler ?? services.scheduler,
      services.imageWatch.purgatory,
    );
    this.#isBroker = broker !== null;
    this.#purgatories = this.#isBroker ? purgatories : null;
    this.#table = createHandlerTable(
      services,
      broker === null
        ? null
        : {
            services: broker,
            creator: options.creator ?? new TopicCreator(services),
            sessions: new FetchSessionCache({
              slotsMax: services.config.get('max.incremental.fetch.session.cache.slots'),
              partitionsMax: sessionDefaults.partitionsMax,
              evictionMs: sessionDefaults.evictionMs,
              random: () => services.random.u32(),
            }),
            fetchBudget: new MemoryBudget(fetchBudgetBytes),
            purgatories,
            completeOffsets: options.completeOffsets ?? noOffsets,
            verifier: options.verifier ?? createTransactionVerifier(broker),
          },
      options.handlers,
    );
    const logger = services.logger.child('broker');
    const metrics = new RequestMetrics(services.clock);
    this.#metrics = metrics;
    this.#dispatcher = new Dispatcher({
      table: this.#table,
      authorize: allowAll,
      image: services.metadata,
      logger,
      metrics,
      quotas: services.quotas,
      interceptor: options.interceptor,
    });
    this.#interBrokerListenerName = services.config.interBrokerListenerName;
    this.#acceptor = new Acceptor({
      dispatcher: this.#dispatcher,
      budget: new MemoryBudget(requestBudget(services.config), requestReserveBytes, smallFrameBytes),
      clock: services.clock,
      scheduler: services.scheduler,
      logger,
      limits: limitsOf(services.config, options.connectionsMax ?? Number.MAX_SAFE_INTEGER),
    });
  }

  /** The handlers of a kind of listener, by api key. */
  handlers(kind: ListenerKind): readonly Handler[] {
    return this.#table.list(kind);
  }

  get connectionCount(): number {
    return this.#acceptor.connectionCount;
  }

  /** Collects the metrics of requests, of pending requests and of connections. */
  readonly collect: Collector = (sink) => {
    this.#metrics.collect(sink);
    this.#purgatories?.collect(sink);
    for (const [listener, count] of this.#acceptor.connectionsByListener()) {
      sink('kafka_server_socket_server_metrics_connection_count', count, [listener]);
    }
    this.#collectConnectionRates(sink);
  };

  #collectConnectionRates(sink: Sink): void {
    const { rates } = this.#acceptor;
    const nowMs = this.#dispatcher.throttling.quotas.nowMs();
    if (this.#isBroker)
      sink('kafka_server_socket_server_metrics_broker_connection_accept_rate', rates.rate(nowMs));
    for (const { listener, rate, throttleMs, addressThrottleMs } of rates.listeners(nowMs)) {
      sink('kafka_server_socket_server_metrics_connection_accept_rate', rate, [listener, '']);
      sink('kafka_server_socket_server_metrics_connection_accept_throttle_time', throttleMs, [listener]);
      sink('kafka_server_socket_server_metrics_ip_connection_accept_throttle_time', addressThrottleMs, [
        listener,
      ]);
    }
  }

  /** Called with each connection that a listener has accepted. */
  accept(connection: Connection, listenerName: string, kind: ListenerKind): void {
    this.#acceptor.accept(connection, listenerName, kind);
  }

  /** Begins to serve requests of another broker, or of this one. The caller ends it with `endPeer`. */
  beginPeer(): PeerRequests {
    // Negative ids, because those of client connections are positive.
    const peer = new PeerRequests(this.#dispatcher, this.#nextPeerId--, this.#interBrokerListenerName);
    if (this.#isStopped) peer.close();
    else this.#peers.add(peer);
    return peer;
  }

  endPeer(peer: PeerRequests): void {
    this.#peers.delete(peer);
    peer.close();
  }

  /** Closes all connections and accepts no more. Requests of other brokers are refused. */
  stop(): void {
    this.#isStopped = true;
    for (const peer of this.#peers) peer.close();
    this.#acceptor.stop();
  }
}

function requestBudget(config: NodeConfig): number {
  const configured = config.get('queued.max.request.bytes');
  return configured > 0 ? configured : requestBudgetBytes;
}

/** The limits. Most of them are read from the configuration at each use, because they may change while the node runs. */
function limitsOf(config: NodeConfig, connectionsMax: number): AcceptorLimits {
  return {
    get idleMs() {
      return config.get('connections.max.idle.ms');
    },
    get connectionsMax() {
      return Math.min(config.get('max.connections'), connectionsMax);
    },
    get connectionsPerIpMax() {
      return config.get('max.connections.per.ip');
    },
    get connectionsPerIpOverrides() {
      return parseOverrides(config.get('max.connections.per.ip.overrides'));
    },
    requestBytesMax: config.get('socket.request.max.bytes'),
    creationRate: {
      ofBroker: () => unlessUnlimited(config.get('max.connection.creation.rate')),
      ofListener: (listener) =>
        unlessUnlimited(config.listenerValue(listener, 'max.connection.creation.rate')),
      isProtected: (listener) =>
        listener === config.interBrokerListenerName && config.brokerListeners.length > 1,
    },
  };
}

function unlessUnlimited(perSecond: number): number {
  return perSecond >= intMax ? Number.POSITIVE_INFINITY : perSecond;
}

/** Parses `host:count,host:count`. The last colon separates the count, because an IPv6 address has colons too. */
function parseOverrides(text: string): Map<string, number> {
  const overrides = new Map<string, number>();
  for (const entry of text.split(',')) {
    const at = entry.lastIndexOf(':');
    const count = Number(entry.slice(at + 1));
    if (at > 0 && Number.isInteger(count)) overrides.set(entry.slice(0, at).trim(), count);
  }
  return overrides;
}
