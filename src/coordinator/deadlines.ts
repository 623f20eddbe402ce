/**
 * A heap of the deadlines of a shard. Each deadline object holds its own current time. Moving a deadline further into the
 * future, as each heartbeat does, changes only that field: the deadline's entry stays where it is in the heap, and is
 * reinserted with the new time when it reaches the top.
 *
 * Invariant: a deadline that is set has one current entry in the heap, and the time of that entry is not after the deadline.
 */
export class Deadline {
  /** The time at which it is due; infinite when it is not set. */
  atMs = Number.POSITIVE_INFINITY;
  /** Time of its current entry in the heap; infinite when it has none. */
  queuedAtMs = Number.POSITIVE_INFINITY;

  cancel(): void {
    this.atMs = Number.POSITIVE_INFINITY;
  }
}

interface Entry<D extends Deadline> {
  readonly atMs: number;
  readonly deadline: D;
}

/** `D`: the coordinator's subclass of `Deadline`, which says what is due. */
export class Deadlines<D extends Deadline> {
  readonly #heap: Entry<D>[] = [];

  set(deadline: D, atMs: number): void {
    deadline.atMs = atMs;
    if (atMs < deadline.queuedAtMs) this.#queue(deadline);
  }

  /** The earliest time at which `due` may return a deadline; infinite when no deadline is set. */
  nextMs(): number {
    this.#settle();
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Removes one deadline that is due at `nowMs` and returns it; null when none is due. */
  due(nowMs: number): D | null {
    this.#settle();
    const top = this.#heap[0];
    if (top === undefined || top.atMs > nowMs) return null;
    this.#pop();
    top.deadline.queuedAtMs = Number.POSITIVE_INFINITY;
    top.deadline.cancel();
    return top.deadline;
  }

  /** Number of entries in the heap, for tests that look for leaks. */
  get queuedCount(): number {
    return this.#heap.length;
  }

  /** Reinserts or drops entries with an outdated time until the top entry has the current time of its deadline. */
  #settle(): void {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return;
      const { deadline, atMs } = top;
      if (atMs === deadline.queuedAtMs && atMs === deadline.atMs) return;
      this.#pop();
      if (atMs !== deadline.queuedAtMs) continue;
      deadline.queuedAtMs = Number.POSITIVE_INFINITY;
      if (deadline.atMs !== Number.POSITIVE_INFINITY) this.#queue(deadline);
    }
  }

  #queue(deadline: D): void {
    deadline.queuedAtMs = deadline.atMs;
    const heap = this.#heap;
    const entry = { atMs: deadline.atMs, deadline };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const other = heap[parent] as Entry<D>;
      if (other.atMs <= entry.atMs) break;
      heap[i] = other;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry<D>;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Entry<D>).atMs < (heap[child] as Entry<D>).atMs)
        child++;
      if ((heap[child] as Entry<D>).atMs >= last.atMs) break;
      heap[i] = heap[child] as Entry<D>;
      i = child;
    }
    heap[i] = last;
  }
}
