/** Resources that all logs of a broker share, and their bounds. */
import { FilePool } from '../segment/file-pool.ts';
import { IndexCache } from '../segment/index-cache.ts';
import type { LogResources } from '../log-state.ts';
import { TailCache } from '../tail-cache.ts';

const tailCacheBytesDefault = 64 * 1024 * 1024;
export const indexCacheBytesMax = 32 * 1024 * 1024;
const logFilesMaxDefault = 1024;

type Given = Pick<LogResources, 'fs' | 'clock' | 'scheduler' | 'random' | 'logger' | 'onFlushed'>;

interface Bounds {
  readonly tailCacheBytesMax?: number;
  readonly logFilesMax?: number;
}

export function logResources(options: Given & Bounds): LogResources {
  const { fs, clock, scheduler, random, logger } = options;
  const { tailCacheBytesMax = tailCacheBytesDefault, logFilesMax = logFilesMaxDefault } = options;
  return {
    fs,
    clock,
    scheduler,
    random,
    logger,
    onFlushed: options.onFlushed,
    files: new FilePool(fs, logFilesMax),
    indexes: new IndexCache(indexCacheBytesMax),
    onIndexFault: (segment) => logger.warn('an index does not match its segment and is rebuilt', { segment }),
    tails: new TailCache(tailCacheBytesMax),
  };
}
