/**
 * Keeps this controller's own entry in the voter set of a dynamic quorum up to date:
 *
 * - A voter whose endpoints differ from those in the voter set sends UpdateRaftVoter to the active controller.
 * - With controller.quorum.auto.join.enable, a controller that is not a voter asks to be added. If there is a voter with its
 *   node id and another directory id, that voter is this node with its former disk, and will not come back: it is removed
 *   first.
 *
 * It checks once in every controller.quorum.fetch.timeout.ms and sends one request at a time. A refused request is sent again
 * at the next check (for example when this controller has not caught up yet, or another change is in progress). The voters of a
 * static quorum (kraft.version 0) come from the configuration, so there is nothing to keep up to date.
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
  /** The endpoints of this controller. */
  readonly endpoints: readonly Endpoint[];
  /** controller.quorum.auto.join.enable. */
  readonly joins: boolean;
  /** controller.quorum.fetch.timeout.ms. */
  readonly intervalMs: number;
  readonly log: Pick<MetadataLog, 'status'>;
  readonly client: ControllerClient;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/** The change to request; null: none. */
export type OwnVoterChange =
  | { readonly kind: 'add' | 'update' }
  | { readonly kind: 'remove'; readonly former: ReplicaKey }
  | null;

/** The change that this controller should request, given what it knows of the quorum. Pure. */
export function ownVoterChange(
  { me, endpoints, joins }: Pick<OwnVoterOptions, 'me' | 'endpoints' | 'joins'>,
  { leaderId, voters }: Pick<QuorumStatus, 'leaderId' | 'voters'>,
): OwnVoterChange {
  if (leaderId === null || kraftVersionOf(voters) === 0) return null;
  const voter = voters.find(({ id }) => id === me.id);
  if (voter?.directoryId === me.directoryId) {
    return sameEndpoints(voter.endpoints, endpoints) ? null : { kind: 'update' };
  }
  if (!joins) return null;
  if (voter === undefined) return { kind: 'add' };
  return { kind: 'remove', former: { id: voter.id, directoryId: voter.directoryId } };
}

/** Whether both lists have the same endpoints, in any order. */
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

  /** Starts the periodic checks when a leader is known for the first time. */
  onControllerChange(leader: LeaderView): void {
    if (leader.id !== null && this.#timer === null) this.#scheduleCheck();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #scheduleCheck(): void {
    if (this.#isClosed) return;
    const { scheduler, intervalMs } = this.#options;
    this.#timer = scheduler.after(intervalMs, () => {
      void this.#check().finally(() => this.#scheduleCheck());
    });
  }

  async #check(): Promise<void> {
    const { log, logger, me } = this.#options;
    const status = log.status();
    const change = ownVoterChange(this.#options, status);
    if (change === null) return;
    try {
      const { errorCode, errorMessage } = await this.#request(change, status.epoch);
      if (this.#isClosed) return;
      if (errorCode === 0) {
        logger.info('The voter set was changed for this controller', {
          change: change.kind,
          ...me,
        });
        return;
      }
      const reason = errorMessage ?? errorOf(errorCode).message;
      logger.info('The active controller refused a change of the voter set; trying again', {
        change: change.kind,
        reason,
      });
    } catch (error) {
      // No active controller was found in time; the next check tries again.
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  async #request(
    change: NonNullable<OwnVoterChange>,
    epoch: number,
  ): Promise<{ errorCode: number; errorMessage: string | null }> {
    const { client, clusterId, me, endpoints, intervalMs } = this.#options;
    const options = { deadlineMs: intervalMs };
    const voter = { clusterId, voterId: me.id, voterDirectoryId: me.directoryId };
    switch (change.kind) {
      case 'add': {
        const init = { ...voter, timeoutMs: intervalMs, listeners: endpoints, ackWhenCommitted: false };
        return client.request(AddRaftVoterRequest, AddRaftVoterResponse, 1, init, options);
      }
      case 'remove': {
        const { id: voterId, directoryId: voterDirectoryId } = change.former;
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
