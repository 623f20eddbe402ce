/**
 * Coverage marks: a rare path says its name when it is taken, so that a corpus of simulations can prove that it reaches
 * every one of them. Without a listener, as in a running node, a mark does nothing.
 */
type MarkListener = (name: string) => void;

let listener: MarkListener | null = null;

/** `name` is a literal, `area.what`, and occurs once in the source: the list of all marks is read from there. */
export function mark(name: string): void {
  if (listener !== null) listener(name);
}

/** Null takes the listener away. */
export function listenToMarks(to: MarkListener | null): void {
  listener = to;
}
