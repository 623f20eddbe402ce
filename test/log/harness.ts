/**
 * For tests of the log: a log on a simulated disk, with a clock and timers that the test advances.
 */
import type { Clock, Scheduler, Timer } from '../../src/base/clock.ts';
import { FilePool } from '../../src/log/segment/file-pool.ts';
import { IndexCache } from '../../src/log/segment/index-cache.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';
import type { LogResources, PartitionLogOptions } from '../../src/log/log-state.ts';
import { LogManager } from '../../src/log/manager/log-manager.ts';
import type { LogManagerOptions } from '../../src/log/manager/log-manager-options.ts';
import { defaultLogManagerSettings, type LogManagerSettings } from '../../src/log/manager/log-settings.ts';
import { PartitionLog } from '../../src/log/partition-log.ts';
import { TailCache } from '../../src/log/tail-cache.ts';
import type { BatchOptions } from '../../src/protocol/records/builder.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { decodeRecords } from '../../src/protocol/records/record.ts';
import { batches } from '../../src/protocol/records/batch.ts';
import type { FileSystem } from '../../src/base/file-system.ts';
import { WindowsDisk } from '../../src/simulation/windows-disk.ts';
import { SimulatedDisk } from '../../src/simulation/disk.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import { type Logger, silentLogger } from '../../src/telemetry/logger.ts';

export class ManualClock implements Clock, Scheduler {
  nowMs = 1_700_000_000_000;
  #timers: { atMs: number; callback: () => void; cancelled: boolean }[] = [];

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.nowMs + delayMs, callback, cancelled: false };
    this.#timers.push(timer);
    return {
      cancel: () => {
        timer.cancelled = true;
      },
    };
  }

  soon(callback: () => void): void {
    this.after(0, callback);
  }

  /** Advances the time, runs all timers that are due, and waits for the work that they start. */
  async advance(byMs: number): Promise<void> {
    this.nowMs += byMs;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= this.nowMs);
      if (due.length === 0) return;
      this.#timers = this.#timers.filter((timer) => timer.atMs > this.nowMs);
      for (const timer of due) if (!timer.cancelled) timer.callback();
      await settle();
    }
  }
}

/** Waits until all promises that can settle now have settled. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

export const topicId = 'sIwPhf7eRmGKij2_-IkFVg';

export class Bench {
  readonly clock = new ManualClock();
  readonly disk: SimulatedDisk;
  readonly fs: FileSystem;
  readonly random = new SeededRandom(7);
  failures: unknown[] = [];
  /** Level and message of each warning and error that was logged. */
  readonly logged: [string, string][] = [];
  /** The fields of each entry in `logged`. */
  readonly fields: Record<string, unknown>[] = [];
  readonly logger: Logger = {
    ...silentLogger,
    warn: (message, fields) => this.#say('warn', message, fields),
    error: (message, fields) => this.#say('error', message, fields),
    child: () => this.logger,
  };

  constructor(fs?: FileSystem, tearSeed?: number) {
    this.disk = new SimulatedDisk({
      clock: this.clock,
      ...(tearSeed === undefined ? {} : { random: new SeededRandom(tearSeed) }),
    });
    // `DISK=windows npm test -- test/log` runs all tests of the log under the file system rules of Windows.
    this.fs = fs ?? (process.env['DISK'] === 'windows' ? new WindowsDisk(this.disk) : this.disk);
  }

  #say(level: string, message: string, fields: Record<string, unknown> = {}): void {
    this.logged.push([level, message]);
    this.fields.push(fields);
  }

  resources(tailBytes = 1024 * 1024): LogResources {
    return {
      fs: this.fs,
      files: new FilePool(this.fs, 4),
      indexes: new IndexCache(4096),
      onIndexFault: (segment) => this.logger.warn('an index is rebuilt', { segment }),
      tails: new TailCache(tailBytes),
      clock: this.clock,
      scheduler: this.clock,
      random: this.random,
      logger: this.logger,
    };
  }

  options(config: Partial<LogConfig> = {}, more: Partial<PartitionLogOptions> = {}): PartitionLogOptions {
    return {
      directory: '/data/t-0',
      topic: 't',
      partition: 0,
      topicId,
      config: { ...defaultLogConfig, ...config },
      resources: this.resources(),
      callbacks: {
        onFailure: (error) => this.failures.push(error),
        persistRecoveryPoints: async () => undefined,
        onTouched: () => undefined,
        onOffsetMoved: () => undefined,
      },
      isClean: true,
      recoveryPoint: 0,
      logStartOffset: 0,
      highWatermark: 0,
      directoryExists: false,
      ...more,
    };
  }

  async create(
    config: Partial<LogConfig> = {},
    more: Partial<PartitionLogOptions> = {},
  ): Promise<PartitionLog> {
    await this.fs.makeDirectory('/data');
    await this.fs.syncDirectory('/');
    return await PartitionLog.open(this.options(config, more));
  }

  reopen(config: Partial<LogConfig> = {}, more: Partial<PartitionLogOptions> = {}): Promise<PartitionLog> {
    return PartitionLog.open(this.options(config, { directoryExists: true, ...more }));
  }
}

export const client = { origin: 'client', requestVersion: 12 } as const;

const encoder = new TextEncoder();

export function batchOf(
  values: readonly string[],
  options: BatchOptions & { timestamp?: number; key?: string | null } = {},
): Uint8Array {
  const { timestamp = 1_700_000_000_000, key = 'k', ...rest } = options;
  const records = values.map((value, i) => ({
    key: key === null ? null : encoder.encode(key),
    value: encoder.encode(value),
    timestamp: timestamp + i,
  }));
  return buildBatch({ records, ...rest });
}

/** Offset and value of each record in `bytes`. */
export function valuesIn(bytes: Uint8Array): [number, string][] {
  const decoder = new TextDecoder();
  return batches(bytes).headers.flatMap((header) =>
    decodeRecords(header).map((record): [number, string] => [
      record.offset,
      decoder.decode(record.value ?? new Uint8Array()),
    ]),
  );
}

/** Offset and value of every readable record; reads the log in steps of `stepBytes`. */
export async function readAll(log: PartitionLog, stepBytes = 300): Promise<[number, string][]> {
  const found: [number, string][] = [];
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const result = await log.read(offset, stepBytes, log.logEndOffset, true);
    if (result.records.length === 0) break;
    found.push(...valuesIn(result.records).filter(([at]) => at >= offset));
    offset = result.nextOffset;
  }
  return found;
}

const directories = [
  { path: '/a', id: 'sIwPhf7eRmGKij2_-IkFVg' },
  { path: '/b', id: 'IMsRZd3lSUK8fqfTgo2UDg' },
] as const;
/** The ids of the directories `/a` and `/b`. */
export const [idA, idB] = directories.map(({ id }) => id) as [string, string];

async function makeManager(
  bench: Bench,
  count: 1 | 2,
  config: LogConfig,
  more: Partial<LogManagerOptions>,
): Promise<LogManager> {
  const used = directories.slice(0, count);
  for (const { path } of used) await bench.fs.makeDirectory(path);
  await bench.fs.syncDirectory('/');
  return new LogManager({
    fs: bench.fs,
    clock: bench.clock,
    scheduler: bench.clock,
    random: bench.random,
    logger: bench.logger,
    directories: used,
    settings: { ...defaultLogManagerSettings, locksDirectories: false },
    configOf: () => config,
    onDirectoryFailure: (_directory, error) => bench.failures.push(error),
    ...more,
  });
}

async function startManager(...options: Parameters<typeof makeManager>): Promise<LogManager> {
  const logs = await makeManager(...options);
  await logs.start();
  return logs;
}

/** A LogManager with the directories `/a` and `/b` that is not started yet. */
export function managerOfTwo(bench: Bench, config: LogConfig): Promise<LogManager> {
  return makeManager(bench, 2, config, {});
}

/** A started LogManager with the one directory `/a`. */
export function openManager(
  bench: Bench,
  config: LogConfig = defaultLogConfig,
  settings: Partial<LogManagerSettings> = {},
): Promise<LogManager> {
  const all = { ...defaultLogManagerSettings, locksDirectories: false, ...settings };
  return startManager(bench, 1, config, { settings: all });
}

/** A started LogManager with the directories `/a` and `/b`. */
export function openManagerOfTwo(
  bench: Bench,
  config: LogConfig,
  more: Partial<LogManagerOptions> = {},
): Promise<LogManager> {
  return startManager(bench, 2, config, more);
}

/** The process of this log has ended: the object must not be used any more, and the files stay as they are. */
export function endProcess(log: PartitionLog): void {
  Object.assign(log.state, { isClosed: true });
}
