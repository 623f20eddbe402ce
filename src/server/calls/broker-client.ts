/**
 * Sends Kafka requests to other brokers, over one stream to each, and to this broker without any. Calls whose broker leaves the
 * metadata, is fenced, or registers anew end at once: their callers look for the new leader.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { PeerNetwork } from '../../base/network.ts';
import type { PeerRequests } from '../../broker/pipeline/peer-requests.ts';
import {
  type BrokerClient,
  brokerDeadlineMsDefault,
  type BrokerRequestOptions,
} from '../../metadata/broker-port.ts';
import type { BrokerImage } from '../../metadata/cluster-image.ts';
import type { MetadataDelta } from '../../metadata/delta.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import type { Infer, Init, Message, Shape } from '../../protocol/schema/fields.ts';
import { CallLink } from './call-link.ts';

export interface StreamBrokerClientOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly interBrokerListenerName: string;
  readonly image: () => MetadataImage;
  /** Answers calls to this broker; null while it does not serve. */
  readonly local: () => PeerRequests | null;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
}

interface OpenLink {
  readonly link: CallLink;
  /** The incarnation that it was opened to. */
  readonly brokerEpoch: number;
}

export class StreamBrokerClient implements BrokerClient, MetadataPublisher {
  readonly #options: StreamBrokerClientOptions;
  readonly #links = new Map<NodeId, OpenLink>();
  #isClosed = false;

  constructor(options: StreamBrokerClientOptions) {
    this.#options = options;
  }

  async request<Q extends Shape, S extends Shape>(
    broker: NodeId,
    request: Message<Q>,
    response: Message<S>,
    apiVersion: number,
    init: Init<Message<Q>>,
    options: BrokerRequestOptions = {},
  ): Promise<Infer<Message<S>>> {
    const body = encode(request, apiVersion, init);
    const { deadlineMs = brokerDeadlineMsDefault } = options;
    const answer =
      broker === this.#options.nodeId
        ? await this.#callHere(request.key, apiVersion, body, deadlineMs)
        : await this.#call(broker, request.key, apiVersion, body, deadlineMs);
    return decode(response, apiVersion, answer);
  }

  onMetadataUpdate(_delta: MetadataDelta, image: MetadataImage): void {
    for (const [id, { brokerEpoch, link }] of this.#links) {
      if (link.isOpen && inService(image, id)?.epoch === brokerEpoch) continue;
      this.#links.delete(id);
      link.close();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { link } of this.#links.values()) link.close();
    this.#links.clear();
  }

  /** The same deadline as for a call to another broker: a handler may wait for others. */
  #callHere(apiKey: number, apiVersion: number, body: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    const { nodeId, local, scheduler } = this.#options;
    const own = this.#isClosed ? null : local();
    if (own === null) return Promise.reject(unavailable(nodeId));
    return new Promise((resolve, reject) => {
      const timer = scheduler.after(deadlineMs, () => reject(unavailable(nodeId)));
      own
        .answer({ apiKey, apiVersion, body }, `broker-${nodeId}`)
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }

  async #call(
    broker: NodeId,
    apiKey: number,
    apiVersion: number,
    body: Uint8Array,
    deadlineMs: number,
  ): Promise<Uint8Array> {
    const reply = await this.#linkTo(broker).call(apiKey, apiVersion, body, deadlineMs);
    if (reply === null) throw unavailable(broker);
    if (reply.errorCode !== 0) {
      throw new KafkaError(errorOf(reply.errorCode), reply.errorMessage ?? undefined);
    }
    return reply.body;
  }

  #linkTo(broker: NodeId): CallLink {
    const { image, interBrokerListenerName } = this.#options;
    const row = this.#isClosed ? null : inService(image(), broker);
    const address = row?.endpoints.find(({ name }) => name === interBrokerListenerName);
    if (row === null || address === undefined) throw unavailable(broker);
    const known = this.#links.get(broker);
    if (known?.link.isOpen === true && known.brokerEpoch === row.epoch) return known.link;
    known?.link.close();
    const link = new CallLink(this.#options, address, broker);
    this.#links.set(broker, { link, brokerEpoch: row.epoch });
    return link;
  }
}

function inService(image: MetadataImage, broker: NodeId): BrokerImage | null {
  const row = image.cluster.brokers.get(broker);
  return row === undefined || row.fenced ? null : row;
}

function unavailable(broker: NodeId): KafkaError {
  return new KafkaError(Errors.NETWORK_EXCEPTION, `Broker ${broker} is not available.`);
}
