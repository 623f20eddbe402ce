/**
 * The only file of `protocol/` that names Node's `Buffer`. The methods that are used are declared here, because pure folders
 * import `protocol/` and compile without Node's types. The other files of `protocol/` use `Uint8Array`, or `NativeBytes` where
 * speed matters.
 */

/** The methods of `Buffer` that the codecs use. */
export interface NativeBytes extends Uint8Array {
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number, length?: number): number;
  readDoubleBE(offset: number): number;
  writeDoubleBE(value: number, offset: number): number;
  subarray(start?: number, end?: number): NativeBytes;
}

interface NativeFactory {
  allocUnsafe(sizeBytes: number): NativeBytes;
  allocUnsafeSlow(sizeBytes: number): NativeBytes;
  from(buffer: ArrayBufferLike, offset: number, length: number): NativeBytes;
  byteLength(text: string): number;
}

declare const Buffer: NativeFactory;

/** Memory with undefined content: the caller must overwrite all bytes that it passes on. */
export function allocate(sizeBytes: number): NativeBytes {
  return Buffer.allocUnsafe(sizeBytes);
}

/** The same memory as a `Buffer`, not a copy. */
export function nativeView(bytes: Uint8Array): NativeBytes {
  if ('utf8Slice' in bytes) return bytes as NativeBytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}
