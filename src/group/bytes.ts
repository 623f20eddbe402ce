/** Copies of byte arrays that are kept longer than the request they came with. */

/** Returns a copy: a view would keep the whole request frame in memory as long as the group exists. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
