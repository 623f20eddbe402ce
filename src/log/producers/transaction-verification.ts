/**
 * Which transactions of one partition are being verified (KIP-890): between a producer's question whether its transaction is open, put
 * to the transaction coordinator by the leader, and the first batch of that transaction. Without it a batch that was late on the
 * network could begin a transaction that its coordinator has ended, and that one would never end.
 *
 * Invariant: a guard admits a batch only until a batch of its producer, or the marker of its transaction, is appended; a later
 * request gets another guard.
 */

/** Stands for one verification. The code that asks the coordinator keeps it, and passes it to the append of the batch. */
export interface VerificationGuard {
  readonly producerId: number;
}

export interface VerificationRequest {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** First sequence of the batch that waits. */
  readonly sequence: number;
  /** Of a client with transactions version 2, whose sequences begin at 0 with each transaction's epoch. */
  readonly supportsEpochBump: boolean;
}

interface Verification {
  readonly guard: VerificationGuard;
  readonly supportsEpochBump: boolean;
  readonly beganMs: number;
  producerEpoch: number;
  /** The smallest of this epoch: a batch that overtook it on the way must not be the first in the log. */
  lowestSequence: number;
}

export class TransactionVerifications {
  readonly #byProducer = new Map<number, Verification>();

  /** One guard for all batches of a producer that wait together. */
  begin(request: VerificationRequest, nowMs: number): VerificationGuard {
    const { producerId, producerEpoch, sequence, supportsEpochBump } = request;
    let known = this.#byProducer.get(producerId);
    if (known === undefined) {
      const guard: VerificationGuard = { producerId };
      known = { guard, supportsEpochBump, beganMs: nowMs, producerEpoch, lowestSequence: sequence };
      this.#byProducer.set(producerId, known);
    } else if (producerEpoch > known.producerEpoch) {
      known.producerEpoch = producerEpoch;
      known.lowestSequence = sequence;
    } else if (producerEpoch === known.producerEpoch) {
      known.lowestSequence = Math.min(known.lowestSequence, sequence);
    }
    return known.guard;
  }

  /** Whether `guard` is that of the producer's newest verification. */
  isCurrent(guard: VerificationGuard): boolean {
    return this.#byProducer.get(guard.producerId)?.guard === guard;
  }

  /** What is being verified for a producer. */
  get(producerId: number): Pick<Verification, 'lowestSequence' | 'supportsEpochBump'> | null {
    return this.#byProducer.get(producerId) ?? null;
  }

  /** The transaction has begun in this log. */
  end(producerId: number): void {
    this.#byProducer.delete(producerId);
  }

  /**
   * A marker is appended. One of transactions version 2 (`raisesEpoch`) has the epoch of the next transaction: a verification of that
   * epoch is about a transaction which the marker does not end. It may well have begun before the marker came, since a producer goes
   * on as soon as the end is decided.
   */
  marked(producerId: number, markerEpoch: number, raisesEpoch: boolean): void {
    const known = this.#byProducer.get(producerId);
    if (known === undefined) return;
    const isNext = raisesEpoch && known.supportsEpochBump && known.producerEpoch >= markerEpoch;
    if (!isNext) this.#byProducer.delete(producerId);
  }

  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, { beganMs }] of this.#byProducer)
      if (nowMs - beganMs >= expirationMs) this.#byProducer.delete(producerId);
  }

  clear(): void {
    this.#byProducer.clear();
  }
}
