/**
 * Logging as a port. A message is a fixed sentence, and its variable parts are `fields`, so that lines can be searched and
 * counted. `adapters/console-logger.ts` implements it for the console.
 */
import type { LogLevels } from './log-levels.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  /**
   * The levels of all loggers of the process, which may change while the node runs. Absent when this logger has no levels to
   * set.
   */
  readonly levels?: LogLevels;
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  /**
   * Something that an operator should look at. `message` must have a row in `remedies.ts`, which says what to do. The console
   * logger adds the text of the row to the line. The same holds for `error`.
   */
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** Returns a logger whose lines show `name`, such as `Raft id=1`, and that otherwise works like this one. */
  child(name: string): Logger;
}

function nothing(): void {}

/** Writes nothing. For tests and tools. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
