/**
 * Stored data has a format version, or a kind of record, that this release does not know: a later release has written it. Data of
 * releases is never damaged in that way, and what is unknown may be needed, so the start ends and changes nothing.
 */
export class LaterReleaseError extends Error {
  override readonly name = 'LaterReleaseError';
  /** What has which unknown version. */
  readonly what: string;

  constructor(what: string) {
    super(
      `${what}. A later release has written this. Nothing is damaged: install that release again and start it with the same directories.`,
    );
    this.what = what;
  }
}

/** Puts the place where it was found in front of a `LaterReleaseError`. Returns any other error as it is. */
export function located(place: string, error: unknown): unknown {
  return error instanceof LaterReleaseError ? new LaterReleaseError(`${place}: ${error.what}`) : error;
}
