/** Errors of the codecs. They do not mean a bug in this process: bytes come from outside, and the peer may choose the version. */

/** The bytes cannot be decoded with the schema. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/**
 * The value cannot be encoded in this version: it is out of range, it is null where null is not allowed, or the version lacks the
 * field.
 */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}
