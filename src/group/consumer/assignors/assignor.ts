/**
 * The interface of a server-side assignor. Assignors are pure functions, and generators: they yield, so that a large group is
 * assigned in many short turns.
 */
import type { Uuid } from '../../../base/uuid.ts';

/** Partitions by topic id; each list in ascending order and without duplicates. */
export type Partitions = ReadonlyMap<Uuid, readonly number[]>;

export interface AssignorMember {
  readonly memberId: string;
  /** `group.instance.id`; null: a dynamic member. */
  readonly instanceId: string | null;
  /** Existing topics that it subscribes to. Members with the same subscription share one set. */
  readonly topicIds: ReadonlySet<Uuid>;
  /** The assignment of the last time, which a sticky assignor tries to keep. */
  readonly previous: Partitions;
}

export interface AssignorSpec {
  readonly members: readonly AssignorMember[];
  readonly partitionCount: (topicId: Uuid) => number;
}

export type Assignment = Map<string, Partitions>;

/** Each resumption makes at most about `stepSize` small operations. */
export type Assigning = Generator<void, Assignment, void>;

/** Assigns every partition of every subscribed topic to exactly one of its subscribers. */
export type Assignor = (spec: AssignorSpec) => Assigning;

/** Operations (a partition or a member examined) between two yields. */
export const stepSize = 1_000;

/** Yields after `stepSize` operations: `for (…) if (meter.tick()) yield;`. */
export class Meter {
  #left = stepSize;

  tick(): boolean {
    if (--this.#left > 0) return false;
    this.#left = stepSize;
    return true;
  }
}

/** True when every member subscribes to the same topics. */
export function isHomogeneous(members: readonly AssignorMember[]): boolean {
  const first = members[0]?.topicIds;
  return members.every(({ topicIds }) => topicIds === first);
}
