/** What a partition is given, and what it gives to those who feed its followers. */
import type { Clock, Scheduler } from '../base/clock.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import type { IsrRequest } from './alter-partition.ts';
import type { SubscriptionCheck } from './follower-state.ts';
import type { Partition } from './partition.ts';

/** Somebody who forwards the log to one follower. Calls are cheap and do their work later. */
export interface Feed {
  readonly brokerId: number;
  /** There is something new: records, high watermark or log start. */
  wake(): void;
  /** The partition no longer feeds it. */
  revoke(error: ErrorRow): void;
}

export interface PartitionContext {
  readonly localId: number;
  readonly localBrokerEpoch: () => number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly lagTimeMaxMs: number;
  /** The controller would take this incarnation of the broker into an ISR. */
  readonly isEligible: (brokerId: number, brokerEpoch: number) => boolean;
  readonly isAlive: (brokerId: number) => boolean;
  readonly submitIsr: (request: IsrRequest) => void;
  readonly onStorageError: (partition: Partition, error: unknown) => void;
}

export interface Subscription {
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

/** `wait`: our metadata is behind the follower's; ask again when the partition changes. */
export type SubscribeResult = SubscriptionCheck | { readonly kind: 'wait' } | { readonly kind: 'fenced' };

export type Role = 'none' | 'leader' | 'follower' | 'stopped' | 'offline';
