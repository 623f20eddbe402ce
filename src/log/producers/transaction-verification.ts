/**
 * The transactions of one partition that are being verified (KIP-890). A verification begins when the leader asks the transaction
 * coordinator whether the producer's transaction is open, and ends with the first batch of that transaction. Without verification a
 * delayed batch could begin a transaction that its coordinator has ended, and that transaction would never end.
 *
 * Invariant: a guard admits a batch only until a batch of its producer, or the marker of its transaction, is appended; a later
 * request gets another guard.
 */

/** Identifies one verification. The code that asks the coordinator keeps it and passes it to the append of the batch. */
export interface VerificationGuard {
  readonly producerId: number;
}

export interface VerificationRequest {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** First sequence of the batch to be verified. */
  readonly sequence: number;
  /** The client uses transactions version 2: its sequences begin at 0 with the epoch of each transaction. */
  readonly supportsEpochBump: boolean;
}

interface Verification {
  readonly guard: VerificationGuard;
  readonly supportsEpochBump: boolean;
  readonly beganMs: number;
  producerEpoch: number;
  /** The smallest sequence of this epoch: a batch that overtook it on the network must not be the first in the log. */
  lowestSequence: number;
}

export class TransactionVerifications {
  readonly #byProducer = new Map<number, Verification>();

  /** All pending batches of a producer share one guard. */
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

  /** Whether `guard` belongs to the producer's newest verification. */
  isCurrent(guard: VerificationGuard): boolean {
    return this.#byProducer.get(guard.producerId)?.guard === guard;
  }

  /** The verification in progress for a producer. */
  get(producerId: number): Pick<Verification, 'lowestSequence' | 'supportsEpochBump'> | null {
    return this.#byProducer.get(producerId) ?? null;
  }

  /** The transaction has begun in this log. */
  end(producerId: number): void {
    this.#byProducer.delete(producerId);
  }

  /**
   * A marker is appended. A marker of transactions version 2 (`raisesEpoch`) has the epoch of the next transaction: a verification
   * of that epoch belongs to a transaction that the marker does not end. That transaction may have begun before the marker arrived,
   * because a producer continues as soon as the end is decided.
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
