/**
 * Enters a simulation from an async test or script: the event loop of a simulation must not run inside a microtask (see
 * `world.ts`).
 */

/** Runs `body` in a macrotask of its own; the promise settles with its result. */
export function inMacrotask<T>(body: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    // MessageChannel provides the one kind of macrotask that needs no timer; simulations trap timers.
    const { port1, port2 } = new MessageChannel();
    port1.on('message', () => {
      port1.close();
      try {
        resolve(body());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    port2.postMessage(null);
  });
}
