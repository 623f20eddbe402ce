/** The ports of a node, as one argument: real ones in `main.ts`, virtual ones in a simulation. */
import type { Clock, Scheduler } from '../base/clock.ts';
import type { HttpPort } from '../base/http.ts';
import type { FileSystem } from '../base/file-system.ts';
import type { Network, PeerNetwork } from '../base/network.ts';
import type { RequestInterceptor } from '../broker/pipeline/interceptor.ts';
import type { Random } from '../base/random.ts';
import type { RaftStore } from '../raft/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DiskMetrics } from './metrics/disk-metrics.ts';
import type { FormattedDirectory } from './claimed-directories.ts';

export interface NodePorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /**
   * Absent in production, where `scheduler` is used instead. A test whose `scheduler` does not move by itself passes a real one
   * here, for the times that clients ask a request to wait (such as fetch.max.wait.ms).
   */
  readonly clientScheduler?: Scheduler;
  /**
   * Runs a callback at the end of the present turn of the event loop, after all microtasks. Absent in simulations, where time
   * does not pass during a turn.
   */
  readonly afterTurn?: (callback: () => void) => void;
  readonly random: Random;
  readonly fs: FileSystem;
  readonly network: Network;
  readonly peers: PeerNetwork;
  readonly logger: Logger;
  /** Absent in simulations, which serve no HTTP. */
  readonly http?: HttpPort;
  /** Measures the durations of disk operations. Absent in simulations. */
  readonly disk?: DiskMetrics;
  /** Absent in production. A test sees, delays or answers requests with it before their handlers do. */
  readonly interceptor?: RequestInterceptor;
  /** The name of this machine, which is advertised for listeners without a host. */
  readonly hostName: string;
  /** How many bytes of recent batches all logs together keep in memory for reads; 64 MiB by default. */
  readonly tailCacheBytesMax?: number;
  /** Files and sockets that the process may open; absent when the limit is unknown. */
  readonly openFilesMax?: number;
  /** Opens the store of the metadata log in a formatted directory. */
  openRaftStore(metadataDir: FormattedDirectory): RaftStore;
  /**
   * Called when the process must end, for example because the disk of the metadata log has failed or an invariant is broken.
   */
  onFatal(error: unknown): void;
}
