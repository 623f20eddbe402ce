/**
 * CRC-32C (Castagnoli), the checksum of record batches. Short ranges are computed in JavaScript, because for them a native call
 * takes longer. Longer ranges are computed by `@node-rs/crc32` with the CPU's own instructions
 * (docs/decisions/0002-crc-and-codecs.md). On platforms without that package's binary all is computed in JavaScript.
 */
import { nativeView } from '../codec/native.ts';
import { requireModule } from './load.ts';

type Native = (bytes: Uint8Array, state?: number) => number;

/** From this size on the native function is faster, as measured. */
const nativeMinBytes = 256;

const tables: readonly Int32Array[] = makeTables();
// The native function after it was loaded.
const native: { crc32c: Native | null } = { crc32c: null };

function makeTables(): Int32Array[] {
  const made = Array.from({ length: 8 }, () => new Int32Array(256));
  const first = made[0] as Int32Array;
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0x82f6_3b78 ^ (crc >>> 1) : crc >>> 1;
    first[n] = crc;
  }
  for (let k = 1; k < 8; k++) {
    for (let n = 0; n < 256; n++) {
      const before = (made[k - 1] as Int32Array)[n] as number;
      (made[k] as Int32Array)[n] = (first[before & 255] as number) ^ (before >>> 8);
    }
  }
  return made;
}

function load(): Native {
  try {
    return (requireModule('@node-rs/crc32') as { crc32c: Native }).crc32c;
  } catch {
    return (bytes, state) => crc32cScript(bytes, 0, bytes.length, state);
  }
}

/** The algorithm "slicing by eight" in JavaScript. Exported for tests. */
export function crc32cScript(b: Uint8Array, from: number, to: number, state = 0): number {
  const [t0, t1, t2, t3] = tables as [Int32Array, Int32Array, Int32Array, Int32Array];
  const [, , , , t4, t5, t6, t7] = tables as unknown as [
    0,
    0,
    0,
    0,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let crc = ~state;
  let p = from;
  for (; p + 8 <= to; p += 8) {
    crc ^=
      (b[p] as number) |
      ((b[p + 1] as number) << 8) |
      ((b[p + 2] as number) << 16) |
      ((b[p + 3] as number) << 24);
    crc =
      (t7[crc & 255] as number) ^
      (t6[(crc >>> 8) & 255] as number) ^
      (t5[(crc >>> 16) & 255] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[b[p + 4] as number] as number) ^
      (t2[b[p + 5] as number] as number) ^
      (t1[b[p + 6] as number] as number) ^
      (t0[b[p + 7] as number] as number);
  }
  for (; p < to; p++) crc = (t0[(crc ^ (b[p] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The checksum of the bytes `from` to `to`, as an unsigned number. */
export function crc32c(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  if (to - from < nativeMinBytes) return crc32cScript(bytes, from, to);
  native.crc32c ??= load();
  return native.crc32c(nativeView(bytes).subarray(from, to)) >>> 0;
}
