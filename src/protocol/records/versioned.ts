/**
 * A version (or type) as an int16, then a body. The keys and values in internal topics have this format, and so have the
 * subscriptions and assignments of classic consumers.
 */
import { readInt16, writeInt16 } from './integers.ts';

/** Where the body begins. */
export const versionedBodyAt = 2;

export function encodeVersioned(version: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(versionedBodyAt + body.length);
  writeInt16(out, 0, version);
  out.set(body, versionedBodyAt);
  return out;
}

/** The version; -1 when there are fewer than two bytes. */
export function versionOf(bytes: Uint8Array): number {
  return bytes.length < versionedBodyAt ? -1 : readInt16(bytes, 0);
}
