/** Numbers of the requests that this node sends, and the lowest that it may still send again. */
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

  /** Sets keep the order of insertion: the first is the lowest. */
  get lowestPending(): number {
    for (const id of this.#pending) return id;
    return this.#next;
  }
}
