/** Byte arrays that outlive the request they came with. */

/** A copy: a view would keep the whole request frame in memory for as long as the group lives. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
