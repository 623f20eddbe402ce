/** What a `LogManager` is made of. */
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { FileSystem } from '../../base/file-system.ts';
import type { Random } from '../../base/random.ts';
import type { Uuid } from '../../base/uuid.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { LogConfig } from '../log-config.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { LogManagerSettings } from './log-settings.ts';

export interface LogManagerOptions {
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** `log.dirs` in order, with their directory ids. `failure`: why a directory cannot be used. */
  readonly directories: readonly { readonly path: string; readonly id: Uuid; readonly failure?: unknown }[];
  readonly settings: LogManagerSettings;
  /** Memory for recent batches of all logs; 64 MiB by default. */
  readonly tailCacheBytesMax?: number;
  /** How many files that are not in use stay open; 1,024 by default. */
  readonly logFilesMax?: number;
  /** The configuration of a topic when its logs are opened. Nothing is deleted or compacted until `updateConfig` was called. */
  readonly configOf: (topic: string) => LogConfig;
  /** Called after a log was flushed, with the time that it took. */
  readonly onFlushed?: ((durationMs: number) => void) | undefined;
  /** The current `replica.alter.log.dirs.io.max.bytes.per.second`; no limit by default. */
  readonly moveRate?: () => number;
  /** See `LogMovesOptions`; by default resolves to true at once. */
  readonly assign?: (log: PartitionLog, directory: Uuid) => Promise<boolean>;
  /** Called when a directory has gone offline; its logs are offline by then. */
  readonly onDirectoryFailure: (directory: { path: string; id: Uuid }, error: unknown) => void;
}
