/**
 * Chooses ports for the nodes that scripts and tests start. They are lower than the ports that operating systems give to
 * outgoing connections (from 32768 on with Linux, from 49152 on elsewhere). So no connection takes the port of a node while the
 * node is down.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const firstPort = 10_000;
const lastPort = 32_000;
/** Each process begins at a random port and counts up, so that two processes, or two calls, rarely choose the same port. */
let next = randomInt(firstPort, lastPort);

/** Resolves to a server that listens on the port, or to null when the port is in use. */
function hold(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, () => resolve(server));
  });
}

/** Returns ports that were free when they were checked. */
export async function freePorts(count) {
  const held = new Map();
  while (held.size < count) {
    const port = next;
    next = port === lastPort ? firstPort : port + 1;
    const server = await hold(port);
    if (server !== null) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  return [...held.keys()];
}
