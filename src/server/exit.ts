/** The only place that ends the process by force. It is used for broken invariants and failed disks. */

/** Exit status of a process that a signal ended, as shells and the JVM report it. */
export const signalStatus = { SIGINT: 130, SIGTERM: 143 } as const;

export function exitProcess(status: number): never {
  process.exit(status);
}

/** Calls `handler` for uncaught errors, which are bugs. */
export function onUncaught(handler: (error: unknown) => void): void {
  process.on('uncaughtException', handler);
  process.on('unhandledRejection', handler);
}
