/**
 * Divides the files and sockets that the process may open (its limit). A part is reserved for logs, the metadata log, HTTP and
 * streams to other nodes; client connections get the rest. A combined node divides this rest between its listeners for clients
 * and those for controllers. Without this, clients could make a log fail by opening so many connections that the log can open
 * no more files.
 */

export interface OpenFileShares {
  /** How many files that are not in use the logs keep open; null: the default of `log/`. */
  readonly logFilesMax: number | null;
  /** How many connections to the broker's listeners may be open. `max.connections` is a separate limit. */
  readonly brokerConnectionsMax: number;
  /** How many connections to the controller's listeners may be open. */
  readonly controllerConnectionsMax: number;
}

/** How many files and sockets are reserved for what is not a client connection; at most half of the process's limit. */
const reservedMax = 4096;
/** Of the process's limit, the part for unused log files that stay open; at most `logFilesMax`. */
const logFilesPart = 1 / 4;
const logFilesMax = 1024;
/** Of the client connections, the part for the controller's listeners on a node that is also a broker. */
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
  const isCombined = roles.isBroker && roles.isController;
  const ofController = Math.floor(connections * controllerPart);
  return {
    logFilesMax: Math.min(logFilesMax, Math.floor(openFilesMax * logFilesPart)),
    brokerConnectionsMax: isCombined ? connections - ofController : connections,
    controllerConnectionsMax: isCombined ? ofController : connections,
  };
}
