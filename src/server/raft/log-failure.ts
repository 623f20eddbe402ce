/** Logs why the metadata log of this node has failed. */
import { LaterReleaseError } from '../../base/later-release.ts';
import type { Logger } from '../../telemetry/logger.ts';

export function logFailure(logger: Logger, error: unknown): void {
  // When a later release has written the data, the log has not failed, and the last line of the process says what to do.
  if (error instanceof LaterReleaseError) return;
  logger.error('The metadata log has failed', { error: String(error) });
}
