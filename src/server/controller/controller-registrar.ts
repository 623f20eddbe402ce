/**
 * Registers this controller with the active controller, once after each start. The registration has the controller's endpoints
 * and the features that it supports.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import { randomUuid } from '../../base/uuid.ts';
import type { EndpointImage, FeatureRange } from '../../metadata/cluster-image.ts';
import type { ControllerClient } from '../../metadata/controller-port.ts';
import type { MetadataPublisher } from '../../metadata/publisher.ts';
import {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from '../../protocol/messages/brokers/70-controller-registration.ts';
import type { LeaderView } from '../../raft/api.ts';

const retryMs = 1000;

export interface ControllerRegistrarOptions {
  readonly nodeId: NodeId;
  readonly client: ControllerClient;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  readonly scheduler: Scheduler;
  readonly random: Random;
}

export class ControllerRegistrar implements MetadataPublisher {
  readonly #options: ControllerRegistrarOptions;
  readonly #incarnationId: string;
  #state: 'new' | 'asking' | 'done' = 'new';

  constructor(options: ControllerRegistrarOptions) {
    this.#options = options;
    this.#incarnationId = randomUuid(options.random);
  }

  onMetadataUpdate(): void {}

  onControllerChange(leader: LeaderView): void {
    if (leader.id !== null && this.#state === 'new') this.#register();
  }

  close(): void {
    this.#state = 'done';
  }

  #register(): void {
    const { client, nodeId, endpoints, features, scheduler } = this.#options;
    this.#state = 'asking';
    const answer = client.request(ControllerRegistrationRequest, ControllerRegistrationResponse, 0, {
      controllerId: nodeId,
      incarnationId: this.#incarnationId,
      zkMigrationReady: false,
      listeners: endpoints,
      features: [...features].map(([name, { min, max }]) => ({
        name,
        minSupportedVersion: min,
        maxSupportedVersion: max,
      })),
    });
    answer.then(
      () => {
        this.#state = 'done';
      },
      () => {
        if (this.#state === 'asking') scheduler.after(retryMs, () => this.#register());
      },
    );
  }
}
