/**
 * The four compression codecs of record batches. The size of decompressed output is bounded, because a few bytes can decompress
 * to gigabytes. All functions are synchronous. Packages are loaded when they are first used.
 */
import { DecodeError } from '../codec/errors.ts';
import type { CompressionType } from './batch.ts';
import { gunzip, gzip } from './codecs/gzip.ts';
import { lz4Compress, lz4Decompress } from './codecs/lz4.ts';
import { snappyCompress, snappyDecompress } from './codecs/snappy.ts';
import { zstdCompress, zstdDecompress } from './codecs/zstd.ts';

/** `level` is on the scale of the codec: gzip 1 to 9 or -1 (its default), zstd at most 22. snappy and lz4 ignore it. */
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

/** Throws `DecodeError` for invalid input, and when the output would be larger than `maxBytes`; `none` has no bound. */
export function decompress(type: CompressionType, bytes: Uint8Array, maxBytes: number): Uint8Array {
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
