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
import type { FormattedDirectory } from './log-directories.ts';

export interface NodePorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Absent in production: times how long clients asked to wait, where `scheduler` may stand still. */
  readonly clientScheduler?: Scheduler;
  readonly random: Random;
  readonly fs: FileSystem;
  readonly network: Network;
  readonly peers: PeerNetwork;
  readonly logger: Logger;
  /** Absent in simulations, which serve no HTTP. */
  readonly http?: HttpPort;
  /** Measures the disk under `fs`. Absent in simulations. */
  readonly disk?: DiskMetrics;
  /** Absent in production. In a test it stands between requests and their handlers. */
  readonly interceptor?: RequestInterceptor;
  /** The name of this machine; advertised when a listener has no host. */
  readonly hostName: string;
  /** Memory for recent batches of all logs, from which reads are served; 64 MiB by default. */
  readonly tailCacheBytesMax?: number;
  /** Files and sockets that the process may open; absent when the limit is unknown. */
  readonly openFilesMax?: number;
  /** Opens the store of the metadata log in a formatted directory. */
  openRaftStore(metadataDir: FormattedDirectory): RaftStore;
  /** Called for an error after which the process must end: a failed disk under the metadata log, or a broken invariant. */
  onFatal(error: unknown): void;
}
