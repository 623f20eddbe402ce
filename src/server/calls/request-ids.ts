/** Assigns ids to the requests of this node, and knows the lowest id that may still be sent again. */
export class RequestIds {
  readonly #pending = new Set<number>();
  #next = 1;

  begin(): number {
    const id = this.#next++;
    this.#pending.add(id);
    return id;
  }

  /** The request will not be sent again. */
  end(id: number): void {
    this.#pending.delete(id);
  }

  /** A set iterates in the order of insertion, so the first id is the lowest. */
  get lowestPending(): number {
    for (const id of this.#pending) return id;
    return this.#next;
  }
}
