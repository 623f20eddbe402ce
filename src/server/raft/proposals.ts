/**
 * Proposals of this node that are not committed yet, and reads that wait until the entries that they must see are delivered. A
 * proposal resolves when its entry is delivered. When the leadership is lost, all pending proposals are rejected, because a new
 * leader may commit other entries at their offsets.
 */
import { assert } from '../../base/assert.ts';

interface Waiting {
  readonly resolve: (offset: number) => void;
  readonly reject: (error: Error) => void;
}

export class Proposals {
  readonly #byTicket = new Map<number, Waiting>();
  /** The proposals that the core has accepted, in the order of their offsets. */
  #byOffset: { readonly offset: number; readonly waiting: Waiting }[] = [];
  /** Reads that a majority has confirmed. They wait until everything below `endOffset` is delivered. */
  #reads: { readonly endOffset: number; readonly waiting: Waiting }[] = [];
  #nextTicket = 1;

  /** Returns a ticket for the core and a promise for the caller. */
  open(): { ticket: number; outcome: Promise<number> } {
    const ticket = this.#nextTicket++;
    const outcome = new Promise<number>((resolve, reject) => {
      this.#byTicket.set(ticket, { resolve, reject });
    });
    return { ticket, outcome };
  }

  accepted(ticket: number, offset: number): void {
    this.#byOffset.push({ offset, waiting: this.#take(ticket) });
  }

  refused(ticket: number, error: Error): void {
    this.#take(ticket).reject(error);
  }

  /**
   * Resolves the proposals below `endOffset`: they were committed in the epoch in which they were proposed, and are delivered.
   */
  delivered(endOffset: number): void {
    let count = 0;
    for (const { offset, waiting } of this.#byOffset) {
      if (offset >= endOffset) break;
      waiting.resolve(offset);
      count += 1;
    }
    if (count > 0) this.#byOffset.splice(0, count);
  }

  readReady(ticket: number, endOffset: number): void {
    this.#reads.push({ endOffset, waiting: this.#take(ticket) });
  }

  /** Resolves the reads up to `endOffset`, which is delivered. A confirmed read resolves even if this node no longer leads. */
  resolveReads(endOffset: number): void {
    let count = 0;
    for (const { endOffset: wanted, waiting } of this.#reads) {
      if (wanted > endOffset) break;
      waiting.resolve(wanted);
      count += 1;
    }
    if (count > 0) this.#reads.splice(0, count);
  }

  /** Rejects all proposals that the core has accepted, because the leadership is lost or the node stops. */
  rejectAccepted(error: Error): void {
    const lost = this.#byOffset;
    this.#byOffset = [];
    for (const { waiting } of lost) waiting.reject(error);
  }

  rejectAll(error: Error): void {
    this.rejectAccepted(error);
    for (const { waiting } of this.#reads) waiting.reject(error);
    this.#reads = [];
    for (const waiting of this.#byTicket.values()) waiting.reject(error);
    this.#byTicket.clear();
  }

  #take(ticket: number): Waiting {
    const waiting = this.#byTicket.get(ticket);
    assert(waiting !== undefined, 'a proposal is answered once');
    this.#byTicket.delete(ticket);
    return waiting;
  }
}
