/**
 * The logging port. A message is a fixed sentence; variable parts are `fields`, so that lines can be searched and counted. The
 * implementation for the console is `adapters/console-logger.ts`.
 */
import type { LogLevels } from './log-levels.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  /** Levels of all loggers of the process, by name; may change while the node runs. Absent where levels cannot be set. */
  readonly levels?: LogLevels;
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  /** `message` has a row in `remedies.ts`, which says what the operator can do; the line shows it. */
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A logger of the same kind whose lines show `name`, such as `Raft id=1`. */
  child(name: string): Logger;
}

function nothing(): void {}

/** Writes nothing: for tests and tools. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
