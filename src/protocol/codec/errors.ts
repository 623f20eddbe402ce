/** Errors of the codecs. Neither is a bug of the process: bytes come from outside, and a peer may choose the version. */

/** The bytes do not match the schema. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** The value cannot be written in this version: out of range, null where that is not allowed, or a field that the version lacks. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}
