/**
 * Metrics of the durations of disk operations. `measured` returns a file system that measures reads, writes and syncs. Flushes
 * of partition logs, which are several calls, are measured as a whole. LevelDB, which stores the metadata log, does not use
 * this file system; its time is part of the commit latency of the quorum.
 */
import type { Clock } from '../../base/clock.ts';
import type { FileHandle, FileSystem } from '../../base/file-system.ts';
import { Quantiles } from '../../telemetry/quantiles.ts';
import { type Collector, type MetricName, type Sink, tellQuantiles } from '../../telemetry/metrics.ts';

type Operation = 'read' | 'write' | 'sync';

export class DiskMetrics {
  readonly #clock: Clock;
  readonly #calls: Readonly<Record<Operation, Quantiles>>;
  readonly #flushes: Quantiles;

  constructor(clock: Clock) {
    this.#clock = clock;
    const make = (): Quantiles => new Quantiles(clock.monotonicMs());
    this.#calls = { read: make(), write: make(), sync: make() };
    this.#flushes = make();
  }

  /** Returns `fs` with its reads, writes and syncs measured, also those that fail. */
  measured(fs: FileSystem): FileSystem {
    return {
      open: async (path, mode) => this.#handle(await fs.open(path, mode)),
      stat: (path) => fs.stat(path),
      list: (path) => fs.list(path),
      readFile: (path) => this.#time('read', () => fs.readFile(path)),
      makeDirectory: (path) => fs.makeDirectory(path),
      rename: (from, to) => fs.rename(from, to),
      remove: (path) => fs.remove(path),
      syncDirectory: (path) => this.#time('sync', () => fs.syncDirectory(path)),
      lock: (path) => fs.lock(path),
      volume: (path) => fs.volume(path),
    };
  }

  /** Called when a partition log was synced. */
  flushed(durationMs: number): void {
    this.#flushes.add(durationMs, this.#clock.monotonicMs());
  }

  readonly collect: Collector = (sink) => {
    for (const [operation, durations] of Object.entries(this.#calls))
      this.#tell(sink, 'bendemann_disk_timems', durations, [operation]);
    this.#tell(sink, 'kafka_log_logflushstats_logflushrateandtimems', this.#flushes, []);
  };

  #tell(sink: Sink, name: MetricName, durations: Quantiles, labels: readonly string[]): void {
    tellQuantiles(sink, name, durations, labels, this.#clock.monotonicMs());
  }

  #handle(handle: FileHandle): FileHandle {
    return {
      read: (target, offset, length, position) =>
        this.#time('read', () => handle.read(target, offset, length, position)),
      write: (buffers, position) => this.#time('write', () => handle.write(buffers, position)),
      sync: () => this.#time('sync', () => handle.sync()),
      truncate: (sizeBytes) => handle.truncate(sizeBytes),
      close: () => handle.close(),
    };
  }

  async #time<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    const sinceMs = this.#clock.monotonicMs();
    try {
      return await run();
    } finally {
      const nowMs = this.#clock.monotonicMs();
      this.#calls[operation].add(nowMs - sinceMs, nowMs);
    }
  }
}
