/**
 * The format of a producer snapshot (`<offset>.snapshot`): the state of all producers before that offset. It is Kafka's, which has
 * only the last batch of each producer: a version, then the message.
 */
import { decodeWithEnd, DecodeError, encode } from '../../protocol/codec/codec.ts';
import { ProducerSnapshot } from '../../protocol/messages/stored/producer-snapshot.ts';
import { crc32c } from '../../protocol/records/crc32c.ts';
import { writeInt32 } from '../../protocol/records/integers.ts';
import { encodeVersioned, versionedBodyAt, versionOf } from '../../protocol/records/versioned.ts';

/** Its `currentTxnFirstOffset` is -1 when no transaction is open. */
export type ProducerSnapshotEntry = ProducerSnapshot['producerEntries'][number];

const version = 1;
const crcAt = versionedBodyAt;
const crcEnd = 6;

export function encodeProducerSnapshot(producerEntries: readonly ProducerSnapshotEntry[]): Uint8Array {
  const bytes = encodeVersioned(version, encode(ProducerSnapshot, version, { crc: 0, producerEntries }));
  writeInt32(bytes, crcAt, crc32c(bytes, crcEnd));
  return bytes;
}

/** Null when the bytes are damaged: the snapshot is deleted and the state rebuilt from the log. */
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
