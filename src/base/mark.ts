/**
 * Coverage marks. Code that runs rarely calls `mark` with a name of its own. The nightly simulation must reach every mark,
 * except those that `outOfReach` in `scripts/lib/sim-marks.mjs` lists. In a running node there is no listener, and a mark does
 * nothing.
 */
type MarkListener = (name: string) => void;

let listener: MarkListener | null = null;

/**
 * Reports that this place was reached. `name` must be a string literal of the form `area.what` that occurs only once, because
 * scripts read the list of all marks from the source.
 */
export function mark(name: string): void {
  if (listener !== null) listener(name);
}

/** Sets the listener; null removes it. */
export function listenToMarks(to: MarkListener | null): void {
  listener = to;
}
