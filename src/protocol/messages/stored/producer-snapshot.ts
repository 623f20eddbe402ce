/**
 * The content of a `.snapshot` file: the state of the producers of a partition. The CRC covers all bytes after it. Producer ids
 * and timestamps come from clients, so they may be any number.
 */
import { array, int16, int32, int64, message, uint32, type Infer } from '../../schema/fields.ts';

export const ProducerSnapshot = message(
  'ProducerSnapshot',
  { versions: '1', flexible: 'none' },
  {
    crc: uint32(),
    producerEntries: array({
      producerId: int64(),
      epoch: int16(),
      lastSequence: int32(),
      lastOffset: int64(),
      offsetDelta: int32(),
      timestamp: int64(),
      coordinatorEpoch: int32(),
      currentTxnFirstOffset: int64(),
    }),
  },
);
export type ProducerSnapshot = Infer<typeof ProducerSnapshot>;
