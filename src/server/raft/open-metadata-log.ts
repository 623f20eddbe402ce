/**
 * Makes the metadata log of a node: on a controller a `VoterLog`, even if it is not a voter yet; on a broker an `ObserverLog`.
 * Called by the composition root.
 */
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { Identity } from '../../base/hello.ts';
import type { Address, PeerNetwork } from '../../base/network.ts';
import type { Random } from '../../base/random.ts';
import type { MetadataLog } from '../../raft/api.ts';
import type { RaftOptions } from '../../raft/state.ts';
import type { RaftStore } from '../../raft/store.ts';
import type { Endpoint, Voter } from '../../raft/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { ObserverLog } from './observer-log.ts';
import type { QuorumMeter } from './quorum-meter.ts';
import { VoterLog } from './voter-log.ts';

export interface OpenMetadataLogOptions {
  readonly identity: Identity;
  /** The endpoints of this controller, its controller listener first; empty on a broker. */
  readonly endpoints: readonly Endpoint[];
  /**
   * The voters to use while the metadata log has none: `controller.quorum.voters`, with `uuidZero` as directory ids, or the
   * voters in the snapshot that `kafka-storage format` wrote. Empty on a node that joins later.
   */
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
  /** `electionTimeoutMs` and `fetchTimeoutMs` from the configuration; other options only in tests. */
  readonly tuning: Partial<RaftOptions>;
  readonly meter?: QuorumMeter;
  readonly onFatal: (error: unknown) => void;
}

/** Opens the store; the caller starts the log. */
export async function openMetadataLog(options: OpenMetadataLogOptions): Promise<MetadataLog> {
  const { store } = options;
  if (store === null) return new ObserverLog(options);
  return new VoterLog({ ...options, store, recovered: await store.open() });
}
