/**
 * LZ4 frames. The native package `lz4-napi` compresses; it writes independent blocks, which Java clients require. Decompression
 * is implemented here, because the native function does not bound its output.
 *
 * The checksums in a frame (of header, blocks and content) are not verified, because the record batch has a checksum itself.
 */
import { DecodeError } from '../../codec/errors.ts';
import { allocate, nativeView, type NativeBytes } from '../../codec/native.ts';
import { lazily } from '../load.ts';

interface Lz4 {
  compressFrameSync(bytes: Uint8Array): Uint8Array;
}

const frameMagic = 0x184d_2204;
const skippableMagic = 0x184d_2a50;
const minMatch = 4;
const flag = { blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionary: 0x01 } as const;
/** Up to this many bytes are copied in a loop, because for them a call of `set` or `copyWithin` takes longer. */
const shortCopyBytes = 32;

export function lz4Compress(bytes: Uint8Array): Uint8Array {
  return lazily<Lz4>('lz4-napi').compressFrameSync(nativeView(bytes));
}

/** Output memory that grows up to a bound. */
class Output {
  bytes: NativeBytes;
  length = 0;
  private readonly maxBytes: number;

  constructor(expectedBytes: number, maxBytes: number) {
    this.maxBytes = maxBytes;
    this.bytes = allocate(Math.min(expectedBytes, maxBytes));
  }

  need(count: number): void {
    const total = this.length + count;
    if (total <= this.bytes.length) return;
    if (total > this.maxBytes) throw new DecodeError(`lz4: more than the ${this.maxBytes} bytes allowed`);
    const bytes = allocate(Math.min(this.maxBytes, Math.max(total, this.bytes.length * 2)));
    bytes.set(this.bytes.subarray(0, this.length), 0);
    this.bytes = bytes;
  }
}

export function lz4Decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const out = new Output(Math.max(1024, bytes.length * 4), maxBytes);
  let at = 0;
  while (at < bytes.length) at = decodeFrame(bytes, at, out);
  return out.bytes.subarray(0, out.length);
}

function readUint32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new DecodeError('lz4: the frame is incomplete');
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/** Decompresses one frame to `out`. Returns the position after the frame. */
function decodeFrame(bytes: Uint8Array, from: number, out: Output): number {
  const magic = readUint32(bytes, from);
  if ((magic & 0xffff_fff0) >>> 0 === skippableMagic) return from + 8 + readUint32(bytes, from + 4);
  if (magic !== frameMagic) throw new DecodeError('lz4: not a frame');
  const flags = bytes[from + 4];
  if (flags === undefined || flags >> 6 !== 1) throw new DecodeError('lz4: frame version is not 1');
  if (flags & flag.dictionary) throw new DecodeError('lz4: dictionaries are not supported');
  let at = from + 7 + (flags & flag.contentSize ? 8 : 0);
  const frameStart = out.length;
  for (;;) {
    const word = readUint32(bytes, at);
    at += 4;
    if (word === 0) break;
    const length = word & 0x7fff_ffff;
    if (length > bytes.length - at) throw new DecodeError(`lz4: block of ${length} bytes is incomplete`);
    if (word >= 0x8000_0000) {
      out.need(length);
      out.bytes.set(bytes.subarray(at, at + length), out.length);
      out.length += length;
    } else decodeBlock(bytes, at, at + length, out, frameStart);
    at += length + (flags & flag.blockChecksum ? 4 : 0);
  }
  return at + (flags & flag.contentChecksum ? 4 : 0);
}

function decodeBlock(bytes: Uint8Array, from: number, to: number, out: Output, frameStart: number): void {
  let p = from;
  for (;;) {
    if (p >= to) throw new DecodeError('lz4: the block has no end');
    const token = bytes[p++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (p >= to) throw new DecodeError('lz4: a length is incomplete');
        more = bytes[p++] as number;
        literals += more;
      } while (more === 255);
    }
    if (literals > to - p) throw new DecodeError('lz4: literals are incomplete');
    out.need(literals);
    copyLiterals(bytes, p, literals, out);
    p += literals;
    if (p === to) return;
    if (p + 2 > to) throw new DecodeError('lz4: a match is incomplete');
    const distance = (bytes[p] as number) | ((bytes[p + 1] as number) << 8);
    p += 2;
    let length = token & 15;
    if (length === 15) {
      let more: number;
      do {
        if (p >= to) throw new DecodeError('lz4: a length is incomplete');
        more = bytes[p++] as number;
        length += more;
      } while (more === 255);
    }
    if (distance === 0 || distance > out.length - frameStart)
      throw new DecodeError('lz4: a match refers to bytes before the frame');
    length += minMatch;
    out.need(length);
    copyMatch(out, distance, length);
  }
}

function copyLiterals(bytes: Uint8Array, from: number, count: number, out: Output): void {
  const target = out.bytes;
  const at = out.length;
  if (count > shortCopyBytes) target.set(bytes.subarray(from, from + count), at);
  else for (let i = 0; i < count; i++) target[at + i] = bytes[from + i] as number;
  out.length = at + count;
}

/** Copies bytes of the output to its end. Source and target may overlap: a match of distance 1 repeats one byte. */
function copyMatch(out: Output, distance: number, count: number): void {
  const target = out.bytes;
  const at = out.length;
  const from = at - distance;
  if (distance >= count && count > shortCopyBytes) target.copyWithin(at, from, from + count);
  else if (distance === 1) target.fill(target[from] as number, at, at + count);
  else for (let i = 0; i < count; i++) target[at + i] = target[from + i] as number;
  out.length = at + count;
}
