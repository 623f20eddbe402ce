/**
 * Writes snapshots of the metadata on every controller, so that older log entries can be deleted. A snapshot is due after a
 * number of bytes of new records (metadata.log.max.record.bytes.between.snapshots) or after a time
 * (metadata.log.max.snapshot.interval.ms). The image is immutable, so the encoder may let the event loop do other work between
 * pieces without reading a changed image.
 */
import type { Scheduler, Timer } from '../../base/clock.ts';
import { yieldTurn } from '../../base/clock.ts';
import type { MetadataLoader } from '../../metadata/loader.ts';
import { concatenated, encodeSnapshot } from '../../metadata/snapshot.ts';
import type { CommittedEntry, MetadataLog, MetadataLogListener } from '../../raft/api.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface SnapshotWriterOptions {
  readonly log: MetadataLog;
  /** Added to the log as a listener before this writer. */
  readonly loader: MetadataLoader;
  readonly bytesMax: number;
  /** 0: no snapshots by time. */
  readonly intervalMs: number;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export class SnapshotWriter implements MetadataLogListener {
  readonly #options: SnapshotWriterOptions;
  #newBytes = 0;
  #timer: Timer | null = null;
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
  }

  onCommit(entries: readonly CommittedEntry[]): void {
    for (const entry of entries) this.#newBytes += entry.payload.length;
    if (this.#newBytes === 0 || this.#closed) return;
    if (this.#newBytes >= this.#options.bytesMax) this.#begin();
    else this.#arm();
  }

  onSnapshot(): void {
    this.#newBytes = 0;
  }

  onLeaderChange(): void {}

  onActivated(): void {}

  onDeactivated(): void {}

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#writing;
  }

  #arm(): void {
    const { intervalMs, scheduler } = this.#options;
    if (intervalMs <= 0 || this.#timer !== null) return;
    this.#timer = scheduler.after(intervalMs, () => this.#begin());
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#writing !== null) return;
    this.#newBytes = 0;
    this.#writing = this.#write().then(
      () => {
        this.#writing = null;
      },
      (error: unknown) => {
        this.#writing = null;
        this.#options.logger.error('The metadata snapshot could not be written', { error: String(error) });
      },
    );
  }

  async #write(): Promise<void> {
    const { loader, log, scheduler, logger } = this.#options;
    const { image } = loader;
    const pieces: Uint8Array[] = [];
    for (const piece of encodeSnapshot(image)) {
      pieces.push(piece);
      await yieldTurn(scheduler);
      if (this.#closed) return;
    }
    const bytes = concatenated(pieces);
    await log.saveSnapshot(image.offset, image.epoch, bytes);
    logger.info('Wrote a snapshot of the metadata', { offset: image.offset, sizeBytes: bytes.length });
  }
}
