/**
 * Coverage marks: a rare path reports its name when it is taken, so that the simulations can prove that they reach every one.
 * Without a listener, as in a running node, a mark does nothing.
 */
type MarkListener = (name: string) => void;

let listener: MarkListener | null = null;

/** `name` is a literal, `area.what`, and occurs once in the source: the list of all marks is read from there. */
export function mark(name: string): void {
  if (listener !== null) listener(name);
}

/** Null removes the listener. */
export function listenToMarks(to: MarkListener | null): void {
  listener = to;
}
