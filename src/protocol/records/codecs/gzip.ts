/** gzip (RFC 1952) with Node's zlib. */
import type * as Zlib from 'node:zlib';
import { lazily } from '../load.ts';

export function gzip(bytes: Uint8Array, level?: number): Uint8Array {
  const zlib = lazily<typeof Zlib>('node:zlib');
  return zlib.gzipSync(bytes, level === undefined ? {} : { level });
}

export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const zlib = lazily<typeof Zlib>('node:zlib');
  return zlib.gunzipSync(bytes, { maxOutputLength: maxBytes });
}
