/**
 * Prints index files, producer snapshots and aborted transactions as kafka-dump-log does. It also compares indexes with the
 * segment that they belong to.
 */
import { existsSync, readFileSync } from 'node:fs';
import { OffsetIndex, offsetIndexEntrySize } from '../../log/segment/offset-index.ts';
import { decodeProducerSnapshot } from '../../log/producers/producer-snapshot.ts';
import { TimeIndex, timeIndexEntrySize } from '../../log/segment/time-index.ts';
import { decodeAborted } from '../../log/segment/transaction-index.ts';
import { decodeRecords } from '../../protocol/records/record.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { LogFile } from './log-file.ts';
import { Mismatches } from './mismatches.ts';

export interface IndexSettings {
  /** Whether to print only mismatches. */
  readonly verifiesOnly: boolean;
  /** Whether to make only the check that Kafka's broker makes at its start. */
  readonly checksSanityOnly: boolean;
  readonly maxMessageBytes: number;
}

function baseOffsetOf(path: string): number {
  return Number((path.split('/').at(-1) ?? '').split('.')[0]);
}

/** Returns the path of the file with the same base offset and another suffix. */
function beside(path: string, suffix: string): string {
  return path.replace(/\.[a-z]+$/, suffix);
}

function readEntries(path: string, entrySize: number): Buffer {
  const content = readFileSync(path);
  return content.subarray(0, content.length - (content.length % entrySize));
}

/**
 * Throws, with Kafka's message, when the file ends with an incomplete entry, or when the offset of the last entry is below the
 * base offset of the segment.
 */
function checkSanity(path: string, entrySize: number, lastOffset: number, sizeBytes: number): void {
  if (sizeBytes % entrySize !== 0) {
    throw new ToolError(
      `Index file ${path} is corrupt, found ${sizeBytes} bytes which is neither positive nor a multiple of ${entrySize}.`,
    );
  }
  const baseOffset = baseOffsetOf(path);
  if (lastOffset < baseOffset) {
    throw new ToolError(
      `Corrupt index found, index file (${path}) has non-zero size but the last offset is ${lastOffset} which is less than the base offset ${baseOffset}`,
    );
  }
}

/** Prints offset and position of each entry, and compares it with the batch at that position. */
export function dumpOffsetIndex(
  path: string,
  settings: IndexSettings,
  mismatches: Mismatches,
  io: CliIo,
): void {
  const file = new LogFile(beside(path, '.log'));
  try {
    const index = new OffsetIndex(baseOffsetOf(path), readEntries(path, offsetIndexEntrySize));
    if (index.count === 0) return io.stdout(`${path} is empty.\n`);
    if (settings.checksSanityOnly) {
      const lastOffset = index.offsetAt(index.count - 1);
      checkSanity(path, offsetIndexEntrySize, lastOffset, readFileSync(path).length);
      return io.stdout(`${path} passed sanity check.\n`);
    }
    for (let slot = 0; slot < index.count; slot++) {
      const offset = index.offsetAt(slot);
      const position = index.positionAt(slot);
      // Indexes are preallocated. After a crash the rest of the file is zeros, which are not entries.
      if (offset === index.baseOffset && slot > 0) return;
      const first = file.batches(position, position + settings.maxMessageBytes).next().value;
      if (first === undefined) throw new ToolError(`No batch at position ${position} of ${file.path}.`);
      const { lastOffset } = first.header;
      if (lastOffset !== offset) mismatches.add(path, offset, lastOffset);
      if (!settings.verifiesOnly) io.stdout(`offset: ${offset} position: ${position}\n`);
    }
  } finally {
    file.close();
  }
}

/** Collects the errors in time indexes. They are printed at the end. */
export class TimeIndexErrors {
  readonly #mismatches = new Mismatches(
    (path) => `Found timestamp mismatch in :${path}`,
    (index, log) => `  Index timestamp: ${index}, log timestamp: ${log}`,
  );
  readonly #outOfOrder = new Mismatches(
    (path) => `Found out of order timestamp in :${path}`,
    (index, previous) => `  Index timestamp: ${index}, Previously indexed timestamp: ${previous}`,
  );
  readonly #notFound = new Mismatches(
    (path) => `The following indexed offsets are not found in :${path}`,
    (indexed, found) => `Indexed offset: ${indexed}, found log offset: ${found}`,
  );

  mismatch(path: string, indexTimestamp: number, logTimestamp: number): void {
    this.#mismatches.add(path, indexTimestamp, logTimestamp);
  }

  outOfOrder(path: string, indexTimestamp: number, previousTimestamp: number): void {
    this.#outOfOrder.add(path, indexTimestamp, previousTimestamp);
  }

  notFound(path: string, indexOffset: number, logOffset: number): void {
    this.#notFound.add(path, indexOffset, logOffset);
  }

  print(io: CliIo): void {
    this.#mismatches.print(io);
    this.#outOfOrder.print(io);
    this.#notFound.print(io);
  }
}

/** Prints timestamp and offset of each entry, and compares it with the batch that ends at that offset. */
export function dumpTimeIndex(
  path: string,
  settings: IndexSettings,
  errors: TimeIndexErrors,
  io: CliIo,
): void {
  const file = new LogFile(beside(path, '.log'));
  try {
    const baseOffset = baseOffsetOf(path);
    const offsets = new OffsetIndex(baseOffset, readEntries(beside(path, '.index'), offsetIndexEntrySize));
    const index = new TimeIndex(baseOffset, readEntries(path, timeIndexEntrySize));
    if (settings.checksSanityOnly) {
      checkSanity(path, timeIndexEntrySize, index.lastOffset(), readFileSync(path).length);
      return io.stdout(`${path} passed sanity check.\n`);
    }
    let previousTimestamp = -1;
    for (let slot = 0; slot < index.count; slot++) {
      const offset = index.offsetAt(slot);
      const timestamp = index.timestampAt(slot);
      if (offset === baseOffset && slot > 0) return;
      checkTimestamp(file, offsets.lookup(offset), { path, offset, timestamp, previousTimestamp }, errors);
      if (!settings.verifiesOnly) io.stdout(`timestamp: ${timestamp} offset: ${offset}\n`);
      previousTimestamp = timestamp;
    }
  } finally {
    file.close();
  }
}

interface TimeEntry {
  readonly path: string;
  readonly offset: number;
  readonly timestamp: number;
  readonly previousTimestamp: number;
}

function checkTimestamp(file: LogFile, position: number, entry: TimeEntry, errors: TimeIndexErrors): void {
  const { path, offset, timestamp, previousTimestamp } = entry;
  for (const { header } of file.batches(position)) {
    if (header.lastOffset < offset) continue;
    if (header.lastOffset !== offset) return errors.notFound(path, offset, header.lastOffset);
    const largest = decodeRecords(header).reduce((max, record) => Math.max(max, record.timestamp), -1);
    if (largest !== timestamp) errors.mismatch(path, timestamp, largest);
    if (previousTimestamp >= timestamp) errors.outOfOrder(path, timestamp, previousTimestamp);
    return;
  }
  errors.notFound(path, offset, -1);
}

/** Prints each producer of a producer snapshot with its last batch. */
export function dumpProducerSnapshot(path: string, io: CliIo): void {
  const entries = decodeProducerSnapshot(readFileSync(path));
  if (entries === null) return io.stderr(`Snapshot file '${path}' is corrupted\n`);
  for (const entry of entries) {
    const firstOffset = entry.currentTxnFirstOffset;
    const open = firstOffset < 0 ? 'OptionalLong.empty' : `OptionalLong[${firstOffset}]`;
    let line =
      `producerId: ${entry.producerId} producerEpoch: ${entry.epoch}` +
      ` coordinatorEpoch: ${entry.coordinatorEpoch} currentTxnFirstOffset: ${open}` +
      ` lastTimestamp: ${entry.timestamp}`;
    if (entry.lastSequence >= 0) {
      line +=
        ` firstSequence: ${entry.lastSequence - entry.offsetDelta} lastSequence: ${entry.lastSequence}` +
        ` lastOffset: ${entry.lastOffset} offsetDelta: ${entry.offsetDelta} timestamp: ${entry.timestamp}`;
    }
    io.stdout(`${line}\n`);
  }
}

/** Prints the aborted transactions of a segment. */
export function dumpTransactionIndex(path: string, io: CliIo): void {
  // A segment without aborted transactions has no such file. Kafka's tool prints nothing for it.
  if (!existsSync(path)) return;
  const entries = decodeAborted(readFileSync(path));
  if (entries === null) throw new ToolError(`${path} is damaged.`);
  for (const { producerId, firstOffset, lastOffset, lastStableOffset } of entries) {
    io.stdout(
      `version: 0 producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset} lastStableOffset: ${lastStableOffset}\n`,
    );
  }
}
