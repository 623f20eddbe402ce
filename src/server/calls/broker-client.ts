/**
 * Sends Kafka requests to brokers: to another broker over a stream, to this broker by a function call. When a broker is
 * unregistered, is fenced, or registers again, its pending calls fail at once, so that callers do not wait for a broker that
 * may have ended.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { Identity } from '../../base/hello.ts';
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
import { brokerChannel, type Call, callBodyBytesMax } from './messages.ts';
import { RequestIds } from './request-ids.ts';

export interface StreamBrokerClientOptions {
  readonly identity: Identity;
  readonly interBrokerListenerName: string;
  readonly image: () => MetadataImage;
  /** Handles calls to this broker; null while it does not serve requests. */
  readonly local: () => PeerRequests | null;
  readonly peers: PeerNetwork;
  readonly scheduler: Scheduler;
}

interface OpenLink {
  readonly link: CallLink;
  /** The broker epoch of the incarnation to which the stream was opened. */
  readonly brokerEpoch: number;
}

export class StreamBrokerClient implements BrokerClient, MetadataPublisher {
  readonly #options: StreamBrokerClientOptions;
  readonly #links = new Map<NodeId, OpenLink>();
  readonly #ids = new RequestIds();
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
    const { deadlineMs = brokerDeadlineMsDefault } = options;
    const body = encode(request, apiVersion, init);
    if (body.length > callBodyBytesMax)
      throw new KafkaError(Errors.INVALID_REQUEST, 'The request is too large.');
    const requestId = this.#ids.begin();
    const call: Call = {
      type: 'call',
      requestId,
      lowestPendingId: this.#ids.lowestPending,
      apiKey: request.key,
      apiVersion,
      principal: '',
      clientId: `broker-${this.#options.identity.nodeId}`,
      body,
    };
    try {
      const isHere = broker === this.#options.identity.nodeId;
      const answer = isHere ? this.#callHere(call, deadlineMs) : this.#call(broker, call, deadlineMs);
      return decode(response, apiVersion, await answer);
    } finally {
      this.#ids.end(requestId);
    }
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

  /**
   * Calls this broker's own handlers. The deadline is that of a call to another broker, because a handler may wait for other
   * nodes.
   */
  #callHere(call: Call, deadlineMs: number): Promise<Uint8Array> {
    const { identity, local, scheduler } = this.#options;
    const own = this.#isClosed ? null : local();
    if (own === null) return Promise.reject(unavailable(identity.nodeId));
    return new Promise((resolve, reject) => {
      const timer = scheduler.after(deadlineMs, () => reject(unavailable(identity.nodeId)));
      own
        .answer(call)
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }

  async #call(broker: NodeId, call: Call, deadlineMs: number): Promise<Uint8Array> {
    const reply = await this.#linkTo(broker).call(call, deadlineMs);
    if (reply === null) throw unavailable(broker);
    if (reply.errorCode !== 0)
      throw new KafkaError(errorOf(reply.errorCode), reply.errorMessage || undefined);
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
    const link = new CallLink({ ...this.#options, channel: brokerChannel }, address, broker);
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
