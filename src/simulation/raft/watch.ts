/**
 * What the checker knows of each replica's log. It learns this from writes and disks, not from the replica's own state. There
 * is one `InternedEntry` object for each (offset, epoch), linked to the entry before it. So two logs that have the same object
 * at an offset are equal up to that offset, and comparing logs is comparing references.
 */
import { type Entry, isVoter, type ReplicaKey, type Voter } from '../../raft/types.ts';
import { decodeVoters } from '../../raft/voter-set.ts';

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

export function require(condition: boolean, invariant: string, what: () => string): void {
  if (!condition) throw new Violation(invariant, what());
}

export interface InternedEntry {
  readonly offset: number;
  readonly epoch: number;
  readonly entry: Entry;
  readonly previous: InternedEntry | null;
  /** Another entry at the same offset, with another epoch. */
  readonly other: InternedEntry | null;
  /** The voter set in force from this entry on; null when the entry is not a voters entry. */
  readonly voters: readonly Voter[] | null;
}

/**
 * Makes the entry objects and checks I3: entries with the same (offset, epoch) are equal, and so are the entries before them.
 */
export class Canonical {
  readonly #byOffset: (InternedEntry | undefined)[] = [];

  find(offset: number, epoch: number): InternedEntry | null {
    let interned: InternedEntry | null = this.#byOffset[offset] ?? null;
    while (interned !== null && interned.epoch !== epoch) interned = interned.other;
    return interned;
  }

  intern(entry: Entry, previous: InternedEntry | null): InternedEntry {
    const known = this.find(entry.offset, entry.epoch);
    if (known !== null) {
      require(known.previous === previous, 'I3 log matching', () =>
        `entry ${name(entry)} follows ${nameOf(known.previous)} here and ${nameOf(previous)} there`);
      require(sameEntry(known.entry, entry), 'I3 log matching', () => `two entries are ${name(entry)}`);
      return known;
    }
    const interned: InternedEntry = {
      offset: entry.offset,
      epoch: entry.epoch,
      entry,
      previous,
      other: this.#byOffset[entry.offset] ?? null,
      voters: entry.kind === 'voters' ? decodeVoters(entry.payload) : null,
    };
    this.#byOffset[entry.offset] = interned;
    return interned;
  }
}

function name(entry: Entry): string {
  return `${entry.offset}@${entry.epoch}`;
}

export function nameOf(interned: InternedEntry | null | undefined): string {
  return interned === null || interned === undefined ? 'nothing' : `${interned.offset}@${interned.epoch}`;
}

function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.payload.length !== b.payload.length) return false;
  for (let at = 0; at < a.payload.length; at++) if (a.payload[at] !== b.payload[at]) return false;
  return true;
}

/** A log from offset 0 on. Entries that the replica has only in a snapshot are here too: they are committed and so known. */
export class Mirror {
  readonly items: InternedEntry[] = [];
  end = 0;

  last(endOffset: number): InternedEntry | null {
    return endOffset === 0 ? null : (this.items[endOffset - 1] ?? null);
  }

  truncate(endOffset: number): void {
    this.end = endOffset;
  }

  push(interned: InternedEntry): void {
    this.items[this.end++] = interned;
  }

  /** A snapshot up to `endOffset` replaces the log. */
  install(committed: readonly InternedEntry[], endOffset: number): void {
    for (let offset = 0; offset < endOffset; offset++)
      this.items[offset] = committed[offset] as InternedEntry;
    this.end = endOffset;
  }

  copy(other: Mirror): void {
    for (let offset = 0; offset < other.end; offset++)
      this.items[offset] = other.items[offset] as InternedEntry;
    this.end = other.end;
  }
}

/** What the checker knows of one replica: its log in memory, its log on disk, and its voter sets. */
export class Watch {
  memory = new Mirror();
  durable = new Mirror();
  /** Voters entries in `memory`, in order. */
  steps: InternedEntry[] = [];
  /** The voter set before the first voters entry. */
  initial: readonly Voter[];
  epoch = 0;
  durableEpoch = 0;
  highWatermark = 0;
  role = 'unattached';
  snapshotEnd = 0;
  steppedCount = 0;

  constructor(initial: readonly Voter[]) {
    this.initial = initial;
  }

  /** The voter set in force on this replica, according to its own log. */
  get voters(): readonly Voter[] {
    const step = this.steps.at(-1);
    return step?.voters ?? this.initial;
  }

  /** The voter set that was in force after the entries below `endOffset`. */
  votersBefore(endOffset: number): readonly Voter[] {
    for (let at = this.steps.length - 1; at >= 0; at--) {
      const step = this.steps[at] as InternedEntry;
      if (step.offset < endOffset) return step.voters as readonly Voter[];
    }
    return this.initial;
  }

  rebuildSteps(): void {
    this.steps = [];
    for (let offset = 0; offset < this.memory.end; offset++) {
      const interned = this.memory.items[offset] as InternedEntry;
      if (interned.voters !== null) this.steps.push(interned);
    }
  }
}

export function sameVoters(a: readonly Voter[], b: readonly Voter[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((voter, at) => sameVoter(voter, b[at] as Voter));
}

function sameVoter(a: Voter, b: Voter): boolean {
  return a.id === b.id && a.directoryId === b.directoryId && a.endpoints[0]?.port === b.endpoints[0]?.port;
}

/** The number of members that only one of two sets has. A member whose directory id becomes known counts as the same. */
export function difference(a: readonly Voter[], b: readonly Voter[]): number {
  const lacks = (set: readonly Voter[], key: ReplicaKey): boolean =>
    !set.some((voter) => isVoter(voter, key));
  const gone = a.filter((voter) => lacks(b, voter) && !b.some((other) => isVoter(voter, other))).length;
  const added = b.filter((voter) => lacks(a, voter) && !a.some((other) => isVoter(voter, other))).length;
  return gone + added;
}

/** The ids of the voters as text, such as `{n1 n2 n3}`. */
export function votersText(voters: readonly Voter[]): string {
  return `{${voters.map((voter) => `n${voter.id}`).join(' ')}}`;
}
