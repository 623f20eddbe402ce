/**
 * Runs the shard of one partition that this broker leads: it loads the shard, passes requests, deadlines and outcomes of writes
 * to it, and carries out its output (appends, responses, log lines).
 *
 * The output of a step is carried out in this order: queue its writes, send its responses, carry out the coordinator's own
 * outputs, set the timer. A shard outputs a response that promises durability only in the step for the outcome of the write, so
 * the response cannot be sent too early.
 */
import { mark } from '../../base/mark.ts';
import type { Clock, Scheduler, Timer } from '../../base/clock.ts';
import { WatchList } from '../../base/watch-list.ts';
import type { Output, RuntimeInput, StateMachine, StepContext } from '../../coordinator/types.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { type ErrorRow, Errors, errorRowOf, KafkaError } from '../../protocol/errors.ts';
import type { CompressionType } from '../../protocol/records/batch.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { DelayedOperation, Purgatory } from '../purgatory/delayed-operation.ts';
import type { PartitionReplica } from '../services.ts';
import { type Loaded, loadShard } from './shard-loader.ts';
import { WriteQueue } from './write-queue.ts';

/** Settings that all shards of a coordinator share. */
export interface HostSettings<Shard, Input, Out extends Output> {
  readonly machine: StateMachine<Shard, Input, Out>;
  /** A write that is not committed within this time gets COORDINATOR_NOT_AVAILABLE. */
  readonly writeTimeoutMs: number;
  readonly loadBufferBytes: number;
  readonly compression: CompressionType;
  /** The error for the client when records are too large for the log. */
  readonly tooLarge: ErrorRow;
  /** Carries out the outputs that only this coordinator has. It passes results back with `host.submit`. */
  readonly perform?: (output: Out, host: ShardHost<Shard, Input, Out>) => void;
  readonly metadata: () => MetadataImage;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export interface ShardHostOptions<Shard, Input, Out extends Output> extends HostSettings<Shard, Input, Out> {
  readonly partition: PartitionReplica;
  /** Called when the storage or the leadership has failed: this host can no longer be used. */
  readonly onLost: (host: ShardHost<Shard, Input, Out>) => void;
}

type State = 'loading' | 'active' | 'closed';

/**
 * The longest delay of a timer. It is below the largest delay that Node's timers allow; a tick that comes early does no harm.
 */
const sleepMaxMs = 3_600_000;
/** A timer that is late by more than this shows that the process was paused. */
const pauseMs = 100;
/** If the end of the log stays uncommitted for this long during loading, a warning is logged. */
const commitWarnMs = 10_000;

export class ShardHost<Shard, Input, Out extends Output = Output> {
  readonly partition: PartitionReplica;
  readonly shard: Shard;
  readonly #options: ShardHostOptions<Shard, Input, Out>;
  readonly #queue: WriteQueue;
  /** By token: what to do with the response to a pending request. */
  readonly #pending = new Map<number, (response: unknown) => void>();
  readonly #closing = new WatchList();
  #state: State = 'loading';
  #nextToken = 1;
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(options: ShardHostOptions<Shard, Input, Out>) {
    const { partition, clock, scheduler, machine } = options;
    this.partition = partition;
    this.#options = options;
    this.shard = machine.create(this.#context());
    this.#queue = new WriteQueue({
      partition,
      clock,
      scheduler,
      timeoutMs: options.writeTimeoutMs,
      compression: options.compression,
      tooLarge: options.tooLarge,
      listener: {
        written: (writeId) => this.inform({ type: 'written', writeId }),
        failed: (writeId, error) => this.inform({ type: 'failed', writeId, error }),
        timedOut: (writeId, error) => this.inform({ type: 'timedOut', writeId, error }),
        lost: (error) => this.#lost(error),
      },
    });
  }

  get #name(): string {
    return `${this.partition.topic}-${this.partition.index}`;
  }

  /**
   * Loads the partition. Afterwards the host serves requests, unless it was closed meanwhile. An error of the log closes the
   * host and does not reject.
   */
  async load(): Promise<void> {
    const { partition, clock, scheduler, logger, machine, loadBufferBytes: bufferBytes } = this.#options;
    const startedMs = clock.monotonicMs();
    const { shard } = this;
    const isWanted = (): boolean => this.isLoading;
    try {
      const loaded = await loadShard({
        partition,
        machine,
        shard,
        clock,
        scheduler,
        logger,
        bufferBytes,
        isWanted,
      });
      if (loaded === null || !(await this.#committed(loaded.endOffset))) return;
      this.#state = 'active';
      this.#perform(machine.loaded(shard, this.#context()));
      this.#logLoaded(loaded, clock.monotonicMs() - startedMs);
    } catch (error) {
      if (!isWanted()) return;
      mark('coordinator.load-failed');
      logger.error('a partition could not be loaded', { partition: this.#name, error: String(error) });
      this.close(Errors.NOT_COORDINATOR);
      // The replica manager handles errors of the log. Any other error is a bug.
      if (errorRowOf(error) === Errors.UNKNOWN_SERVER_ERROR) throw error;
    }
  }

  #logLoaded({ batchCount, sizeBytes }: Loaded, ms: number): void {
    if (batchCount === 0) return;
    const fields = { partition: this.#name, batches: batchCount, bytes: sizeBytes, ms: Math.round(ms) };
    this.#options.logger.info('loaded a partition', fields);
  }

  /**
   * Waits until everything that was loaded is committed: the former leader may have left uncommitted records, which must not be
   * visible yet. Resolves to false if the host was closed meanwhile.
   */
  async #committed(endOffset: number): Promise<boolean> {
    const { partition, scheduler, logger } = this.#options;
    const purgatory = new Purgatory(scheduler, 1);
    while (this.isLoading && partition.highWatermark < endOffset) {
      mark('coordinator.load-waits-for-commit');
      const isLate = await new Promise<boolean>((onComplete) => {
        const tryComplete = (): boolean => !this.isLoading || partition.highWatermark >= endOffset;
        const options = { purgatory, timeoutMs: commitWarnMs, tryComplete, onComplete };
        new DelayedOperation(options).start([partition, this.#closing]);
      });
      if (isLate)
        logger.warn('a partition is not served yet: the end of its log is not committed', {
          partition: this.#name,
          endOffset,
          highWatermark: partition.highWatermark,
        });
    }
    return this.isLoading;
  }

  /** Throws the error that clients get if this broker cannot serve the partition now. */
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

  /** Passes a request to the shard. Returns the response, or a promise of it if the shard does not have it at once. */
  request<Response>(input: (token: number) => Input): Response | Promise<Response> {
    this.requireActive();
    const token = this.#nextToken++;
    let known: { readonly response: Response } | null = null;
    let resolve: ((response: Response) => void) | null = null;
    this.#pending.set(token, (response) => {
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

  /** Passes an input without a response to the shard; ignored if the host is not active. */
  submit(input: Input): void {
    if (this.#state === 'active') this.#step(input);
  }

  /** Passes one of the inputs that the shards of every coordinator handle. */
  inform(input: RuntimeInput): void {
    if (this.#state === 'active') this.#step(input);
  }

  /** Closes the host. Pending requests get `error`. */
  close(error: ErrorRow): void {
    if (this.#state === 'closed') return;
    const wasActive = this.#state === 'active';
    this.#state = 'closed';
    this.#queue.close();
    this.#timer?.cancel();
    this.#closing.notify();
    if (!wasActive) return;
    const { machine } = this.#options;
    this.#answer(machine.step(this.shard, { type: 'resign', error }, this.#context()));
  }

  #lost(error: ErrorRow): void {
    this.close(error);
    this.#options.onLost(this);
  }

  #context(): StepContext {
    const { clock, metadata, partition } = this.#options;
    return {
      nowMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
      image: metadata(),
      leaderEpoch: partition.leaderEpoch,
    };
  }

  #step(input: Input | RuntimeInput): void {
    this.#perform(this.#options.machine.step(this.shard, input, this.#context()));
  }

  #perform(output: Out): void {
    for (const write of output.writes) this.#queue.add(write);
    this.#answer(output);
    this.#options.perform?.(output, this);
    this.#setTimer();
  }

  #answer(output: Output): void {
    for (const { level, message, fields } of output.notes) this.#options.logger[level](message, fields);
    for (const { token, response } of output.replies) {
      const answer = this.#pending.get(token);
      this.#pending.delete(token);
      answer?.(response);
    }
  }

  #setTimer(): void {
    const { clock, scheduler, machine } = this.#options;
    const atMs = machine.nextDeadlineMs(this.shard);
    if (atMs >= this.#timerAtMs || this.#state !== 'active') return;
    this.#timer?.cancel();
    const delayMs = Math.min(sleepMaxMs, Math.max(0, atMs - clock.monotonicMs()));
    this.#timerAtMs = atMs;
    this.#timer = scheduler.after(delayMs, () => {
      const lateMs = clock.monotonicMs() - atMs;
      const tick = (): void => {
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.inform({ type: 'tick' });
      };
      // While the process was paused, heartbeats of members have arrived in the sockets. They are handled first, so that no
      // session expires wrongly.
      if (lateMs > pauseMs) scheduler.soon(tick);
      else tick();
    });
  }
}
