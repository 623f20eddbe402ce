/**
 * Zstandard: with Node's zlib if it supports it (from 22.15 on), otherwise with the package `@bokuweb/zstd-wasm`.
 *
 * Of that package the inner WebAssembly module is used, because the package's own functions trust the length that a frame
 * states and can only be loaded asynchronously. Frames of streaming writers, such as Java's, state no length. Therefore the
 * headers of all blocks are read first; from them follows a bound of the output.
 */
import type * as NodeZlib from 'node:zlib';
import { DecodeError } from '../../codec/errors.ts';
import { allocate } from '../../codec/native.ts';
import { lazily, requireModule } from '../load.ts';

type Zlib = typeof NodeZlib & {
  zstdCompressSync?(bytes: Uint8Array, options: { params: Record<number, number> }): Uint8Array;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
};

/** The part of the global `WebAssembly` that is used here; the language's types do not have it. */
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

interface ZstdModule {
  HEAPU8: Uint8Array;
  instantiateWasm: (imports: object, receive: (instance: object) => void) => object;
  init(bytes: Uint8Array): void;
  _malloc(sizeBytes: number): number;
  _free(address: number): void;
  _ZSTD_compressBound(sizeBytes: number): number;
  _ZSTD_compress(to: number, capacity: number, from: number, sizeBytes: number, level: number): number;
  _ZSTD_decompress(to: number, capacity: number, from: number, sizeBytes: number): number;
  _ZSTD_isError(code: number): number;
}

const defaultLevel = 3;
const blockMaxBytes = 128 * 1024;
const frameMagic = 0xfd2f_b528;
const skippableMagic = 0x184d_2a50;
/** The number of the parameter `ZSTD_c_compressionLevel`. */
const levelParameter = 100;

// The module after it was loaded.
const loaded: { module: ZstdModule | null } = { module: null };

function zlib(): Zlib {
  return lazily<Zlib>('node:zlib');
}

function wasm(): ZstdModule {
  if (loaded.module !== null) return loaded.module;
  const folder = requireModule.resolve('@bokuweb/zstd-wasm').replace(/[^/\\]*$/, '');
  // This loads code, as `require` does; therefore it does not use the file system port.
  const { readFileSync } = requireModule('node:fs') as { readFileSync(path: string): Uint8Array };
  const code = readFileSync(`${folder}zstd.wasm`);
  const { Module } = requireModule(`${folder}zstd.js`) as { Module: ZstdModule };
  Module.instantiateWasm = (imports, receive) => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), imports);
    receive(instance);
    return instance.exports;
  };
  Module.init(code);
  loaded.module = Module;
  return Module;
}

/**
 * Copies `bytes` into the module's memory, reserves `capacity` bytes there for the result, and runs `work`. Returns a copy of
 * the result.
 */
function inWasm(
  bytes: Uint8Array,
  capacity: number,
  work: (module: ZstdModule, to: number, from: number) => number,
): Uint8Array {
  const module = wasm();
  const from = module._malloc(Math.max(1, bytes.length));
  const to = module._malloc(Math.max(1, capacity));
  try {
    if (from === 0 || to === 0) throw new DecodeError('zstd: out of memory');
    module.HEAPU8.set(bytes, from);
    const count = work(module, to, from);
    if (module._ZSTD_isError(count) !== 0) throw new DecodeError(`zstd: error ${count}`);
    const out = allocate(count);
    out.set(module.HEAPU8.subarray(to, to + count), 0);
    return out;
  } finally {
    module._free(to);
    module._free(from);
  }
}

export function zstdCompress(bytes: Uint8Array, level: number = defaultLevel): Uint8Array {
  const native = zlib().zstdCompressSync;
  if (native !== undefined) return native(bytes, { params: { [levelParameter]: level } });
  const capacity = wasm()._ZSTD_compressBound(bytes.length);
  return inWasm(bytes, capacity, (module, to, from) =>
    module._ZSTD_compress(to, capacity, from, bytes.length, level),
  );
}

export function zstdDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const native = zlib().zstdDecompressSync;
  if (native !== undefined) return native(bytes, { maxOutputLength: maxBytes });
  const capacity = Math.min(outputBound(bytes), maxBytes);
  return inWasm(bytes, capacity, (module, to, from) =>
    module._ZSTD_decompress(to, capacity, from, bytes.length),
  );
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  if (at + count > bytes.length) throw new DecodeError('zstd: the frame is incomplete');
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number);
  return value;
}

/** An upper bound of the decompressed size of all frames, computed from the headers of their blocks. */
function outputBound(bytes: Uint8Array): number {
  let bound = 0;
  let at = 0;
  while (at < bytes.length) {
    const magic = littleEndian(bytes, at, 4);
    if ((magic & 0xffff_fff0) >>> 0 === skippableMagic) at += 8 + littleEndian(bytes, at + 4, 4);
    else if (magic !== frameMagic) throw new DecodeError('zstd: not a frame');
    else {
      const descriptor = littleEndian(bytes, at + 4, 1);
      const singleSegment = (descriptor & 0x20) !== 0;
      const sizeCode = descriptor >> 6;
      at += 5 + (singleSegment ? 0 : 1);
      at += [0, 1, 2, 4][descriptor & 3] as number;
      at += sizeCode === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeCode;
      for (let last = false; !last; ) {
        const head = littleEndian(bytes, at, 3);
        const size = head >> 3;
        last = (head & 1) === 1;
        const type = (head >> 1) & 3;
        bound += type === 2 ? blockMaxBytes : size;
        at += 3 + (type === 1 ? 1 : size);
      }
      if (descriptor & 4) at += 4;
    }
  }
  return bound;
}
