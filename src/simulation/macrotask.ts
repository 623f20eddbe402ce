/** The way from an async test or script into a simulation: its loop must not run inside a microtask (see `world.ts`). */

/** Runs `body` in a macrotask of its own; the promise settles with its result. */
export function inMacrotask<T>(body: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    // A MessageChannel is the one macrotask that needs no timer, which simulations trap.
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
