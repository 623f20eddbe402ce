/**
 * Reads a partition of an internal topic from its start to its end into a shard: the records (with the producer if they belong
 * to a transaction) and the markers that end transactions.
 *
 * A batch or record that cannot be decoded is skipped and logged, so that damage at one place does not make the whole partition
 * unavailable. As in Kafka, records of types that this release does not know are skipped too: there is one line for each type.
 */
import { mark } from '../../base/mark.ts';
import type { Clock, Scheduler } from '../../base/clock.ts';
import { yieldTurn } from '../../base/clock.ts';
import { type StateMachine, UnknownRecordTypeError } from '../../coordinator/types.ts';
import { DecodeError } from '../../protocol/codec/codec.ts';
import { type BatchHeader, batches, checkCrc } from '../../protocol/records/batch.ts';
import { endTransactionOf } from '../../protocol/records/control.ts';
import { decodeRecords, type KafkaRecord } from '../../protocol/records/record.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { PartitionReplica } from '../services.ts';

/** Loading yields to the event loop after this time. */
const sliceMs = 5;

export interface LoadOptions<Shard> {
  readonly partition: PartitionReplica;
  readonly machine: Pick<StateMachine<Shard, never>, 'replay' | 'replayEnd'>;
  readonly shard: Shard;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly bufferBytes: number;
  readonly isWanted: () => boolean;
}

export interface Loaded {
  /** The shard has everything before this offset. */
  readonly endOffset: number;
  readonly batchCount: number;
  readonly sizeBytes: number;
}

/**
 * Resolves to null if loading was aborted because `isWanted` returned false. Rejects with a `KafkaError` if the log cannot be
 * read.
 */
export async function loadShard<Shard>(options: LoadOptions<Shard>): Promise<Loaded | null> {
  const { partition, clock, scheduler, isWanted } = options;
  const unknown: UnknownTypes = new Map();
  let sizeBytes = 0;
  let batchCount = 0;
  let offset = partition.logStartOffset;
  const endOffset = partition.logEndOffset;
  let sliceEndMs = clock.monotonicMs() + sliceMs;
  while (offset < endOffset) {
    const { records } = await partition.fetch({
      offset,
      maxBytes: options.bufferBytes,
      minOneBatch: true,
      isolation: 'log_end',
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      allowFollower: false,
    });
    const { headers } = batches(records);
    if (headers.length === 0) break;
    for (const header of headers) {
      if (!isWanted()) {
        mark('coordinator.load-given-up');
        return null;
      }
      // The first batch may begin before the log start offset; its records before that offset are skipped.
      replayBatch(options, unknown, header, offset);
      sizeBytes += header.sizeBytes;
      batchCount++;
      offset = header.lastOffset + 1;
      if (clock.monotonicMs() < sliceEndMs) continue;
      await yieldTurn(scheduler);
      sliceEndMs = clock.monotonicMs() + sliceMs;
    }
  }
  reportUnknown(options, unknown);
  return isWanted() ? { endOffset, batchCount, sizeBytes } : null;
}

/** For each unknown record type: how many records have it, and the offset of the first one. */
type UnknownTypes = Map<number, { count: number; readonly firstOffset: number }>;

function reportUnknown<Shard>({ partition, logger }: LoadOptions<Shard>, unknown: UnknownTypes): void {
  for (const [keyType, { count, firstOffset }] of unknown)
    logger.warn('a coordinator ignores records of an unknown type', {
      partition: `${partition.topic}-${partition.index}`,
      keyType,
      count,
      firstOffset,
    });
}

function replayBatch<Shard>(
  options: LoadOptions<Shard>,
  unknown: UnknownTypes,
  header: BatchHeader,
  fromOffset: number,
): void {
  tolerate(options, header.baseOffset, () => {
    if (!checkCrc(header.bytes, header.at, header)) throw new DecodeError('the checksum is wrong');
    for (const record of decodeRecords(header)) {
      if (record.offset < fromOffset) continue;
      tolerate(options, record.offset, () => replayKnown(options, unknown, header, record));
    }
  });
}

function replayKnown<Shard>(
  options: LoadOptions<Shard>,
  unknown: UnknownTypes,
  header: BatchHeader,
  record: KafkaRecord,
): void {
  try {
    replayRecord(options, header, record);
  } catch (error) {
    if (!(error instanceof UnknownRecordTypeError)) throw error;
    const seen = unknown.get(error.keyType);
    if (seen === undefined) unknown.set(error.keyType, { count: 1, firstOffset: record.offset });
    else seen.count += 1;
  }
}

function replayRecord<Shard>(
  { machine, shard }: LoadOptions<Shard>,
  header: BatchHeader,
  record: KafkaRecord,
): void {
  const { producerId, producerEpoch } = header;
  const { key, value } = record;
  if (header.isControl) {
    const end = endTransactionOf(record);
    if (end !== null) machine.replayEnd(shard, { ...end, producerId, producerEpoch });
  } else if (key !== null) {
    machine.replay(shard, { key, value }, header.isTransactional ? { producerId, producerEpoch } : null);
  }
}

function tolerate<Shard>(options: LoadOptions<Shard>, offset: number, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { partition, logger } = options;
    logger.error('a damaged batch or record of a coordinator was skipped', {
      partition: `${partition.topic}-${partition.index}`,
      offset,
      error: error.message,
    });
  }
}
