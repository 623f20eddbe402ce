/**
 * Names of files and directories in a log directory. They are exactly Kafka's, because Kafka's own tools and brokers must
 * recognise them; two files are not Kafka's, and Kafka ignores them. No I/O here.
 */
import type { Uuid } from '../base/uuid.ts';
import { uuidToBytes } from '../base/uuid.ts';

export const cleanShutdownName = '.kafka_cleanshutdown';
export const lockName = '.lock';
/** Not a file of Kafka. */
export const lostRecordsName = 'lost-records-checkpoint';
export const recoveryPointCheckpointName = 'recovery-point-offset-checkpoint';
export const highWatermarkCheckpointName = 'replication-offset-checkpoint';
export const logStartCheckpointName = 'log-start-offset-checkpoint';
export const cleanerCheckpointName = 'cleaner-offset-checkpoint';
export const leaderEpochCheckpointName = 'leader-epoch-checkpoint';
export const partitionMetadataName = 'partition.metadata';
/** Not a file of Kafka. */
export const segmentCheckpointName = 'segment-checkpoint';

export type SegmentExtension = 'log' | 'index' | 'timeindex' | 'txnindex' | 'snapshot';
/** The end of a file's name: '' for a file in use; another one while deletion or compaction handles the file. */
export type FileSuffix = '' | '.deleted' | '.cleaned' | '.swap';

const directoryNameMax = 255;
const segmentPattern = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)(\.deleted|\.cleaned|\.swap)?$/;
const partitionPattern = /^(.+)-(\d+)$/;

export function segmentFileName(
  offset: number,
  extension: SegmentExtension,
  suffix: FileSuffix = '',
): string {
  return `${String(offset).padStart(20, '0')}.${extension}${suffix}`;
}

export interface SegmentFileName {
  readonly offset: number;
  readonly extension: SegmentExtension;
  readonly suffix: FileSuffix;
}

/** The parts of the name of a segment's file; null for any other file, which is ignored. */
export function parseSegmentFileName(name: string): SegmentFileName | null {
  const match = segmentPattern.exec(name);
  if (match === null) return null;
  const offset = Number(match[1]);
  if (!Number.isSafeInteger(offset)) return null;
  return { offset, extension: match[2] as SegmentExtension, suffix: (match[3] ?? '') as FileSuffix };
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/**
 * The partition whose directory has this name; null for other names, also for those that end in `-delete`, `-stray` or
 * `-future`.
 */
export function parsePartitionDirectoryName(name: string): TopicPartition | null {
  const match = partitionPattern.exec(name);
  if (match === null) return null;
  const digits = match[2] as string;
  if (digits.length > 10 || (digits.length > 1 && digits.startsWith('0'))) return null;
  const topic = match[1] as string;
  return /^[A-Za-z0-9._-]+$/.test(topic) ? { topic, partition: Number(digits) } : null;
}

/**
 * The name of a partition directory that is not in use, such as `orders-0.<32 hex digits>-delete`. The topic name is shortened
 * so that the whole name has at most 255 characters. `delete`: will be removed; `stray`: does not belong to this broker;
 * `future`: the copy of a replica that is being moved to another log directory.
 */
export function markedDirectoryName(
  topic: string,
  partition: number,
  unique: Uuid,
  mark: 'delete' | 'stray' | 'future',
): string {
  const bytes = new Uint8Array(16);
  uuidToBytes(unique, bytes);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const suffix = `-${partition}.${hex}-${mark}`;
  return `${topic.slice(0, directoryNameMax - suffix.length)}${suffix}`;
}

/** The partition of a `…-future` directory; null for any other name. */
export function parseFutureDirectoryName(name: string): TopicPartition | null {
  const match = /^(.+)\.[0-9a-f]{32}-future$/.exec(name);
  return match === null ? null : parsePartitionDirectoryName(match[1] as string);
}

export function isDeletedDirectoryName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name);
}
