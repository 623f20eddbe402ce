/** What codecs throw. Neither is a bug of the process: bytes come from outside, and a version may be chosen by a peer. */

/** The bytes are not what the schema says. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** The value can't be written in this version: out of range, null where that is illegal, or a field the version lacks. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}
