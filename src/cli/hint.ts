/** Makes lines with advice, which Kafka's tools do not print. */
import { systemClock } from '../adapters/clock.ts';
import { logTimestamp } from '../adapters/console-logger.ts';

/**
 * Returns a line of advice for standard error. It has the form of a log line, because scripts that parse the output of tools
 * skip log lines.
 */
export function hintLine(tool: string, advice: string): string {
  return `[${logTimestamp(systemClock.wallMs())}] WARN ${advice} (${tool})\n`;
}
