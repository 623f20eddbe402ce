/**
 * Divides the files and sockets that the process may open. Logs, the store of the metadata log, HTTP and other nodes get their
 * share first, and connections of clients get the rest. Otherwise clients could stop the node by opening connections, because a log
 * that cannot open a file fails.
 */

export interface OpenFileShares {
  /** Idle files that the logs keep open; null: their default. */
  readonly logFilesMax: number | null;
  /** Connections to the listeners of clients, in addition to the limit of `max.connections`. */
  readonly brokerConnectionsMax: number;
  /** Connections to the listeners of controllers. */
  readonly controllerConnectionsMax: number;
}

/** Files and sockets that are not connections of clients; at most half of the process's limit. */
const reservedMax = 4096;
/** The part of the limit for idle files of logs; and the part of the connections for listeners of controllers. */
const logFilesPart = 1 / 4;
const logFilesMax = 1024;
const controllerPart = 1 / 4;

/** `openFilesMax`: the limit of the process; null when it is unknown. */
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
