/**
 * Snappy. Java clients write it in the framing of xerial's snappy-java: a header of 16 bytes, then blocks, each after its
 * compressed length. Some other clients write raw Snappy without framing. We read both and write the first.
 */
import { DecodeError } from '../../codec/errors.ts';
import { allocate, nativeView } from '../../codec/native.ts';
import { readInt32, writeInt32 } from '../integers.ts';
import { lazily } from '../load.ts';

interface Snappy {
  compressSync(bytes: Uint8Array, options: { copyOutputData: true }): Uint8Array;
  uncompressSync(bytes: Uint8Array, options: { asBuffer: true; copyOutputData: true }): Uint8Array;
}

/** The first bytes of the framing: 0x82, "SNAPPY", 0x00. */
const magic = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0);
const headerBytes = 16;
/** The size of an uncompressed block, as in snappy-java. */
const blockBytes = 32 * 1024;

/** The library copies its result into V8's heap, which is faster than registering memory outside of the heap with V8. */
const copied = { copyOutputData: true } as const;

function snappy(): Snappy {
  return lazily<Snappy>('snappy');
}

export function snappyCompress(bytes: Uint8Array): Uint8Array {
  const source = nativeView(bytes);
  const { compressSync } = snappy();
  const blocks: Uint8Array[] = [];
  let total = headerBytes;
  for (let at = 0; at < source.length; at += blockBytes) {
    const block = compressSync(source.subarray(at, Math.min(at + blockBytes, source.length)), copied);
    blocks.push(block);
    total += 4 + block.length;
  }
  const out = allocate(total);
  out.set(magic, 0);
  writeInt32(out, 8, 1);
  writeInt32(out, 12, 1);
  let at = headerBytes;
  for (const block of blocks) {
    writeInt32(out, at, block.length);
    out.set(block, at + 4);
    at += 4 + block.length;
  }
  return out;
}

/** The uncompressed length, which a raw block begins with, as a plain varint. */
function rawLength(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i];
    if (byte === undefined) break;
    length += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return length;
  }
  throw new DecodeError('snappy: the block has no valid length');
}

function uncompressRaw(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const length = rawLength(bytes);
  if (length > maxBytes) throw new DecodeError(`snappy: ${length} bytes, at most ${maxBytes} are allowed`);
  return snappy().uncompressSync(nativeView(bytes), { asBuffer: true, copyOutputData: true });
}

export function snappyDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length < headerBytes || magic.some((byte, i) => bytes[i] !== byte))
    return uncompressRaw(bytes, maxBytes);
  const blocks: Uint8Array[] = [];
  let total = 0;
  for (let at = headerBytes; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new DecodeError('snappy: a block length is incomplete');
    const length = readInt32(bytes, at);
    if (length <= 0 || length > bytes.length - at - 4)
      throw new DecodeError(`snappy: a block cannot have ${length} bytes`);
    const block = uncompressRaw(bytes.subarray(at + 4, at + 4 + length), maxBytes - total);
    blocks.push(block);
    total += block.length;
    at += 4 + length;
  }
  if (blocks.length === 1) return blocks[0] as Uint8Array;
  const out = allocate(total);
  let to = 0;
  for (const block of blocks) {
    out.set(block, to);
    to += block.length;
  }
  return out;
}
