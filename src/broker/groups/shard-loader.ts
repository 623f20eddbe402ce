/**
 * Reads a partition of `__consumer_offsets` from its start to its end into a shard. Offsets that were committed in a
 * transaction count from its commit marker on, and not at all when it was aborted.
 *
 * Does not decide when: leadership is the caller's. A batch or record that can't be read is left out and logged: damage in one
 * place must not take all other groups of the partition away.
 */
import { mark } from '../../base/mark.ts';
import type { Clock, Scheduler } from '../../base/clock.ts';
import { yieldTurn } from '../../base/clock.ts';
import { replay } from '../../group/replay.ts';
import type { Shard } from '../../group/turn.ts';
import type { GroupRecord } from '../../group/types.ts';
import { DecodeError } from '../../protocol/codec/codec.ts';
import { type BatchHeader, batches, checkCrc } from '../../protocol/records/batch.ts';
import { endTransactionOf } from '../../protocol/records/control.ts';
import { decodeRecords, type KafkaRecord } from '../../protocol/records/record.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { PartitionReplica } from '../services.ts';

/** Longest stretch of work before others get their turn. */
const sliceMs = 5;

export interface LoadOptions {
  readonly partition: PartitionReplica;
  readonly shard: Shard;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly bufferBytes: number;
  readonly isWanted: () => boolean;
}

export interface Loaded {
  /** Everything before this offset is in the shard. */
  readonly endOffset: number;
  readonly sizeBytes: number;
}

/** Null when it was given up because it is no longer wanted. Rejects with a `KafkaError` when the log can't be read. */
export async function loadShard(options: LoadOptions): Promise<Loaded | null> {
  const { partition, clock, scheduler, isWanted } = options;
  const replayer = new Replayer(options);
  let sizeBytes = 0;
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
        mark('group.load-given-up');
        return null;
      }
      // A batch may begin before the log start.
      replayer.batch(header, offset);
      sizeBytes += header.sizeBytes;
      offset = header.lastOffset + 1;
      if (clock.monotonicMs() < sliceEndMs) continue;
      await yieldTurn(scheduler);
      sliceEndMs = clock.monotonicMs() + sliceMs;
    }
  }
  return isWanted() ? { endOffset, sizeBytes } : null;
}

class Replayer {
  readonly #options: LoadOptions;
  /** Producer id → what its open transaction would commit. */
  readonly #open = new Map<number, GroupRecord[]>();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  batch(header: BatchHeader, fromOffset: number): void {
    this.#tolerate(header.baseOffset, () => {
      if (!checkCrc(header.bytes, header.at, header)) throw new DecodeError('the checksum does not fit');
      for (const record of decodeRecords(header)) {
        if (record.offset >= fromOffset) this.#tolerate(record.offset, () => this.#record(header, record));
      }
    });
  }

  #record(header: BatchHeader, record: KafkaRecord): void {
    const { key, value } = record;
    if (header.isControl) {
      const end = endTransactionOf(record);
      const held = end?.type === 'commit' ? (this.#open.get(header.producerId) ?? []) : [];
      if (end !== null) this.#open.delete(header.producerId);
      for (const one of held) this.#tolerate(record.offset, () => replay(this.#options.shard, one));
    } else if (key !== null) {
      if (header.isTransactional) this.#held(header.producerId).push(copyOf(key, value));
      else replay(this.#options.shard, { key, value });
    }
  }

  #held(producerId: number): GroupRecord[] {
    let held = this.#open.get(producerId);
    if (held === undefined) {
      held = [];
      this.#open.set(producerId, held);
    }
    return held;
  }

  #tolerate(offset: number, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const { partition, logger } = this.#options;
      logger.error('damage in the group log is left out', {
        partition: `${partition.topic}-${partition.index}`,
        offset,
        error: error.message,
      });
    }
  }
}

/** The read buffer holds up to `offsets.load.buffer.size` and must not live as long as an open transaction. */
function copyOf(key: Uint8Array, value: Uint8Array | null): GroupRecord {
  return { key: new Uint8Array(key), value: value === null ? null : new Uint8Array(value) };
}
