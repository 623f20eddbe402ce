/**
 * Starts a simulation from an async test or script. The event loop of a simulation must not run inside a microtask, that is,
 * after an `await` (`world.ts` says why).
 */

/** Runs `body` in a macrotask of its own; the promise settles with its result. */
export function inMacrotask<T>(body: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    // A message on a MessageChannel is handled in a macrotask of its own. A timer would be too, but simulations forbid real
    // timers.
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
