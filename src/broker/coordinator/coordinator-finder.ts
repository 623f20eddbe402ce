/**
 * Finds the coordinator of a key: the leader of the key's partition in the internal topic. Creates the topic if it does not
 * exist.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { BrokerEndpoint, Endpoints } from '../api/endpoints.ts';
import type { ConnectionInfo } from '../handler.ts';
import type { TopicCreator } from '../topic-creator.ts';

/** The part of a coordinator that maps keys to partitions. */
export interface Partitioned {
  readonly topic: string;
  partitionOf(key: string, image: MetadataImage): number | null;
}

export class CoordinatorFinder {
  readonly #coordinator: Partitioned;
  readonly #endpoints: Endpoints;
  readonly #creator: TopicCreator;

  constructor(coordinator: Partitioned, endpoints: Endpoints, creator: TopicCreator) {
    this.#coordinator = coordinator;
    this.#endpoints = endpoints;
    this.#creator = creator;
  }

  /**
   * Throws COORDINATOR_NOT_AVAILABLE if the topic does not exist yet, or if its leader is not alive or has no address for this
   * client; clients then retry.
   */
  find(key: string, image: MetadataImage, connection: ConnectionInfo): BrokerEndpoint {
    const { topic } = this.#coordinator;
    const index = this.#coordinator.partitionOf(key, image);
    if (index === null) {
      // The request does not wait for the creation, because the client retries soon. If the creation fails, the creator logs
      // it.
      void this.#creator.create(topic);
      throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);
    }
    const leader = image.topics.byName(topic)?.partitions[index]?.leader ?? -1;
    const endpoint = leader < 0 ? null : this.#endpoints.alive(image, leader, connection);
    if (endpoint === null) throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);
    return endpoint;
  }
}
