/**
 * Makes the metadata log of a node: a voter's when this node's id is among the voters it was configured or formatted with,
 * otherwise an observer's. For the composition root.
 */
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { Address, PeerNetwork } from '../../base/network.ts';
import type { Random } from '../../base/random.ts';
import type { MetadataLog } from '../../raft/api.ts';
import type { RaftOptions } from '../../raft/state.ts';
import type { RaftStore } from '../../raft/store.ts';
import type { ReplicaKey, Voter } from '../../raft/types.ts';
import { votersInForce } from '../../raft/voters.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { ObserverLog } from './observer-log.ts';
import { VoterLog } from './voter-log.ts';

export interface OpenMetadataLogOptions {
  /** Node id and the directory id of the metadata directory. */
  readonly me: ReplicaKey;
  readonly clusterId: string;
  /** `controller.quorum.voters`, with `uuidZero` as directory ids; empty for a quorum that was formatted dynamically. */
  readonly voters: readonly Voter[];
  /** `controller.quorum.bootstrap.servers`. */
  readonly bootstrapServers: readonly Address[];
  /** Null on a node without the controller role. */
  readonly store: RaftStore | null;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly peers: PeerNetwork;
  readonly logger: Logger;
  /** `electionTimeoutMs` and `fetchTimeoutMs` from the configuration; the rest only in tests. */
  readonly tuning: Partial<RaftOptions>;
  readonly onFatal: (error: unknown) => void;
}

/** Opens the store; the log still has to be started. */
export async function openMetadataLog(options: OpenMetadataLogOptions): Promise<MetadataLog> {
  const { store, me, logger } = options;
  if (store === null) return new ObserverLog(options);
  const recovered = await store.open();
  const voters = votersInForce(recovered.snapshot?.voters ?? [], options.voters);
  const isVoter = voters.some((voter) => voter.id === me.id);
  if (isVoter || recovered.hardState.epoch > 0) return new VoterLog({ ...options, store, recovered });
  logger.warn('This controller is not among the voters and follows as an observer', { nodeId: me.id });
  await store.close();
  return new ObserverLog(options);
}
