/**
 * An event of the raft world. Events are objects with plain fields and not closures, because a run makes millions of them and
 * objects are cheaper.
 */
import type { Replica } from './replica.ts';

export type EventKind =
  | 'message'
  | 'timer'
  | 'turn'
  | 'synced'
  | 'apply'
  | 'propose'
  | 'read'
  | 'change'
  | 'fault'
  | 'call';

export class SimEvent {
  readonly atMs: number;
  readonly order: number;
  readonly kind: EventKind;
  readonly replica: Replica | null;
  /** The incarnation of the replica to which the event belongs. Only a message is also delivered to a later incarnation. */
  readonly life: number;
  readonly value: unknown;
  readonly from: unknown;

  constructor(
    atMs: number,
    order: number,
    kind: EventKind,
    replica: Replica | null,
    life: number,
    value: unknown,
    from: unknown,
  ) {
    this.atMs = atMs;
    this.order = order;
    this.kind = kind;
    this.replica = replica;
    this.life = life;
    this.value = value;
    this.from = from;
  }
}
