/**
 * Logging as a port. A message is a fixed sentence; what varies goes into `fields`, so that lines can be searched and counted.
 * The console's is `adapters/console-logger.ts`.
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** From which level on lines are written, by log4j's name; may be set while the node runs. */
export interface LogThreshold {
  name: string;
}

export const logThresholds: ReadonlyMap<string, LogLevel> = new Map([
  ['DEBUG', 'debug'],
  ['ERROR', 'error'],
  ['FATAL', 'error'],
  ['INFO', 'info'],
  ['TRACE', 'debug'],
  ['WARN', 'warn'],
]);

export interface Logger {
  /** Of this logger and all of its kind; absent where nothing can be set. */
  readonly threshold?: LogThreshold;
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
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
