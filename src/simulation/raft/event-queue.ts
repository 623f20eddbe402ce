/**
 * Events by virtual time; those of the same moment in the order in which they were added. A binary heap of plain records:
 * the hot loop of the simulation allocates one object an event and no closure.
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
  /** Life of the replica to which the event belongs; messages reach later lives. */
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

function before(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export class EventQueue {
  readonly #heap: SimEvent[] = [];

  get size(): number {
    return this.#heap.length;
  }

  peek(): SimEvent | undefined {
    return this.#heap[0];
  }

  push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as SimEvent;
      if (!before(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  pop(): SimEvent | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    const count = heap.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && before(heap[child + 1] as SimEvent, heap[child] as SimEvent)) child += 1;
      const below = heap[child] as SimEvent;
      if (!before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
