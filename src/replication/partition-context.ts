/** What every `Partition` of this broker needs from its surroundings. */
import type { NodeId } from '../base/ids.ts';
import type { Clock, Scheduler } from '../base/clock.ts';
import type { Uuid } from '../base/uuid.ts';
import type { IsrRequest } from './leader/alter-partition-manager.ts';

export interface PartitionContext {
  readonly localId: NodeId;
  readonly localBrokerEpoch: () => number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly lagTimeMaxMs: number;
  /** Whether the controller would accept the broker in an ISR when the proposal has this broker epoch. */
  readonly isEligible: (brokerId: NodeId, brokerEpoch: number) => boolean;
  readonly isAlive: (brokerId: NodeId) => boolean;
  readonly submitIsr: (request: IsrRequest) => void;
  readonly onStorageError: (topicId: Uuid, index: number, error: unknown) => void;
}
