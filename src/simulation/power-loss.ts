/**
 * What a power cut leaves of a file and of a directory: what was synced, and of what was changed since then any part. A real disk
 * writes back in its own order, so a later change may be there and an earlier one not; a shortened file may have its old length
 * again; a file that was overwritten may have sectors of both contents; a removed or renamed name may be back, or not.
 *
 * One change of a directory is kept as a whole or not at all, as journals do it: a rename never leaves both names.
 */
import { below, type Random } from '../base/random.ts';

/** What a disk writes as a whole. */
const sectorBytes = 512;

export type FileChange =
  | { readonly revision: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly revision: number; readonly sizeBytes: number };

/** `name` means another node now, or none; with a rename inside of the directory, `alsoGone` goes in the same step. */
export interface NameChange<N> {
  readonly revision: number;
  readonly name: string;
  readonly node: N | null;
  readonly alsoGone: string | null;
}

/** Which of `count` changes are kept: none, all, those before a moment, or any of them. */
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
    // The last one that arrived was under way when the power went, perhaps.
    else if (i === last && below(random, 2) === 0) writeTorn(file, change.at, change.bytes, random);
    else file.write(change.at, change.bytes);
  });
  return file.content();
}

/** The front of it, or any of its sectors; the length of the file may count what did not arrive. */
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

/** A file of which parts that nobody wrote are zeros. */
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
