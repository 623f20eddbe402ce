/** The kinds of deadlines of a group shard. */
import { Deadline as Instant, Deadlines as Heap } from '../coordinator/deadlines.ts';

export type DeadlineKind =
  | 'session'
  | 'pending'
  | 'join'
  | 'sync'
  | 'sweep'
  // Only consumer groups have the following three.
  | 'rebalance'
  | 'assign'
  | 'regex';

export class Deadline extends Instant {
  readonly kind: DeadlineKind;
  readonly groupId: string;
  readonly memberId: string;

  constructor(kind: DeadlineKind, groupId = '', memberId = '') {
    super();
    this.kind = kind;
    this.groupId = groupId;
    this.memberId = memberId;
  }
}

export class Deadlines extends Heap<Deadline> {}
