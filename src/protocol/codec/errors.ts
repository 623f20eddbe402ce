/**
 * Errors of the codecs. They do not mean a bug in this process: bytes come from outside, and the peer may choose the version.
 */

/** The bytes cannot be decoded with the schema. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/**
 * The value cannot be encoded in this version: it is missing or out of range, it is null where null is not allowed, the version
 * lacks the field, or the message has no such version.
 */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}
