/**
 * The voter set in force, derived from the log. A `voters` entry is in force from its append on (not only from its commit on),
 * and no longer when it is truncated. So replicas with the same log have the same voter set, unless it comes from their
 * configurations.
 *
 * A leader appends a new set only after the previous set and an entry of its own epoch are committed (`role/membership.ts`).
 */
import { assert, at } from '../base/assert.ts';
import { uuidZero } from '../base/uuid.ts';
import { type Entry, type ReplicaKey, type Voter, voterOf } from './types.ts';
import { decodeVoters } from './voter-set.ts';

interface Step {
  /** Offset of the entry; for the set of a snapshot, the offset of its last entry; -1 for the set with which the log began. */
  readonly offset: number;
  readonly voters: readonly Voter[];
}

/**
 * Which of two voter sets is in force: `stored` is from the log or a snapshot, `configured` from the configuration. Voters
 * without directory ids (static voters) are taken from the configuration, where an operator may have changed a host. Voters
 * with directory ids are taken from the log.
 */
export function votersInForce(stored: readonly Voter[], configured: readonly Voter[]): readonly Voter[] {
  const areStatic = stored.every((voter) => voter.directoryId === uuidZero);
  return areStatic && configured.length > 0 ? configured : stored;
}

export class VoterHistory {
  /** Invariant: never empty, offsets strictly increasing. */
  #steps: Step[];

  constructor(initial: readonly Voter[]) {
    this.#steps = [{ offset: -1, voters: initial }];
  }

  get current(): readonly Voter[] {
    return (this.#steps.at(-1) as Step).voters;
  }

  /** Offset of the entry with the set in force; for the set of a snapshot, the offset of its last entry; otherwise -1. */
  get currentOffset(): number {
    return (this.#steps.at(-1) as Step).offset;
  }

  /** The set that was in force after the entries below `endOffset`; a snapshot with this end offset stores it. */
  before(endOffset: number): readonly Voter[] {
    let voters = at(this.#steps, 0).voters;
    for (const step of this.#steps) if (step.offset < endOffset) voters = step.voters;
    return voters;
  }

  /** Whether `key` is a voter of a set that the log has, including replaced sets that are not compacted yet. */
  everHad(key: ReplicaKey): boolean {
    return this.#steps.some(({ voters }) => voterOf(voters, key) !== null);
  }

  append(entry: Entry): void {
    if (entry.kind !== 'voters') return;
    assert(entry.offset > this.currentOffset, 'voter sets are appended in order');
    this.#steps.push({ offset: entry.offset, voters: decodeVoters(entry.payload) });
  }

  /** Forgets the sets of entries at or above `endOffset`, which were truncated. */
  truncate(endOffset: number): void {
    while (this.#steps.length > 1 && this.currentOffset >= endOffset) this.#steps.pop();
  }

  /** Starts again with the voter set of a snapshot that has replaced the log. */
  reset(voters: readonly Voter[], endOffset: number): void {
    this.#steps = [{ offset: Math.max(-1, endOffset - 1), voters }];
  }

  /** Forgets the sets that a later set below `endOffset` has replaced: entries below it are committed and never truncated. */
  compact(endOffset: number): void {
    while (this.#steps.length > 1 && at(this.#steps, 1).offset < endOffset) this.#steps.shift();
  }
}
