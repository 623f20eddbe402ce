/**
 * The format of a producer snapshot (`<offset>.snapshot`): the state of all producers after the records below that offset. It
 * is Kafka's format, a version and then a message, and has only the last batch of each producer.
 */
import { decodeWithEnd, DecodeError, encode } from '../../protocol/codec/codec.ts';
import { ProducerSnapshot } from '../../protocol/messages/stored/producer-snapshot.ts';
import { crc32c } from '../../protocol/records/crc32c.ts';
import { writeInt32 } from '../../protocol/records/integers.ts';
import { encodeVersioned, versionedBodyAt, versionOf } from '../../protocol/records/versioned.ts';

/** The state of one producer in a snapshot. `currentTxnFirstOffset` is -1 when it has no open transaction. */
export type ProducerSnapshotEntry = ProducerSnapshot['producerEntries'][number];

const version = 1;
const crcAt = versionedBodyAt;
const crcEnd = 6;

export function encodeProducerSnapshot(producerEntries: readonly ProducerSnapshotEntry[]): Uint8Array {
  const bytes = encodeVersioned(version, encode(ProducerSnapshot, version, { crc: 0, producerEntries }));
  writeInt32(bytes, crcAt, crc32c(bytes, crcEnd));
  return bytes;
}

/**
 * The content of a snapshot; null: it is damaged, or has another version. `loadSnapshot` then deletes it and tries the next
 * older one; the rest of the state is computed from the log.
 */
export function decodeProducerSnapshot(content: Uint8Array): readonly ProducerSnapshotEntry[] | null {
  if (versionOf(content) !== version || content.length < crcEnd) return null;
  try {
    const { value, end } = decodeWithEnd(ProducerSnapshot, version, content, crcAt);
    const isWhole = end === content.length && crc32c(content, crcEnd) === value.crc;
    return isWhole ? value.producerEntries : null;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
