/** Logs why the metadata log of this node has ended. */
import { LaterReleaseError } from '../../base/later-release.ts';
import type { Logger } from '../../telemetry/logger.ts';

export function logFailure(logger: Logger, error: unknown): void {
  // Nothing has failed when a later release has written the data. The last line of the process says so.
  if (error instanceof LaterReleaseError) return;
  logger.error('The metadata log has failed', { error: String(error) });
}
