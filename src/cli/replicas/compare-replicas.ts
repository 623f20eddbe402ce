/** Compares the batches of the replicas of a partition, for kafka-replica-verification. Pure. */
import type { BatchHeader } from '../../protocol/records/batch.ts';

export interface ReplicaBatches {
  readonly broker: number;
  /** -1 when the broker gave no records of the partition: it did not respond, or with an error. */
  readonly highWatermark: number;
  readonly batches: readonly Pick<BatchHeader, 'lastOffset' | 'crc'>[];
}

export interface Comparison {
  /** Below this offset all replicas were compared. The next comparison begins here. */
  readonly nextOffset: number;
  readonly problems: readonly string[];
  /** Whether batches of the replicas end at different offsets. Then the comparison cannot continue. */
  readonly isFatal: boolean;
}

/**
 * Compares batch by batch, from `offset` on, and ends after the first position at which a replica has no batch below its high
 * watermark. At that position the other replicas are still compared, but `nextOffset` does not pass it.
 */
export function compareReplicas(
  partition: string,
  offset: number,
  replicas: readonly ReplicaBatches[],
): Comparison {
  const problems: string[] = [];
  let nextOffset = offset;
  for (let at = 0; ; at++) {
    const row = replicas.flatMap(({ broker, highWatermark, batches }) => {
      const batch = batches[at];
      return batch === undefined || batch.lastOffset >= highWatermark ? [] : [{ broker, batch }];
    });
    const [first, ...others] = row;
    if (first === undefined) return { nextOffset, problems, isFatal: false };
    for (const { broker, batch } of others) {
      if (batch.lastOffset !== first.batch.lastOffset) {
        problems.push(
          `partition ${partition}: replica ${first.broker}'s offset ${first.batch.lastOffset} doesn't match replica ${broker}'s offset ${batch.lastOffset}`,
        );
        return { nextOffset, problems, isFatal: true };
      }
      if (batch.crc !== first.batch.crc) {
        problems.push(
          `partition ${partition} has unmatched checksum at offset ${batch.lastOffset}; replica ${first.broker}'s checksum ${first.batch.crc}; replica ${broker}'s checksum ${batch.crc}`,
        );
      }
    }
    if (row.length < replicas.length) return { nextOffset, problems, isFatal: false };
    nextOffset = first.batch.lastOffset + 1;
  }
}
