/**
 * Stored data has a format version, or a kind of record, that this release does not know, and its checksum is right. So it is
 * not damaged: a later release has written it. This release cannot tell whether it can do without that data, so the node stops.
 */
export class LaterReleaseError extends Error {
  override readonly name = 'LaterReleaseError';
  /** The message without the advice: what was found, and what this release knows. */
  readonly what: string;

  constructor(what: string) {
    super(
      `${what}. A later release has written this. Nothing is damaged: install that release again and start it with the same directories.`,
    );
    this.what = what;
  }
}

/** Adds `place`, where the data was found, to the message of a `LaterReleaseError`. Returns any other error as it is. */
export function located(place: string, error: unknown): unknown {
  return error instanceof LaterReleaseError ? new LaterReleaseError(`${place}: ${error.what}`) : error;
}
