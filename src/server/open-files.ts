/**
 * Shares out the files and sockets that the process may open. Connections of clients get what remains when logs, the store of the
 * metadata log, HTTP and other nodes have theirs: a log that cannot open a file would end the node, so anybody who opens connections
 * could.
 */

export interface OpenFileShares {
  /** Idle files that the logs keep open; null: their default. */
  readonly logFilesMax: number | null;
  /** Connections to the listeners of clients, in addition to the limit of `max.connections`. */
  readonly brokerConnectionsMax: number;
  /** Connections to the listeners of controllers. */
  readonly controllerConnectionsMax: number;
}

/** Files and sockets that are not connections of clients; half of a limit that is below twice of it. */
const reservedMax = 4096;
/** The part of the limit that idle files of logs may take, and of the connections those to controllers' listeners. */
const logFilesPart = 1 / 4;
const logFilesMax = 1024;
const controllerPart = 1 / 4;

/** `openFilesMax`: the limit of the process; null: none is known. */
export function openFileShares(
  openFilesMax: number | null,
  roles: { readonly isBroker: boolean; readonly isController: boolean },
): OpenFileShares {
  if (openFilesMax === null) {
    const unlimited = Number.MAX_SAFE_INTEGER;
    return { logFilesMax: null, brokerConnectionsMax: unlimited, controllerConnectionsMax: unlimited };
  }
  const connections = openFilesMax - Math.min(reservedMax, Math.ceil(openFilesMax / 2));
  const ofController = roles.isBroker ? Math.floor(connections * controllerPart) : connections;
  return {
    logFilesMax: Math.min(logFilesMax, Math.floor(openFilesMax * logFilesPart)),
    brokerConnectionsMax: roles.isController ? connections - ofController : connections,
    controllerConnectionsMax: ofController,
  };
}
