/**
 * Assigns ids to the requests of this node. With each request the node sends `lowestPending`, so that the receiver can forget
 * the results of requests with lower ids, which will not be sent again.
 */
export class RequestIds {
  readonly #pending = new Set<number>();
  #next = 1;

  begin(): number {
    const id = this.#next++;
    this.#pending.add(id);
    return id;
  }

  /** The request has ended: it will not be sent again. */
  end(id: number): void {
    this.#pending.delete(id);
  }

  /** The lowest id that may be sent again. A Set iterates in the order of insertion, so its first id is the lowest. */
  get lowestPending(): number {
    for (const id of this.#pending) return id;
    return this.#next;
  }
}
