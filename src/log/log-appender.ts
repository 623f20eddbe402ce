/**
 * The append path of one log, up to the writer's queue: it validates batches, checks producers, assigns offsets, records leader
 * epochs, and decides when a new segment begins (a roll). All of it is synchronous, so offsets are assigned in call order.
 */
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { BatchHeader } from '../protocol/records/batch.ts';
import { batchHeader, checkCrc, setBaseOffset, setPartitionLeaderEpoch } from '../protocol/records/batch.ts';
import type { ValidBatch } from './records/append-validation.ts';
import { validateForLeader } from './records/append-validation.ts';
import { headerFault } from './segment/batch-scan.ts';
import { readMarker } from './records/control-batch.ts';
import { applyToProducers } from './recovery/log-replay.ts';
import type { LogState } from './log-state.ts';
import type { LogWriter, RollPlan } from './log-writer.ts';
import { encodeProducerSnapshot } from './producers/producer-snapshot.ts';
import type { AppendOrigin, ProducerBatch, Verification } from './producers/producer-state.ts';

export interface LogAppendInfo {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastLeaderEpoch: number;
  readonly maxTimestamp: number;
  /** -1 unless the topic uses LogAppendTime. */
  readonly logAppendTimeMs: number;
  /**
   * When the log already has the batch, because the producer has sent it again: its base offset; nothing is appended. Else
   * null.
   */
  readonly duplicateOf: number | null;
  readonly sizeBytes: number;
}

export interface AppendResult {
  readonly info: LogAppendInfo;
  /** Resolves when the batches are written (and synced, if `flush.messages` requires it); rejects with KAFKA_STORAGE_ERROR. */
  readonly written: Promise<void>;
}

export interface LeaderAppendOptions {
  readonly origin: AppendOrigin;
  /** The version of the Produce request; for batches that the broker makes itself, the newest version. */
  readonly requestVersion: number;
  /** The verification of a client's first batch of a transaction; none by default. */
  readonly verification?: Verification;
  /** `transaction.version` of the transaction that a marker ends; 1 by default. */
  readonly transactionVersion?: number;
}

const relativeOffsetMax = 0x7fff_ffff;

export class LogAppender {
  readonly #state: LogState;
  readonly #writer: LogWriter;

  constructor(state: LogState, writer: LogWriter) {
    this.#state = state;
    this.#writer = writer;
  }

  appendAsLeader(records: Uint8Array, leaderEpoch: number, options: LeaderAppendOptions): AppendResult {
    const state = this.#state;
    const nowMs = state.resources.clock.wallMs();
    const partition = `${state.options.topic}-${state.options.partition}`;
    const batches = validateForLeader(records, { config: state.config, partition, nowMs, ...options });
    const duplicate = this.#admit(batches, options);
    if (duplicate !== null) return this.#repeat(duplicate, leaderEpoch);
    const logAppendTimeMs = state.config.messageTimestampType === 'LogAppendTime' ? nowMs : -1;
    const firstOffset = state.nextOffset;
    let written = Promise.resolve();
    let sizeBytes = 0;
    let maxTimestamp = -1;
    for (const { bytes } of batches) {
      setBaseOffset(bytes, 0, state.nextOffset);
      setPartitionLeaderEpoch(bytes, 0, leaderEpoch);
      const header = batchHeader(bytes, 0);
      sizeBytes += header.sizeBytes;
      maxTimestamp = Math.max(maxTimestamp, header.maxTimestamp);
      written = this.#enqueue(bytes, header, nowMs);
    }
    const lastOffset = state.nextOffset - 1;
    const info = {
      firstOffset,
      lastOffset,
      lastLeaderEpoch: leaderEpoch,
      maxTimestamp,
      logAppendTimeMs,
      duplicateOf: null,
      sizeBytes,
    };
    return { info, written };
  }

  /**
   * Appends batches with the offsets that the leader gave them. Offsets must increase; compaction on the leader leaves gaps.
   */
  appendAsFollower(records: Uint8Array): AppendResult {
    const state = this.#state;
    const nowMs = state.resources.clock.wallMs();
    const headers = this.#checkReplicated(records);
    const firstOffset = headers[0]?.baseOffset ?? state.nextOffset;
    let written = Promise.resolve();
    let maxTimestamp = -1;
    let at = 0;
    for (const header of headers) {
      const bytes = records.subarray(at, at + header.sizeBytes);
      at += header.sizeBytes;
      maxTimestamp = Math.max(maxTimestamp, header.maxTimestamp);
      written = this.#enqueue(bytes, header, nowMs);
    }
    const lastLeaderEpoch = headers.at(-1)?.partitionLeaderEpoch ?? -1;
    const lastOffset = state.nextOffset - 1;
    const info = {
      firstOffset,
      lastOffset,
      lastLeaderEpoch,
      maxTimestamp,
      logAppendTimeMs: -1,
      duplicateOf: null,
      sizeBytes: records.length,
    };
    return { info, written };
  }

  /**
   * Throws when a producer may not append a batch. Returns the batch of the log that one of `batches` repeats; null: all are
   * new.
   */
  #admit(batches: readonly ValidBatch[], options: LeaderAppendOptions): ProducerBatch | null {
    const { producers } = this.#state;
    for (const { header } of batches) {
      if (header.producerId < 0) continue;
      const marker = header.isControl ? readMarker(header) : null;
      if (marker !== null) producers.admitMarker(marker, options.transactionVersion ?? 1);
      else if (!header.isControl) {
        const duplicate = producers.admit(header, options.origin, options.verification);
        if (duplicate !== null) return duplicate;
      }
    }
    return null;
  }

  #repeat(duplicate: ProducerBatch, leaderEpoch: number): AppendResult {
    const state = this.#state;
    const info = {
      firstOffset: duplicate.firstOffset,
      lastOffset: duplicate.lastOffset,
      lastLeaderEpoch: leaderEpoch,
      maxTimestamp: duplicate.timestampMs,
      logAppendTimeMs: state.config.messageTimestampType === 'LogAppendTime' ? duplicate.timestampMs : -1,
      duplicateOf: duplicate.firstOffset,
      sizeBytes: 0,
    };
    // The write of the first copy may still be pending, so a duplicate is acknowledged after it.
    const written = duplicate.lastOffset < state.logEndOffset ? Promise.resolve() : this.#writer.settled();
    return { info, written };
  }

  /**
   * Queues the write of a batch that has its offsets; updates leader epochs and producer state, and decides whether to roll.
   */
  #enqueue(bytes: Uint8Array, header: BatchHeader, nowMs: number): Promise<void> {
    const state = this.#state;
    // A new segment begins at the next offset, so that there is no gap: recovery takes a gap for lost records. Only when the
    // batch's last offset is too far from the next offset for an index entry, the segment begins at the batch.
    const tooFar = header.lastOffset - state.nextOffset > relativeOffsetMax;
    const roll = this.#mustRoll(header, nowMs)
      ? this.planRoll(tooFar ? header.baseOffset : state.nextOffset)
      : null;
    const { plan } = state;
    if (plan.sizeBytes === 0) plan.firstTimestamp = header.maxTimestamp;
    plan.sizeBytes += header.sizeBytes;
    state.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
    const aborted = applyToProducers(state.producers, header, nowMs);
    state.nextOffset = header.lastOffset + 1;
    return this.#writer.enqueue({
      bytes,
      firstOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      maxTimestamp: header.maxTimestamp,
      roll,
      aborted,
    });
  }

  #mustRoll(header: BatchHeader, nowMs: number): boolean {
    const { config, plan, active } = this.#state;
    if (plan.sizeBytes === 0) return header.lastOffset - plan.baseOffset > relativeOffsetMax;
    if (plan.sizeBytes > config.segmentBytes - header.sizeBytes) return true;
    if (header.lastOffset - plan.baseOffset > relativeOffsetMax) return true;
    const first = plan.firstTimestamp ?? -1;
    const waitedMs =
      first >= 0 && header.maxTimestamp >= 0 ? header.maxTimestamp - first : nowMs - plan.createdMs;
    if (waitedMs > config.segmentMs - plan.jitterMs) return true;
    return plan.baseOffset === active.baseOffset && active.loadedIndex.isFull(config.segmentIndexBytes);
  }

  /** Plans a new segment at `baseOffset`, to which later batches belong; returns what the writer needs to create it. */
  planRoll(baseOffset: number): RollPlan {
    const state = this.#state;
    const createdMs = state.resources.clock.wallMs();
    state.plan = { baseOffset, sizeBytes: 0, firstTimestamp: null, createdMs, jitterMs: state.jitterMs() };
    return { baseOffset, producerSnapshot: encodeProducerSnapshot(state.producers.snapshot()) };
  }

  /** Throws unless the batches of the leader are whole, valid and in order, so that damage is not replicated. */
  #checkReplicated(records: Uint8Array): BatchHeader[] {
    const headers: BatchHeader[] = [];
    let next = this.#state.nextOffset;
    let at = 0;
    while (at < records.length) {
      const fault = headerFault(records, at, records.length - at, next);
      if (fault !== null)
        throw new KafkaError(Errors.CORRUPT_MESSAGE, `The leader sent an invalid batch: ${fault}`);
      const header = batchHeader(records, at);
      if (!checkCrc(records, at, header))
        throw new KafkaError(Errors.CORRUPT_MESSAGE, 'The leader sent a batch with a wrong checksum');
      headers.push(header);
      next = header.lastOffset + 1;
      at += header.sizeBytes;
    }
    return headers;
  }
}
