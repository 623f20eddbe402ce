/** Where the coordinator of a group is: the leader of its partition of `__consumer_offsets`, which is created when missing. */
import type { MetadataImage } from '../../metadata/image.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { BrokerEndpoint, Endpoints } from '../api/endpoints.ts';
import type { ConnectionInfo } from '../handler.ts';
import type { TopicCreator } from '../topic-creator.ts';
import { type GroupService, offsetsTopic } from './group-service.ts';

export class GroupCoordinatorFinder {
  readonly #groups: GroupService;
  readonly #endpoints: Endpoints;
  readonly #creator: TopicCreator;

  constructor(groups: GroupService, endpoints: Endpoints, creator: TopicCreator) {
    this.#groups = groups;
    this.#endpoints = endpoints;
    this.#creator = creator;
  }

  /** Throws COORDINATOR_NOT_AVAILABLE: the client asks again. */
  find(groupId: string, image: MetadataImage, connection: ConnectionInfo): BrokerEndpoint {
    const index = this.#groups.partitionOf(groupId, image);
    if (index === null) {
      // Nobody waits for it: the client comes back soon, and finds it then. Why it failed is in the log.
      void this.#creator.create(offsetsTopic);
      throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);
    }
    const leader = image.topics.byName(offsetsTopic)?.partitions[index]?.leader ?? -1;
    const endpoint = leader < 0 ? null : this.#endpoints.alive(image, leader, connection);
    if (endpoint === null) throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);
    return endpoint;
  }
}
