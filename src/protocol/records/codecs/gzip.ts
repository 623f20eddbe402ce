/** gzip (RFC 1952) by Node's zlib. */
import { requireModule } from '../load.ts';

type Zlib = typeof import('node:zlib');

export function gzip(bytes: Uint8Array, level?: number): Uint8Array {
  const zlib = requireModule('node:zlib') as Zlib;
  return zlib.gzipSync(bytes, level === undefined ? {} : { level });
}

export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const zlib = requireModule('node:zlib') as Zlib;
  return zlib.gunzipSync(bytes, { maxOutputLength: maxBytes });
}
