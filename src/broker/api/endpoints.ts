/**
 * The addresses at which clients reach the brokers. A broker has an address for each of its listeners; a client gets those of
 * the listener to which it is connected.
 *
 * If `advertised.listeners` is not set, the only broker of a cluster gives as its address the one by which the client has
 * reached it (the local address of the socket). That address works for this client, while a guessed host name might not. With
 * several brokers each gives its registered address: a client that gets another address of a broker from each broker that it
 * asks reconnects at each metadata refresh, and loses the requests that are in flight (librdkafka).
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

  /** `advertised`: whether `advertised.listeners` is set. */
  constructor(ownId: NodeId, advertised: boolean) {
    this.#ownId = ownId;
    this.#advertised = advertised;
  }

  /** The address of a broker; null if it is fenced or does not have the client's listener. */
  alive(image: MetadataImage, id: number, connection: ConnectionInfo): BrokerEndpoint | null {
    const broker = image.cluster.brokers.get(id as NodeId);
    if (broker === undefined || broker.fenced) return null;
    return this.of(image, broker, connection);
  }

  /** The addresses of all unfenced brokers that have the client's listener, ordered by broker id. */
  allAlive(image: MetadataImage, connection: ConnectionInfo): BrokerEndpoint[] {
    const all: BrokerEndpoint[] = [];
    for (const broker of image.cluster.brokers.values()) {
      const endpoint = broker.fenced ? null : this.of(image, broker, connection);
      if (endpoint !== null) all.push(endpoint);
    }
    return all;
  }

  of(image: MetadataImage, broker: BrokerImage, connection: ConnectionInfo): BrokerEndpoint | null {
    const endpoint = broker.endpoints.find((candidate) => candidate.name === connection.listenerName);
    if (endpoint === undefined) return null;
    const isAlone = broker.id === this.#ownId && image.cluster.brokers.size === 1;
    const own = isAlone && !this.#advertised;
    return {
      nodeId: broker.id,
      host: own ? plainHost(connection.local.host) : endpoint.host,
      port: own ? connection.local.port : endpoint.port,
      rack: broker.rack,
    };
  }
}

/** A dual-stack socket reports an IPv4 address as IPv4-mapped IPv6 (`::ffff:…`). Returns the IPv4 address itself. */
function plainHost(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;
}
