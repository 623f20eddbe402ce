/** The world of a node, as one argument: real in `main.ts`, virtual in a simulation. */
import type { Clock, Scheduler } from '../base/clock.ts';
import type { HttpPort } from '../base/http.ts';
import type { FileSystem } from '../base/file-system.ts';
import type { Network, PeerNetwork } from '../base/network.ts';
import type { RequestInterceptor } from '../broker/pipeline/interceptor.ts';
import type { Random } from '../base/random.ts';
import type { RaftStore } from '../raft/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { FormattedDirectory } from './log-directories.ts';

export interface NodePorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly fs: FileSystem;
  readonly network: Network;
  readonly peers: PeerNetwork;
  readonly logger: Logger;
  /** Absent where no pages are served: in simulations. */
  readonly http?: HttpPort;
  /** Absent in production: stands between clients' requests and their handlers in a test. */
  readonly interceptor?: RequestInterceptor;
  /** The name of this machine, advertised when a listener has no host of its own. */
  readonly hostName: string;
  /** Memory for the newest records of all logs, that are read from there; 64 MiB by default. */
  readonly tailCacheBytesMax?: number;
  /** The store of the metadata log in a formatted directory. */
  openRaftStore(metadataDir: FormattedDirectory): RaftStore;
  /** What can't go on: a failed disk under the metadata log, a broken invariant. The process must end. */
  onFatal(error: unknown): void;
}
