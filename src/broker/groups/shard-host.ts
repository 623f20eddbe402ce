/**
 * Drives the shard of one partition that this broker leads: loads it, feeds it requests, deadlines and outcomes of writes,
 * and performs what it puts out: appends, answers, log lines.
 *
 * Order of a step: its writes are queued, then its answers leave, then the timer is set. An answer that promises durability
 * was put out by the outcome of the write, so it can't overtake it.
 */
import { mark } from '../../base/mark.ts';
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import { sleep } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { finishLoading } from '../../group/replay.ts';
import { createShard, nextDeadlineMs, step } from '../../group/shard.ts';
import { createTurn, type Shard } from '../../group/turn.ts';
import type { GroupConfig, Input, Output, Write } from '../../group/types.ts';
import { type ErrorRow, Errors, errorRowOf, KafkaError } from '../../protocol/errors.ts';
import type { CompressionType } from '../../protocol/records/batch.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { PartitionReplica } from '../services.ts';
import { loadShard } from './shard-loader.ts';
import { type SnapshotLimits, ShardSnapshots, snapshotLimits } from './shard-snapshots.ts';
import { WriteQueue } from './write-queue.ts';

export interface ShardHostOptions {
  readonly partition: PartitionReplica;
  readonly groupConfig: GroupConfig;
  readonly commitTimeoutMs: number;
  readonly loadBufferBytes: number;
  readonly compression: CompressionType;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** When the log is written anew. */
  readonly snapshots?: SnapshotLimits;
  /** Storage or leadership failed under it: this host is done for. */
  readonly onLost: (host: ShardHost) => void;
}

type State = 'loading' | 'active' | 'closed';

/** A timer never sleeps longer than this: the largest delay that Node's timers take is near. */
const sleepMaxMs = 3_600_000;
/** A timer that is later than this means that the whole process stood still. */
const pauseMs = 100;
/** How long loading waits for the high watermark to pass what was loaded before it serves all the same. */
const commitWaitMs = 10_000;

export class ShardHost {
  readonly partition: PartitionReplica;
  readonly shard: Shard;
  readonly #options: ShardHostOptions;
  readonly #queue: WriteQueue;
  readonly #snapshots: ShardSnapshots;
  readonly #waiting = new Map<number, (response: unknown) => void>();
  #state: State = 'loading';
  #nextToken = 1;
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(options: ShardHostOptions) {
    const { partition, clock, scheduler, random, groupConfig } = options;
    this.partition = partition;
    this.#options = options;
    this.shard = createShard(groupConfig, random, this.#now());
    this.#queue = new WriteQueue({
      partition,
      clock,
      scheduler,
      timeoutMs: options.commitTimeoutMs,
      compression: options.compression,
      onLost: (error) => {
        this.close(error);
        options.onLost(this);
      },
    });
    this.#snapshots = new ShardSnapshots({
      partition,
      shard: this.shard,
      queue: this.#queue,
      logger: options.logger,
      limits: options.snapshots ?? snapshotLimits,
    });
  }

  /** Loads; never rejects. The groups are served once it resolves, unless the host was closed meanwhile. */
  async load(): Promise<void> {
    const { partition, clock, scheduler, logger, loadBufferBytes } = this.#options;
    const name = `${partition.topic}-${partition.index}`;
    const startedMs = clock.monotonicMs();
    const isWanted = () => this.#state === 'loading' && partition.isLeader;
    try {
      const { shard } = this;
      const bufferBytes = loadBufferBytes;
      const loaded = await loadShard({ partition, shard, clock, scheduler, logger, bufferBytes, isWanted });
      if (loaded === null) return;
      await this.#committed(loaded.endOffset, isWanted);
      if (!isWanted()) return;
      this.#state = 'active';
      this.#snapshots.loaded(loaded.sizeBytes);
      const turn = createTurn(shard, this.#now());
      for (const group of shard.groups.values()) finishLoading(turn, group);
      this.#perform(turn);
      if (shard.groups.size > 0)
        logger.info('loaded groups', {
          partition: name,
          groups: shard.groups.size,
          records: loaded.endOffset,
          ms: Math.round(clock.monotonicMs() - startedMs),
        });
    } catch (error) {
      if (!isWanted()) return;
      mark('group.load-failed');
      logger.error('groups could not be loaded', { partition: name, error: String(error) });
      this.close(Errors.NOT_COORDINATOR);
      // The log failing is the replica manager's affair, and it knows; anything else is a bug of ours.
      if (errorRowOf(error) === Errors.UNKNOWN_SERVER_ERROR) throw error;
    }
  }

  /** What the former leader had not committed yet may only be shown once it is. */
  async #committed(endOffset: number, isWanted: () => boolean): Promise<void> {
    const { partition, scheduler, logger } = this.#options;
    if (partition.highWatermark >= endOffset) return;
    mark('group.load-waits-for-commit');
    let stop = (): void => undefined;
    const passed = new Promise<boolean>((resolve) => {
      stop = partition.watch(() => {
        if (partition.highWatermark >= endOffset || !isWanted()) resolve(true);
      });
    });
    const inTime = await Promise.race([passed, sleep(scheduler, commitWaitMs).then(() => false)]);
    stop();
    if (!inTime)
      logger.warn('groups are served though the end of their log is not committed', {
        partition: `${partition.topic}-${partition.index}`,
      });
  }

  /** Throws the error that says why this broker can't answer for the groups of the partition now. */
  requireActive(): void {
    if (this.#state === 'closed' || !this.partition.isLeader) throw new KafkaError(Errors.NOT_COORDINATOR);
    if (this.#state === 'loading') throw new KafkaError(Errors.COORDINATOR_LOAD_IN_PROGRESS);
  }

  get isActive(): boolean {
    return this.#state === 'active' && this.partition.isLeader;
  }

  get isLoading(): boolean {
    return this.#state === 'loading' && this.partition.isLeader;
  }

  /** The response, at once when the shard has it at once. */
  request<Response>(input: (token: number) => Input): Response | Promise<Response> {
    this.requireActive();
    const token = this.#nextToken++;
    let known: { readonly response: Response } | null = null;
    let resolve: ((response: Response) => void) | null = null;
    this.#waiting.set(token, (response) => {
      if (resolve === null) known = { response: response as Response };
      else resolve(response as Response);
    });
    this.#step(input(token));
    const answered = known as { readonly response: Response } | null;
    if (answered !== null) return answered.response;
    return new Promise((fulfil) => {
      resolve = fulfil;
    });
  }

  /** An input that nobody waits for. */
  tell(input: Input): void {
    if (this.#state === 'active') this.#step(input);
  }

  /** Gives up: whoever waits gets `error`. */
  close(error: ErrorRow): void {
    if (this.#state === 'closed') return;
    const wasActive = this.#state === 'active';
    this.#state = 'closed';
    this.#queue.close();
    this.#timer?.cancel();
    if (wasActive) this.#answer(step(this.shard, { type: 'resign', error }, this.#now()));
  }

  #now() {
    const { clock } = this.#options;
    return { nowMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }

  #step(input: Input): void {
    this.#perform(step(this.shard, input, this.#now()));
  }

  #perform(output: Output): void {
    for (const write of output.writes) this.#queue.add(write.records, this.#outcome(write));
    this.#answer(output);
    this.#setTimer();
    this.#snapshots.consider();
  }

  #answer(output: Output): void {
    for (const { level, message, fields } of output.notes) this.#options.logger[level](message, fields);
    for (const { token, response } of output.replies) {
      const answer = this.#waiting.get(token);
      this.#waiting.delete(token);
      answer?.(response);
    }
  }

  #outcome({ id: writeId }: Write) {
    return {
      written: () => this.tell({ type: 'written', writeId }),
      failed: (error: ErrorRow) => this.tell({ type: 'failed', writeId, error }),
      timedOut: (error: ErrorRow) => this.tell({ type: 'timedOut', writeId, error }),
    };
  }

  #setTimer(): void {
    const { clock, scheduler } = this.#options;
    const atMs = nextDeadlineMs(this.shard);
    if (atMs >= this.#timerAtMs || this.#state !== 'active') return;
    this.#timer?.cancel();
    const delayMs = Math.min(sleepMaxMs, Math.max(0, atMs - clock.monotonicMs()));
    this.#timerAtMs = atMs;
    this.#timer = scheduler.after(delayMs, () => {
      const lateMs = clock.monotonicMs() - atMs;
      const tick = (): void => {
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.tell({ type: 'tick' });
      };
      // After a pause of the process the members' heartbeats lie in the sockets: they are heard before anybody is declared dead.
      if (lateMs > pauseMs) scheduler.soon(tick);
      else tick();
    });
  }
}
