/**
 * Prints records of `__remote_log_metadata` (KIP-405) as Java's toString prints them, because Kafka's tool does so. These
 * records have no key.
 */
import { decodeFrom } from '../../protocol/codec/codec.ts';
import { Reader } from '../../protocol/codec/reader.ts';
import {
  RemoteLogSegmentMetadataRecord,
  RemoteLogSegmentMetadataUpdateRecord,
  RemotePartitionDeleteMetadataRecord,
} from '../../protocol/messages/stored/remote-log-records.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import type { MessageParser } from './message-parsers.ts';

type Segment = Infer<typeof RemoteLogSegmentMetadataRecord>;
type SegmentUpdate = Infer<typeof RemoteLogSegmentMetadataUpdateRecord>;
type Deletion = Infer<typeof RemotePartitionDeleteMetadataRecord>;

const segmentStates = [
  'COPY_SEGMENT_STARTED',
  'COPY_SEGMENT_FINISHED',
  'DELETE_SEGMENT_STARTED',
  'DELETE_SEGMENT_FINISHED',
];
const deletionStates = ['DELETE_PARTITION_MARKED', 'DELETE_PARTITION_STARTED', 'DELETE_PARTITION_FINISHED'];

function partitionText({ id, name, partition }: Deletion['topicIdPartition']): string {
  return `${id}:${name}-${partition}`;
}

function segmentId({ topicIdPartition, id }: Segment['remoteLogSegmentId']): string {
  return `RemoteLogSegmentId{topicIdPartition=${partitionText(topicIdPartition)}, id=${id}}`;
}

function customText(bytes: Uint8Array | null): string {
  return bytes === null ? 'Optional.empty' : `Optional[CustomMetadata{${bytes.length} bytes}]`;
}

function segmentText(record: Segment): string {
  const epochs = record.segmentLeaderEpochs.map(({ leaderEpoch, offset }) => `${leaderEpoch}=${offset}`);
  return (
    `RemoteLogSegmentMetadata{remoteLogSegmentId=${segmentId(record.remoteLogSegmentId)}` +
    `, startOffset=${record.startOffset}, endOffset=${record.endOffset}, brokerId=${record.brokerId}` +
    `, maxTimestampMs=${record.maxTimestampMs}, eventTimestampMs=${record.eventTimestampMs}` +
    `, segmentLeaderEpochs={${epochs.join(', ')}}, segmentSizeInBytes=${record.segmentSizeInBytes}` +
    `, customMetadata=${customText(record.customMetadata)}, state=${segmentStates[record.remoteLogSegmentState]}` +
    `, txnIdxEmpty=${record.txnIndexEmpty}}`
  );
}

function updateText(record: SegmentUpdate): string {
  return (
    `RemoteLogSegmentMetadataUpdate{remoteLogSegmentId=${segmentId(record.remoteLogSegmentId)}` +
    `, customMetadata=${customText(record.customMetadata)}, state=${segmentStates[record.remoteLogSegmentState]}` +
    `, eventTimestampMs=${record.eventTimestampMs}, brokerId=${record.brokerId}}`
  );
}

function deletionText(record: Deletion): string {
  return (
    `RemotePartitionDeleteMetadata{topicPartition=${partitionText(record.topicIdPartition)}` +
    `, state=${deletionStates[record.remotePartitionDeleteState]}` +
    `, eventTimestampMs=${record.eventTimestampMs}, brokerId=${record.brokerId}}`
  );
}

/** The function that prints a record, by the type of the record. */
const texts: ReadonlyMap<number, (version: number, reader: Reader) => string> = new Map([
  [
    RemoteLogSegmentMetadataRecord.key,
    (version, reader) => segmentText(decodeFrom(RemoteLogSegmentMetadataRecord, version, reader)),
  ],
  [
    RemoteLogSegmentMetadataUpdateRecord.key,
    (version, reader) => updateText(decodeFrom(RemoteLogSegmentMetadataUpdateRecord, version, reader)),
  ],
  [
    RemotePartitionDeleteMetadataRecord.key,
    (version, reader) => deletionText(decodeFrom(RemotePartitionDeleteMetadataRecord, version, reader)),
  ],
]);

const frameVersion = 1;

export const remoteLogRecords: MessageParser = ({ value, offset }) => {
  try {
    const reader = new Reader(value ?? new Uint8Array(0), 0);
    const frame = reader.uvarint();
    if (frame !== frameVersion)
      throw new Error(
        `Could not deserialize metadata record due to unknown frame version ${frame}(only frame version ${frameVersion} is supported)`,
      );
    const key = reader.uvarint();
    const text = texts.get(key);
    if (text === undefined) throw new Error(`Unknown metadata id: ${key}`);
    return { key: null, payload: text(reader.uvarint(), reader) };
  } catch (error) {
    return { key: null, payload: `Error at offset ${offset}, skipping. ${(error as Error).message}` };
  }
};
