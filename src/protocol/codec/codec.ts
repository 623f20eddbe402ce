/**
 * Encodes and decodes messages. Other folders use the functions of this file. The codec of a message and version is compiled
 * when it is first used, and then kept.
 */
import type { Infer, Init, Message, Shape } from '../schema/fields.ts';
import { inVersions } from '../schema/versions.ts';
import { compileCreate, compileDecoder, compileEncoder } from './compile.ts';
import { DecodeError, EncodeError } from './errors.ts';
import { interpretEncode } from './interpret.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

export { DecodeError, EncodeError } from './errors.ts';

interface Compiled {
  readonly decoders: ((reader: Reader) => unknown)[];
  readonly encoders: ((writer: Writer, value: unknown) => void)[];
  create: ((init: unknown) => unknown) | null;
}

// The compiled functions of each message. This is only a cache: a message never changes.
const compiled = new WeakMap<Message, Compiled>();

function compiledOf(message: Message): Compiled {
  let entry = compiled.get(message);
  if (entry === undefined) {
    entry = { decoders: [], encoders: [], create: null };
    compiled.set(message, entry);
  }
  return entry;
}

function checkVersion(message: Message, version: number): void {
  if (!Number.isInteger(version) || !inVersions(message.versions, version))
    throw new EncodeError(`${message.name} has no version ${version}`);
}

function decoderOf(message: Message, version: number): (reader: Reader) => unknown {
  const { decoders } = compiledOf(message);
  let decoder = decoders[version];
  if (decoder === undefined) {
    if (!inVersions(message.versions, version))
      throw new DecodeError(`${message.name} has no version ${version}`);
    decoder = compileDecoder(message, version);
    decoders[version] = decoder;
  }
  return decoder;
}

/** Decodes the message at the reader's position and moves the reader after it. */
export function decodeFrom<S extends Shape>(
  message: Message<S>,
  version: number,
  reader: Reader,
): Infer<Message<S>> {
  try {
    return decoderOf(message, version)(reader) as Infer<Message<S>>;
  } catch (error) {
    if (error instanceof DecodeError) throw new DecodeError(`${message.name} v${version}: ${error.message}`);
    throw error;
  }
}

/**
 * Decodes the message that begins at `at`. Bytes after it are ignored. Fields of kind `bytes` and `records` are views of
 * `bytes`.
 */
export function decode<S extends Shape>(
  message: Message<S>,
  version: number,
  bytes: Uint8Array,
  at = 0,
): Infer<Message<S>> {
  return decodeFrom(message, version, new Reader(bytes, at));
}

/** Like `decode`, and also returns the position after the message. */
export function decodeWithEnd<S extends Shape>(
  message: Message<S>,
  version: number,
  bytes: Uint8Array,
  at = 0,
): { value: Infer<Message<S>>; end: number } {
  const reader = new Reader(bytes, at);
  const value = decodeFrom(message, version, reader);
  return { value, end: reader.position };
}

/**
 * Appends the encoded message to `writer`. When it throws, the writer may contain a part of the message; the caller must
 * discard that.
 */
export function encodeInto<S extends Shape>(
  message: Message<S>,
  version: number,
  init: Init<Message<S>>,
  writer: Writer,
): void {
  const { encoders } = compiledOf(message);
  let encoder = encoders[version];
  if (encoder === undefined) {
    checkVersion(message, version);
    encoder = compileEncoder(message, version);
    encoders[version] = encoder;
  }
  try {
    encoder(writer, init);
  } catch (error) {
    explain(message, version, init);
    throw error;
  }
}

/** Encodes again with the interpreter, whose error names the invalid field. */
function explain(message: Message, version: number, init: unknown): void {
  interpretEncode(message, version, init, new Writer());
}

export function encode<S extends Shape>(
  message: Message<S>,
  version: number,
  init: Init<Message<S>>,
): Uint8Array {
  const writer = new Writer(256);
  encodeInto(message, version, init, writer);
  return writer.finishContiguous();
}

/** A whole message: `init`, and the defaults of the missing fields. It is as if it had been decoded. */
export function create<S extends Shape>(message: Message<S>, init: Init<Message<S>>): Infer<Message<S>> {
  const entry = compiledOf(message);
  entry.create ??= compileCreate(message);
  return entry.create(init) as Infer<Message<S>>;
}
