/**
 * The offsets that a follower takes over from its leader: the high watermark, as far as its own log reaches, and the log start
 * offset, as far as its own high watermark allows.
 */
import { mark } from '../../base/mark.ts';
import { isDiskFailure, type ReplicaLog } from '../log-port.ts';
import { followerHighWatermark } from './follower-high-watermark.ts';

/** What happens when an offset has moved. Each method is called after the log has the new offset. */
export interface FollowerOffsetsListener {
  highWatermarkMoved(): void;
  logStartMoved(): void;
  /** The disk of the log has failed. */
  failed(error: unknown): void;
}

export class FollowerOffsets {
  readonly #log: ReplicaLog;
  readonly #listener: FollowerOffsetsListener;
  /** The high watermark that the leader has last sent; the follower's own is at most its log end offset. */
  #leaderHighWatermark = 0;
  /** Whether records below a new log start offset are being deleted. */
  #isDeleting = false;

  constructor(log: ReplicaLog, listener: FollowerOffsetsListener) {
    this.#log = log;
    this.#listener = listener;
  }

  /** The replica has another leader: what the former one has sent no longer counts. */
  reset(): void {
    this.#leaderHighWatermark = 0;
  }

  /** Called with the offsets in a message of the leader. */
  update(highWatermark: number, logStartOffset: number): void {
    this.#leaderHighWatermark = highWatermark;
    this.advanceHighWatermark();
    if (logStartOffset > this.#log.logStartOffset && logStartOffset <= this.#log.highWatermark)
      void this.#followLogStart(logStartOffset);
  }

  /** Called after each write too, because the log may now reach the leader's high watermark. */
  advanceHighWatermark(): void {
    const { highWatermark, logEndOffset } = this.#log;
    const next = followerHighWatermark(highWatermark, this.#leaderHighWatermark, logEndOffset);
    if (next === highWatermark) return;
    this.#log.setHighWatermark(next);
    this.#listener.highWatermarkMoved();
  }

  async #followLogStart(offset: number): Promise<void> {
    if (this.#isDeleting) return;
    this.#isDeleting = true;
    mark('replication.log-start-followed');
    try {
      await this.#log.deleteRecordsTo(offset);
    } catch (error) {
      if (isDiskFailure(error)) return this.#listener.failed(error);
      throw error;
    } finally {
      this.#isDeleting = false;
    }
    this.#listener.logStartMoved();
  }
}
