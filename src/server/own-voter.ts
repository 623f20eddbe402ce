/**
 * What a controller does about its own place among the voters of a dynamic quorum:
 *
 * - A voter that is reached elsewhere than the voter set says tells the active controller (UpdateRaftVoter).
 * - With controller.quorum.auto.join.enable, a controller that is no voter asks to become one. A voter of its node id with another
 *   directory is its former disk, which will not come back: that one is removed first.
 *
 * It looks at every fetch timeout and asks for one thing at a time; what is refused (it lags, another change is under way) is asked
 * for again at the next look. Static voters (kraft.version 0) are as the configuration says.
 */
import type { Scheduler, Timer } from '../base/clock.ts';
import type { ControllerClient } from '../metadata/controller-port.ts';
import { kraftVersionOf } from '../metadata/feature-versions.ts';
import type { MetadataPublisher } from '../metadata/publisher.ts';
import { errorOf, KafkaError } from '../protocol/errors.ts';
import { AddRaftVoterRequest, AddRaftVoterResponse } from '../protocol/messages/quorum/80-add-raft-voter.ts';
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../protocol/messages/quorum/81-remove-raft-voter.ts';
import {
  UpdateRaftVoterRequest,
  UpdateRaftVoterResponse,
} from '../protocol/messages/quorum/82-update-raft-voter.ts';
import type { LeaderView, MetadataLog, QuorumStatus } from '../raft/api.ts';
import type { Endpoint, ReplicaKey } from '../raft/types.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface OwnVoterOptions {
  readonly me: ReplicaKey;
  readonly clusterId: string;
  /** Where peers reach this controller. */
  readonly endpoints: readonly Endpoint[];
  /** controller.quorum.auto.join.enable */
  readonly joins: boolean;
  /** controller.quorum.fetch.timeout.ms */
  readonly intervalMs: number;
  readonly log: Pick<MetadataLog, 'status'>;
  readonly client: ControllerClient;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/** What is to be asked for; null: nothing. */
export type Wish =
  | { readonly kind: 'add' | 'update' }
  | { readonly kind: 'remove'; readonly former: ReplicaKey }
  | null;

/** Pure: what this controller should ask for, as far as it knows the quorum. */
export function wishOf(
  { me, endpoints, joins }: Pick<OwnVoterOptions, 'me' | 'endpoints' | 'joins'>,
  { leaderId, voters }: Pick<QuorumStatus, 'leaderId' | 'voters'>,
): Wish {
  if (leaderId === null || kraftVersionOf(voters) === 0) return null;
  const voter = voters.find(({ id }) => id === me.id);
  if (voter?.directoryId === me.directoryId) {
    return sameEndpoints(voter.endpoints, endpoints) ? null : { kind: 'update' };
  }
  if (!joins) return null;
  if (voter === undefined) return { kind: 'add' };
  return { kind: 'remove', former: { id: voter.id, directoryId: voter.directoryId } };
}

/** In whatever order they stand. */
function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  const text = ({ name, host, port }: Endpoint): string => `${name}://${host}:${port}`;
  const texts = new Set(b.map(text));
  return a.length === b.length && a.every((endpoint) => texts.has(text(endpoint)));
}

export class OwnVoter implements MetadataPublisher {
  readonly #options: OwnVoterOptions;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: OwnVoterOptions) {
    this.#options = options;
  }

  onMetadataUpdate(): void {}

  /** The first leader starts the looks, which then go on. */
  onControllerChange(leader: LeaderView): void {
    if (leader.id !== null && this.#timer === null) this.#lookLater();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    const { scheduler, intervalMs } = this.#options;
    this.#timer = scheduler.after(intervalMs, () => {
      void this.#look().finally(() => this.#lookLater());
    });
  }

  async #look(): Promise<void> {
    const { log, logger, me } = this.#options;
    const status = log.status();
    const wish = wishOf(this.#options, status);
    if (wish === null) return;
    try {
      const { errorCode, errorMessage } = await this.#ask(wish, status.epoch);
      if (this.#isClosed) return;
      if (errorCode === 0) {
        logger.info('The endpoints of this controller in the voter set were changed', {
          change: wish.kind,
          ...me,
        });
        return;
      }
      const reason = errorMessage ?? errorOf(errorCode).message;
      logger.info('The active controller refused a request, which is sent again', {
        change: wish.kind,
        reason,
      });
    } catch (error) {
      // No controller was found in time; the next look tries again.
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  async #ask(
    wish: NonNullable<Wish>,
    epoch: number,
  ): Promise<{ errorCode: number; errorMessage: string | null }> {
    const { client, clusterId, me, endpoints, intervalMs } = this.#options;
    const options = { deadlineMs: intervalMs };
    const voter = { clusterId, voterId: me.id, voterDirectoryId: me.directoryId };
    switch (wish.kind) {
      case 'add': {
        const init = { ...voter, timeoutMs: intervalMs, listeners: endpoints, ackWhenCommitted: false };
        return client.request(AddRaftVoterRequest, AddRaftVoterResponse, 1, init, options);
      }
      case 'remove': {
        const { id: voterId, directoryId: voterDirectoryId } = wish.former;
        const init = { clusterId, voterId, voterDirectoryId };
        return client.request(RemoveRaftVoterRequest, RemoveRaftVoterResponse, 0, init, options);
      }
      case 'update': {
        const kRaftVersionFeature = { minSupportedVersion: 0, maxSupportedVersion: 1 };
        const init = { ...voter, currentLeaderEpoch: epoch, listeners: endpoints, kRaftVersionFeature };
        const { errorCode } = await client.request(
          UpdateRaftVoterRequest,
          UpdateRaftVoterResponse,
          0,
          init,
          options,
        );
        return { errorCode, errorMessage: null };
      }
    }
  }
}
