/** Copies of bytes of a request that are kept longer than the request. */

/** Returns a copy. The argument is usually a view into a request: keeping the view would keep the whole request in memory. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
