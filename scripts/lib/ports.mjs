/**
 * Ports for the nodes that scripts and tests start. They lie below those that systems give to outgoing connections (from 32768 on
 * Linux, from 49152 elsewhere), so that a node which is down for a while finds its port free when it comes back.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const firstPort = 10_000;
const lastPort = 32_000;
/** Each process begins somewhere else and goes up, so that two of them, or two calls, hardly ever choose the same port. */
let next = randomInt(firstPort, lastPort);

/** Resolves to a server that holds the port, or to null when somebody else has it. */
function hold(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, () => resolve(server));
  });
}

/** Ports that were free a moment ago. */
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
