/**
 * Control batches. Each has one record, which marks an event in the log, such as the end of a transaction. Brokers write them,
 * and clients skip them.
 */
import { decode, encode } from '../codec/codec.ts';
import { ControlRecordTypeSchema, EndTxnMarker } from '../messages/stored/control-records.ts';
import { buildBatch } from './builder.ts';
import type { KafkaRecord } from './record.ts';
import { encodeVersioned } from './versioned.ts';

export const controlType = { abort: 0, commit: 1, leaderChange: 2 } as const;

export interface EndTransaction {
  readonly type: 'commit' | 'abort';
  readonly coordinatorEpoch: number;
}

/**
 * The batch that ends a producer's transaction in a partition (a marker). Base offset and leader epoch are set at the append.
 */
export function endTransactionBatch(
  marker: EndTransaction & {
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly timestamp: number;
  },
): Uint8Array {
  return buildBatch({
    records: [
      {
        key: encodeVersioned(0, encode(ControlRecordTypeSchema, 0, { type: controlType[marker.type] })),
        value: encodeVersioned(0, encode(EndTxnMarker, 0, { coordinatorEpoch: marker.coordinatorEpoch })),
        timestamp: marker.timestamp,
      },
    ],
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    isTransactional: true,
    isControl: true,
  });
}

/** Reads the record of a control batch. Returns null when it is not the end of a transaction. */
export function endTransactionOf(record: KafkaRecord): EndTransaction | null {
  const { key, value } = record;
  if (key === null || key.length < 4 || value === null) return null;
  const { type } = decode(ControlRecordTypeSchema, 0, key, 2);
  if (type !== controlType.commit && type !== controlType.abort) return null;
  const { coordinatorEpoch } = decode(EndTxnMarker, 0, value, 2);
  return { type: type === controlType.commit ? 'commit' : 'abort', coordinatorEpoch };
}
