/**
 * The transactions of one partition that are being verified (KIP-890). Before the first batch of a transaction, the leader asks
 * the transaction coordinator whether the transaction is open. Without this, a delayed batch could arrive after the end of its
 * transaction; it would begin a transaction in the partition that nothing ends.
 *
 * A verification has a guard, an object that must be passed to the append of the batch. Invariant: a guard is valid until a
 * transactional batch of its producer, or the marker of its transaction, is appended. So a batch that was verified before the
 * marker is refused after it.
 */

/** Identifies one verification. The code that asks the coordinator keeps it and passes it to the append of the batch. */
export interface VerificationGuard {
  readonly producerId: number;
}

export interface VerificationRequest {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** The first sequence of the batch for which the verification is made. */
  readonly sequence: number;
  /** The client uses transaction version 2: its sequences begin at 0 with the epoch of each transaction. */
  readonly supportsEpochBump: boolean;
}

interface Verification {
  readonly guard: VerificationGuard;
  readonly supportsEpochBump: boolean;
  readonly beganMs: number;
  producerEpoch: number;
  /**
   * The smallest sequence that was to be verified in this epoch. A batch with a larger one must not be the first in the log.
   */
  lowestSequence: number;
}

export class TransactionVerifications {
  readonly #byProducer = new Map<number, Verification>();

  /** Begins a verification; all pending batches of a producer share one guard. */
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

  /** Ends the verification, because the log has a batch of the transaction now. */
  end(producerId: number): void {
    this.#byProducer.delete(producerId);
  }

  /**
   * Ends the verification of a transaction whose marker is appended. With transaction version 2 (`raisesEpoch`) the marker has
   * the epoch of the producer's next transaction. A verification with that epoch is for the next transaction, so it stays: the
   * producer may begin that transaction before the marker of the last one arrives here.
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
