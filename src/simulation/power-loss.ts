/**
 * Computes the content of a file or directory after a power cut: the synced content, with any part of the changes since the
 * sync. A real disk writes changes in its own order. So a later change may survive without an earlier one; a shortened file may
 * have its old length again; an overwritten file may have sectors of both contents; a removed or renamed directory entry may be
 * there again.
 *
 * A change of a directory survives as a whole or not at all, as with a journal: after a rename there are never both names.
 */
import { below, type Random } from '../base/random.ts';

/** The unit in which a disk writes. */
const sectorBytes = 512;

export type FileChange =
  | { readonly revision: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly revision: number; readonly sizeBytes: number };

/** A change of a directory: `name` gets `node`; null removes it. For a rename in the directory, `alsoGone` is the old name. */
export interface NameChange<N> {
  readonly revision: number;
  readonly name: string;
  readonly node: N | null;
  readonly alsoGone: string | null;
}

/** Chooses at random which of `count` changes survive: none, all, the first few, or any of them. */
function keptOf(count: number, random: Random): boolean[] {
  const kind = below(random, 4);
  const until = kind === 2 ? below(random, count + 1) : count;
  return Array.from({ length: count }, (_, i) => {
    if (kind === 0) return false;
    return kind === 3 ? below(random, 2) === 0 : i < until;
  });
}

export function contentAfter(synced: Uint8Array, changes: readonly FileChange[], random: Random): Uint8Array {
  if (changes.length === 0) return synced.slice();
  const kept = keptOf(changes.length, random);
  const last = kept.lastIndexOf(true);
  const file = new Content(synced);
  changes.forEach((change, i) => {
    if (kept[i] !== true) return;
    if ('sizeBytes' in change) file.resize(change.sizeBytes);
    // The last surviving change may have been written only in part.
    else if (i === last && below(random, 2) === 0) writeTorn(file, change.at, change.bytes, random);
    else file.write(change.at, change.bytes);
  });
  return file.content();
}

/**
 * Writes a part of a change: its beginning, or some of its sectors. The file may get its full new length all the same, with
 * zeros where nothing was written.
 */
function writeTorn(file: Content, at: number, bytes: Uint8Array, random: Random): void {
  const isLengthKept = below(random, 2) === 0;
  if (below(random, 2) === 0) file.write(at, bytes.subarray(0, below(random, bytes.length + 1)));
  else {
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + sectorBytes - ((at + from) % sectorBytes));
      if (below(random, 2) === 0) file.write(at + from, bytes.subarray(from, to));
      from = to;
    }
  }
  if (isLengthKept) file.resize(Math.max(file.sizeBytes, at + bytes.length));
}

/** The content of a file that can be written at any offset; bytes that were never written are zeros. */
class Content {
  #bytes: Uint8Array;
  sizeBytes: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.slice();
    this.sizeBytes = bytes.length;
  }

  write(at: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (at + bytes.length > this.sizeBytes) this.resize(at + bytes.length);
    this.#bytes.set(bytes, at);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(sizeBytes, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    if (sizeBytes < this.sizeBytes) this.#bytes.fill(0, sizeBytes, this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  content(): Uint8Array {
    return this.#bytes.slice(0, this.sizeBytes);
  }
}

export function entriesAfter<N>(
  synced: ReadonlyMap<string, N>,
  changes: readonly NameChange<N>[],
  random: Random,
): Map<string, N> {
  const entries = new Map(synced);
  const kept = keptOf(changes.length, random);
  changes.forEach(({ name, node, alsoGone }, i) => {
    if (kept[i] !== true) return;
    if (alsoGone !== null) entries.delete(alsoGone);
    if (node === null) entries.delete(name);
    else entries.set(name, node);
  });
  return entries;
}
