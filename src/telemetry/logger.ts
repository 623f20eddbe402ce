/**
 * Logging as a port. A message is a fixed sentence; what varies goes into `fields`, so that lines can be searched and counted.
 * The console's is `adapters/console-logger.ts`.
 */
import type { LogLevels } from './log-levels.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  /** Of all loggers of the process, by name; may be set while the node runs. Absent where nothing can be set. */
  readonly levels?: LogLevels;
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  /** `message` has a row in `remedies.ts`, which says what to do; the line shows it. */
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A logger of the same kind whose lines carry `name`, such as `Raft id=1`. */
  child(name: string): Logger;
}

function nothing(): void {}

/** Says nothing: for tests and for tools. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
