/**
 * The listeners of a node. They are bound before the node connects to any other node. Client connections wait until the node
 * can handle requests; otherwise the first response that a client gets would be an error.
 */
import type { Connection, Listener, Network } from '../base/network.ts';
import type { ListenerKind } from '../broker/handler.ts';
import type { KafkaServer } from '../broker/kafka-server.ts';
import { ConfigError } from '../config/define.ts';
import type { ListenerConfig } from '../config/listeners.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { EndpointImage } from '../metadata/cluster-image.ts';
import type { Logger } from '../telemetry/logger.ts';

const protocolNumbers = { PLAINTEXT: 0, SSL: 1, SASL_PLAINTEXT: 2, SASL_SSL: 3 } as const;

/** The maximum number of connections that wait until the node handles requests; further ones are closed. */
const waitingMaxDefault = 1000;

/** The endpoints that a broker registers: the advertised listeners, with this machine's name where no host is given. */
export function advertisedEndpoints(config: NodeConfig, hostName: string): EndpointImage[] {
  return endpointsOf(config.advertisedListeners, hostName);
}

const wildcardHosts: readonly string[] = ['', '0.0.0.0', '::'];

/**
 * The endpoints that a controller registers and that are in the voter set. A listener without a host, or with a wildcard
 * address, gets the host of this node in `controller.quorum.voters`, or else of the bootstrap server with the same port, or
 * else this machine's name.
 */
export function controllerEndpoints(config: NodeConfig, hostName: string): EndpointImage[] {
  const own = config.voters.find(({ id }) => id === config.nodeId);
  const listeners = config.advertisedControllerListeners.map((listener) => {
    if (!wildcardHosts.includes(listener.host)) return listener;
    const server = config.bootstrapServers.find(({ port }) => port === listener.port);
    return { ...listener, host: own?.host ?? server?.host ?? hostName };
  });
  return endpointsOf(listeners, hostName);
}

function endpointsOf(listeners: readonly ListenerConfig[], hostName: string): EndpointImage[] {
  return listeners.map(({ name, host, port, securityProtocol }) => ({
    name,
    host: host === '' ? hostName : host,
    port,
    securityProtocol: protocolNumbers[securityProtocol],
  }));
}

function textOf({ name, host, port }: ListenerConfig): string {
  return `${name}://${host}:${port}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\./.test(host);
}

interface Waiting {
  readonly connection: Connection;
  readonly listener: ListenerConfig;
  readonly kind: ListenerKind;
  readonly chunks: Uint8Array[];
}

interface OpenListener {
  readonly bound: Listener;
  /** The listener's name and address in the configuration at the time at which it was opened. */
  readonly text: string;
}

export class Listeners {
  private readonly config: NodeConfig;
  private readonly network: Network;
  /** The open listeners by name. */
  private readonly open = new Map<string, OpenListener>();
  /** Resolves when all changes of `listeners` so far are applied. They are applied one after the other. */
  private rebinding: Promise<void> = Promise.resolve();
  private isClosed = false;
  private readonly servers = new Map<ListenerKind, KafkaServer>();
  private readonly waiting = new Set<Waiting>();
  private readonly waitingMax: number;
  private readonly logger: Logger;
  /** Names of listeners whose advertised address was checked; each is checked once. */
  private readonly warned = new Set<string>();

  constructor(config: NodeConfig, network: Network, logger: Logger, waitingMax = waitingMaxDefault) {
    this.config = config;
    this.network = network;
    this.logger = logger;
    this.waitingMax = Math.min(waitingMax, waitingMaxDefault);
  }

  /**
   * Binds all listeners. Rejects when an address is in use, or when a listener needs TLS or SASL, which this release
   * does not support.
   */
  async bind(): Promise<void> {
    for (const listener of this.config.listeners) await this.bindOne(listener);
  }

  /**
   * Opens and closes listeners after `listeners` has changed while the node runs (KIP-226). As in Kafka, an open listener keeps
   * its address, even if the new value has another one for its name. The broker does not register again, so metadata does not
   * tell clients of a new listener.
   */
  rebind(): Promise<void> {
    this.rebinding = this.rebinding.then(() => this.rebindAll());
    return this.rebinding;
  }

  private async rebindAll(): Promise<void> {
    const wanted = new Map(this.config.listeners.map((listener) => [listener.name, listener]));
    for (const [name, { bound, text }] of [...this.open]) {
      const next = wanted.get(name);
      if (next === undefined) {
        this.open.delete(name);
        await bound.close();
        this.logger.info('Closed a listener', { listener: text });
      } else if (textOf(next) !== text)
        this.logger.warn('The address of a listener is that of the properties file', {
          listener: text,
          wanted: textOf(next),
        });
    }
    for (const [name, listener] of wanted) {
      if (this.open.has(name) || this.isClosed) continue;
      try {
        await this.bindOne(listener);
        this.logger.info('Opened a listener', { listener: textOf(listener) });
      } catch (error) {
        this.logger.warn('A listener could not be opened', {
          listener: textOf(listener),
          error: String(error),
        });
      }
    }
  }

  private async bindOne(listener: ListenerConfig): Promise<void> {
    const { controllerListenerNames, isBroker, isController } = this.config;
    const { name, host, port, securityProtocol } = listener;
    if (securityProtocol !== 'PLAINTEXT') {
      // To serve this listener without TLS or authentication would admit clients that it must exclude.
      throw new ConfigError(`Listener ${name}: security protocol ${securityProtocol} is not supported yet.`);
    }
    const kind: ListenerKind = controllerListenerNames.includes(name) ? 'controller' : 'broker';
    if (kind === 'broker' ? !isBroker : !isController) return;
    const take = (connection: Connection): void => this.take(connection, listener, kind);
    const bound = await this.network.listen({ host, port }, take);
    this.open.set(name, { bound, text: textOf(listener) });
  }

  /** From now on `server` handles connections of this kind, also those that have waited. */
  serve(kind: ListenerKind, server: KafkaServer): void {
    this.servers.set(kind, server);
    for (const entry of this.waiting) {
      if (entry.kind !== kind) continue;
      this.waiting.delete(entry);
      const { connection, listener, chunks } = entry;
      server.accept(connection, listener.name, kind);
      for (const chunk of chunks) connection.onData(chunk);
      connection.resume();
    }
  }

  /** Accepts no more connections and closes those that wait. */
  async close(): Promise<void> {
    for (const { connection } of this.waiting) connection.destroy();
    this.waiting.clear();
    this.isClosed = true;
    await this.rebinding;
    const open = [...this.open.values()];
    this.open.clear();
    await Promise.all(open.map(({ bound }) => bound.close()));
  }

  /** Warns of a frequent mistake: `localhost` is advertised, so a client on another machine will connect to its own machine. */
  private checkAdvertised({ remote, local }: Connection, name: string): void {
    if (this.warned.has(name) || isLoopback(remote.host) || remote.host === local.host) return;
    this.warned.add(name);
    const advertised = this.config.advertisedListeners.find((listener) => listener.name === name);
    if (advertised === undefined || !isLoopback(advertised.host)) return;
    this.logger.warn('A client on another machine got an advertised address that points to its own machine', {
      client: remote.host,
      advertised: `${name}://${advertised.host}:${advertised.port}`,
    });
  }

  private take(connection: Connection, listener: ListenerConfig, kind: ListenerKind): void {
    if (kind === 'broker') this.checkAdvertised(connection, listener.name);
    const server = this.servers.get(kind);
    if (server !== undefined) return server.accept(connection, listener.name, kind);
    if (this.waiting.size >= this.waitingMax) return connection.destroy();
    const entry: Waiting = { connection, listener, kind, chunks: [] };
    this.waiting.add(entry);
    connection.onData = (chunk): void => {
      entry.chunks.push(chunk);
      connection.pause();
    };
    connection.onClose = (): void => {
      this.waiting.delete(entry);
    };
  }
}
