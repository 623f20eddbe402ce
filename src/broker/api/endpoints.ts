/**
 * The addresses at which clients reach brokers. Each listener has its own addresses: a client gets those of the listener to which
 * it is connected.
 *
 * When `advertised.listeners` is not set, this broker's own address in the response is the one by which the client reached it (the
 * local address of its socket). That address works for this client; a guessed host name might not.
 */
import type { NodeId } from '../../base/ids.ts';
import type { BrokerImage } from '../../metadata/cluster-image.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { ConnectionInfo } from '../handler.ts';

export interface BrokerEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export class Endpoints {
  readonly #ownId: NodeId;
  readonly #advertised: boolean;

  /** `advertised`: whether `advertised.listeners` was set. */
  constructor(ownId: NodeId, advertised: boolean) {
    this.#ownId = ownId;
    this.#advertised = advertised;
  }

  /** Null when the broker is fenced or has no such listener. */
  alive(image: MetadataImage, id: number, connection: ConnectionInfo): BrokerEndpoint | null {
    const broker = image.cluster.brokers.get(id as NodeId);
    if (broker === undefined || broker.fenced) return null;
    return this.of(broker, connection);
  }

  /** All unfenced brokers that have the listener, by id. */
  allAlive(image: MetadataImage, connection: ConnectionInfo): BrokerEndpoint[] {
    const all: BrokerEndpoint[] = [];
    for (const broker of image.cluster.brokers.values()) {
      const endpoint = broker.fenced ? null : this.of(broker, connection);
      if (endpoint !== null) all.push(endpoint);
    }
    return all;
  }

  of(broker: BrokerImage, connection: ConnectionInfo): BrokerEndpoint | null {
    const endpoint = broker.endpoints.find((candidate) => candidate.name === connection.listenerName);
    if (endpoint === undefined) return null;
    const own = broker.id === this.#ownId && !this.#advertised;
    return {
      nodeId: broker.id,
      host: own ? plainHost(connection.local.host) : endpoint.host,
      port: own ? connection.local.port : endpoint.port,
      rack: broker.rack,
    };
  }
}

/** The plain form of an IPv4 address that a dual-stack socket reports as IPv4-mapped IPv6. */
function plainHost(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;
}
