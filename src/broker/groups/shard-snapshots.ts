/**
 * Keeps a partition of `__consumer_offsets` small without a log cleaner: when much of the log is out of date, the whole state is
 * written anew behind it and everything before is deleted (as DeleteRecords does, on all replicas).
 *
 * Why that is safe: slices of the state go through the write queue like all writes, and each is made at the moment when it is
 * appended, when nothing is under way and the state equals the log. So whatever a slice leaves out is behind it in the log,
 * or is gone. Only when all slices are replicated does the log before the first one go. A crash in between leaves both.
 */
import { groupSnapshot } from '../../group/snapshot.ts';
import type { Shard } from '../../group/turn.ts';
import type { GroupRecord } from '../../group/types.ts';
import { errorRowOf } from '../../protocol/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { PartitionReplica } from '../services.ts';
import type { WriteQueue } from './write-queue.ts';

export interface SnapshotLimits {
  /** Below this a log is not worth the work, however little of it is alive. */
  readonly logBytesMin: number;
  /** State bytes in one batch. */
  readonly sliceBytes: number;
}

export const snapshotLimits: SnapshotLimits = { logBytesMin: 16 * 1024 * 1024, sliceBytes: 128 * 1024 };
/** The log may grow to this many times the state. */
const growthFactor = 4;

export interface ShardSnapshotsOptions {
  readonly partition: PartitionReplica;
  readonly shard: Shard;
  readonly queue: WriteQueue;
  readonly logger: Logger;
  readonly limits: SnapshotLimits;
}

export class ShardSnapshots {
  readonly #options: ShardSnapshotsOptions;
  /** Log bytes before what `queue.appendedBytes` counts. */
  #bytesBefore = 0;
  /** Size of the state when it was last written. */
  #stateBytes = 0;
  #isRunning = false;

  constructor(options: ShardSnapshotsOptions) {
    this.#options = options;
  }

  loaded(sizeBytes: number): void {
    this.#bytesBefore = sizeBytes;
  }

  /** Starts when it is time; cheap when it is not. */
  consider(): void {
    const { queue, limits } = this.#options;
    const logBytes = this.#bytesBefore + queue.appendedBytes;
    if (this.#isRunning || logBytes < Math.max(limits.logBytesMin, growthFactor * this.#stateBytes)) return;
    this.#isRunning = true;
    this.#next(records(this.#options.shard), null, 0);
  }

  /** Puts the next slice into the queue; `startOffset` is where the first one went. */
  #next(rest: Iterator<GroupRecord>, startOffset: number | null, stateBytes: number): void {
    const { queue, partition, limits } = this.#options;
    let from = startOffset;
    let bytes = 0;
    queue.add(
      () => {
        // The log end offset is where this slice goes, since nothing else is under way.
        from ??= partition.logEndOffset;
        const slice: GroupRecord[] = [];
        while (bytes < limits.sliceBytes) {
          const { value, done } = rest.next();
          if (done === true) break;
          slice.push(value);
          bytes += value.key.length + (value.value?.length ?? 0);
        }
        return slice;
      },
      {
        written: () => {
          if (bytes > 0) this.#next(rest, from, stateBytes + bytes);
          else this.#finish(from ?? 0, stateBytes);
        },
        failed: () => this.#giveUp(),
        timedOut: () => undefined,
      },
    );
  }

  #finish(startOffset: number, stateBytes: number): void {
    const { partition, logger, queue } = this.#options;
    const name = `${partition.topic}-${partition.index}`;
    partition.deleteRecords(startOffset).then(
      () => {
        logger.info('wrote the state of the group log anew', { partition: name, stateBytes, startOffset });
        this.#stateBytes = stateBytes;
        this.#bytesBefore = stateBytes - queue.appendedBytes;
        this.#isRunning = false;
      },
      (error: unknown) => {
        logger.warn('the group log could not be cut', { partition: name, error: errorRowOf(error).name });
        this.#giveUp();
      },
    );
  }

  /** Tries again when as much again was written. */
  #giveUp(): void {
    this.#bytesBefore = -this.#options.queue.appendedBytes;
    this.#isRunning = false;
  }
}

function* records(shard: Shard): Generator<GroupRecord> {
  for (const group of shard.groups.values()) yield* groupSnapshot(group);
}
