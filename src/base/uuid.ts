import { assert } from './assert.ts';
import type { Random } from './random.ts';

/**
 * Kafka's 128-bit ids as text: 22 characters of URL-safe base64 without padding. In memory an id is this text, because strings
 * compare and hash by value. On the wire it is 16 bytes.
 */
export type Uuid = string;

/** The id of 16 zero bytes, which means "no id" on the wire. */
export const uuidZero: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const codes = alphabet.split('').map((letter) => letter.charCodeAt(0));
const values = new Int8Array(128).fill(-1);
codes.forEach((code, value) => {
  values[code] = value;
});

// The buffer in which `uuidFromBytes` collects its letters. Calls share it to save an allocation; nothing is kept in it between
// calls.
const letters: number[] = new Array<number>(22).fill(0);

/** Returns the text of the 16 bytes of `bytes` that start at `at`. */
export function uuidFromBytes(bytes: Uint8Array, at = 0): Uuid {
  assert(at + 16 <= bytes.length, 'uuid: fewer than 16 bytes');
  for (let from = at, to = 0; to < 22; from += 3) {
    const a = bytes[from] as number;
    // The last group has only one byte.
    const isLast = to === 20;
    const b = isLast ? 0 : (bytes[from + 1] as number);
    const c = isLast ? 0 : (bytes[from + 2] as number);
    letters[to++] = codes[a >> 2] as number;
    letters[to++] = codes[((a & 3) << 4) | (b >> 4)] as number;
    if (isLast) break;
    letters[to++] = codes[((b & 15) << 2) | (c >> 6)] as number;
    letters[to++] = codes[c & 63] as number;
  }
  // All letters are turned into a string by one call. A string made by concatenation would take more memory: the engine keeps
  // it as a tree of its parts.
  return String.fromCharCode.apply(null, letters);
}

/** Writes the 16 bytes of `uuid` into `out` from `at`. */
export function uuidToBytes(uuid: Uuid, out: Uint8Array, at = 0): void {
  assert(uuid.length === 22, `uuid: expected 22 characters, got '${uuid}'`);
  let bits = 0;
  let bitCount = 0;
  let to = at;
  for (let i = 0; i < 22; i++) {
    const value = values[uuid.charCodeAt(i) & 127] as number;
    assert(value >= 0, `uuid: '${uuid}' is not URL-safe base64`);
    bits = ((bits << 6) | value) & 0xfff_ffff;
    bitCount += 6;
    if (bitCount >= 8 && to < at + 16) {
      bitCount -= 8;
      out[to++] = (bits >> bitCount) & 255;
    }
  }
}

/** True when `text` is the text of an id. */
export function isUuid(text: string): boolean {
  return /^[A-Za-z0-9_-]{21}[AQgw]$/.test(text);
}

/**
 * Returns a random id (version 4). It does not begin with '-', because a command line would read it as an option. It is never
 * one of Kafka's reserved ids (0, 1 and others), because these lack the bits that mark version 4.
 */
export function randomUuid(random: Random): Uuid {
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const uuid = uuidFromBytes(bytes);
    if (!uuid.startsWith('-')) return uuid;
  }
}
