/**
 * Ends the process at once: when an invariant is broken, a disk fails, or a stop takes too long. No other file of the server
 * does so.
 */

/** The exit status after a signal, as shells and the JVM have it: 128 plus the number of the signal. */
export const signalStatus = { SIGINT: 130, SIGTERM: 143 } as const;

export function exitProcess(status: number): never {
  process.exit(status);
}

/** Calls `handler` for uncaught errors and unhandled rejections, which are bugs. */
export function onUncaught(handler: (error: unknown) => void): void {
  process.on('uncaughtException', handler);
  process.on('unhandledRejection', handler);
}
