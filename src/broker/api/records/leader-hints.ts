/**
 * Hints about the new leader in responses with NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH (KIP-951), so that the client
 * needs no Metadata request. An object collects the endpoints of the leaders in one response.
 */
import type { MetadataImage } from '../../../metadata/image.ts';
import type { PartitionImage } from '../../../metadata/topics-image.ts';
import { type ErrorRow, Errors } from '../../../protocol/errors.ts';
import type { ConnectionInfo } from '../../handler.ts';
import type { BrokerEndpoint, Endpoints } from '../endpoints.ts';

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export const unknownLeader: CurrentLeader = { leaderId: -1, leaderEpoch: -1 };

export class LeaderHints {
  readonly #endpoints: Endpoints;
  readonly #image: () => MetadataImage;
  readonly #connection: ConnectionInfo;
  #named: BrokerEndpoint[] | null = null;

  /**
   * `image` is called when the error occurs: the newest image may know the new leader already, when the request's image does
   * not.
   */
  constructor(endpoints: Endpoints, image: () => MetadataImage, connection: ConnectionInfo) {
    this.#endpoints = endpoints;
    this.#image = image;
    this.#connection = connection;
  }

  for(error: ErrorRow, partition: PartitionImage | undefined): CurrentLeader {
    if (error !== Errors.NOT_LEADER_OR_FOLLOWER && error !== Errors.FENCED_LEADER_EPOCH) return unknownLeader;
    if (partition === undefined) return unknownLeader;
    const image = this.#image();
    const current = image.topics.partition(partition.topicId, partition.index) ?? partition;
    if (current.leader >= 0) this.#name(image, current.leader);
    return { leaderId: current.leader, leaderEpoch: current.leaderEpoch };
  }

  get nodeEndpoints(): readonly BrokerEndpoint[] {
    return this.#named ?? [];
  }

  #name(image: MetadataImage, leader: number): void {
    this.#named ??= [];
    if (this.#named.some((endpoint) => endpoint.nodeId === leader)) return;
    const endpoint = this.#endpoints.alive(image, leader, this.#connection);
    if (endpoint !== null) this.#named.push(endpoint);
  }
}
