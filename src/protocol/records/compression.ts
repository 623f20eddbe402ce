/**
 * The four codecs of record batches. The output is bounded while it is produced, because a few bytes can decompress to gigabytes.
 * Everything is synchronous; native code is loaded at first use.
 */
import { DecodeError } from '../codec/errors.ts';
import type { CompressionType } from './batch.ts';
import { gunzip, gzip } from './codecs/gzip.ts';
import { lz4Compress, lz4Decompress } from './codecs/lz4.ts';
import { snappyCompress, snappyDecompress } from './codecs/snappy.ts';
import { zstdCompress, zstdDecompress } from './codecs/zstd.ts';

/** Maximum size of the decompressed records of one batch, unless the caller sets another. */
export const decompressedMaxBytes: number = 128 * 1024 * 1024;

/** `level` is on the codec's own scale (gzip 1 to 9, zstd 1 to 22; snappy and lz4 have none here). */
export function compress(type: CompressionType, bytes: Uint8Array, level?: number): Uint8Array {
  switch (type) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzip(bytes, level);
    case 'snappy':
      return snappyCompress(bytes);
    case 'lz4':
      return lz4Compress(bytes);
    case 'zstd':
      return zstdCompress(bytes, level);
  }
}

/** Throws DecodeError for invalid input, and when the output would exceed `maxBytes`. */
export function decompress(
  type: CompressionType,
  bytes: Uint8Array,
  maxBytes = decompressedMaxBytes,
): Uint8Array {
  try {
    switch (type) {
      case 'none':
        return bytes;
      case 'gzip':
        return gunzip(bytes, maxBytes);
      case 'snappy':
        return snappyDecompress(bytes, maxBytes);
      case 'lz4':
        return lz4Decompress(bytes, maxBytes);
      case 'zstd':
        return zstdDecompress(bytes, maxBytes);
    }
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError(`${type}: ${(error as Error).message}`);
  }
}
