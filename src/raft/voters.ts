/**
 * The voter set, derived from the log: a `voters` entry is in force from its append (not its commit), and no longer when it is
 * truncated. So the set in force is a function of the log's prefix, the same on every replica.
 *
 * A leader changes the set with a `voters` entry that differs in one voter, after an entry of its own epoch and the previous set
 * are committed (`uncommittedFrom`).
 */
import { assert, at } from '../base/assert.ts';
import { uuidZero } from '../base/uuid.ts';
import type { Entry, Voter } from './types.ts';
import { decodeVoters } from './voter-set.ts';

interface Step {
  /** Offset of the entry; -1 for the set with which the log began. */
  readonly offset: number;
  readonly voters: readonly Voter[];
}

/**
 * Static voters come from the configuration alone, which may have changed (another host) since a snapshot recorded them. Voters
 * with directory ids come from the log.
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

  /** Offset of the entry with the set in force; -1 when the set is not from the log. */
  get currentOffset(): number {
    return (this.#steps.at(-1) as Step).offset;
  }

  /** The set in force just below `endOffset`, which a snapshot with this end contains. */
  before(endOffset: number): readonly Voter[] {
    let voters = at(this.#steps, 0).voters;
    for (const step of this.#steps) if (step.offset < endOffset) voters = step.voters;
    return voters;
  }

  append(entry: Entry): void {
    if (entry.kind !== 'voters') return;
    assert(entry.offset > this.currentOffset, 'voter sets are appended in order');
    this.#steps.push({ offset: entry.offset, voters: decodeVoters(entry.payload) });
  }

  /** Entries at or above `endOffset` were truncated. */
  truncate(endOffset: number): void {
    while (this.#steps.length > 1 && this.currentOffset >= endOffset) this.#steps.pop();
  }

  /** A snapshot replaced the log. */
  reset(voters: readonly Voter[], endOffset: number): void {
    this.#steps = [{ offset: Math.max(-1, endOffset - 1), voters }];
  }

  /** Sets that were replaced below `endOffset`, which is committed, are no longer needed. */
  compact(endOffset: number): void {
    while (this.#steps.length > 1 && at(this.#steps, 1).offset < endOffset) this.#steps.shift();
  }
}
