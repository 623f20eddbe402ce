/**
 * The interface of a server-side assignor. Assignors are pure functions, written as generators: they yield often, so that the
 * assignment of a large group can be spread over many short turns.
 */
import type { Uuid } from '../../../base/uuid.ts';

/** Partitions by topic id; each list in ascending order and without duplicates. */
export type Partitions = ReadonlyMap<Uuid, readonly number[]>;

export interface AssignorMember {
  readonly memberId: string;
  /** `group.instance.id`; null: a dynamic member. */
  readonly instanceId: string | null;
  /** The existing topics to which the member subscribes. Members with the same subscription share one set object. */
  readonly topicIds: ReadonlySet<Uuid>;
  /** The member's part of the last assignment. A sticky assignor tries to keep it. */
  readonly previous: Partitions;
}

export interface AssignorSpec {
  readonly members: readonly AssignorMember[];
  readonly partitionCount: (topicId: Uuid) => number;
}

export type Assignment = Map<string, Partitions>;

/** A running assignment. Between two yields it does about `stepSize` small operations. */
export type Assigning = Generator<void, Assignment, void>;

/** Assigns every partition of every subscribed topic to exactly one of its subscribers. */
export type Assignor = (spec: AssignorSpec) => Assigning;

/** How many operations an assignor does between two yields. One operation examines one partition or one member. */
export const stepSize = 1_000;

/** Counts operations, to yield after `stepSize` of them: `for (…) if (meter.tick()) yield;`. */
export class Meter {
  #left = stepSize;

  tick(): boolean {
    if (--this.#left > 0) return false;
    this.#left = stepSize;
    return true;
  }
}

/** Whether all members subscribe to the same topics. The sets are compared by identity: see `AssignorMember.topicIds`. */
export function isHomogeneous(members: readonly AssignorMember[]): boolean {
  const first = members[0]?.topicIds;
  return members.every(({ topicIds }) => topicIds === first);
}
