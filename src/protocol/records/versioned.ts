/** Version (or type) as an int16, then a body: the form of keys and values of internal records, and of what clients put into groups. */
import { readInt16, writeInt16 } from './integers.ts';

/** Where the body begins. */
export const versionedBodyAt = 2;

export function encodeVersioned(version: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(versionedBodyAt + body.length);
  writeInt16(out, 0, version);
  out.set(body, versionedBodyAt);
  return out;
}

/** -1 where there is none. */
export function versionOf(bytes: Uint8Array): number {
  return bytes.length < versionedBodyAt ? -1 : readInt16(bytes, 0);
}
