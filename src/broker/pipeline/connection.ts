/**
 * One client connection: reads frames, starts requests, and sends responses in the order of the requests.
 *
 * - A request starts when all earlier requests of the connection are complete. A request of an `ordered` handler starts as soon
 *   as the earlier ones have done their ordered part, unless the client has exceeded its `request_percentage`. So at most one
 *   decoded request waits; meanwhile nothing is read from the connection.
 * - Responses are sent in the order of the requests, in whatever order they complete. Responses that complete in the same turn
 *   of the event loop are sent with one write.
 * - Nothing is read while responses wait for the socket, the memory budget has no room, or too many requests are in progress.
 * - When a client quota is exceeded, the response is sent at once, and the connection is muted for the throttle time (KIP-219).
 * - Input that is not a Kafka request closes the connection without a response, as in Kafka, and is logged in one line.
 * - This file knows neither APIs (see the handler table) nor time-outs (the acceptor calls `overdue`).
 */
import type { Clock, Scheduler } from '../../base/clock.ts';
import type { Connection } from '../../base/network.ts';
import {
  CloseConnection,
  type ConnectionInfo,
  type HandlerResult,
  noResponse,
  type TwoPhase,
} from '../handler.ts';
import { frameStallMs, requestsInFlightMax, writeStallMs } from '../limits.ts';
import type { LoopTime } from '../quotas/loop-time.ts';
import type { QuotaClient } from '../quotas/quota-table.ts';
import { ActiveRequest } from './active-request.ts';
import type { GatedConnection } from './creation-gate.ts';
import { type DecodedRequest, decodeRequest, VersionError } from './decode.ts';
import type { Dispatcher } from './dispatch.ts';
import { FrameReader } from './frame-reader.ts';
import type { BudgetWaiter, MemoryBudget } from './memory-budget.ts';
import { Mute } from './mute.ts';
import { OutputQueue } from './output-queue.ts';

export interface ClientConnectionOptions {
  readonly connection: Connection;
  readonly info: ConnectionInfo;
  readonly dispatcher: Dispatcher;
  readonly budget: MemoryBudget;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly requestBytesMax: number;
  /** Logs invalid input. Called at most once per connection. */
  readonly warn: (message: string, fields: Record<string, unknown>) => void;
  readonly onClosed: () => void;
}

export class ClientConnection implements GatedConnection {
  readonly info: ConnectionInfo;
  readonly #connection: Connection;
  readonly #dispatcher: Dispatcher;
  readonly #budget: MemoryBudget;
  readonly #clock: Clock;
  readonly #reader: FrameReader;
  readonly #output: OutputQueue;
  readonly #mute: Mute;
  readonly #loopTime: LoopTime;
  readonly #warn: (message: string, fields: Record<string, unknown>) => void;
  readonly #onClosed: () => void;
  /** Requests that were started and whose response is not sent yet, in their order. */
  readonly #active: ActiveRequest[] = [];
  /** A request that is decoded and waits for earlier ones. */
  #next: DecodedRequest | null = null;
  /** The last started request, until it has done its ordered part: no other request starts before that. */
  #admitting: ActiveRequest | null = null;
  /** The client that the last started request charges for the time of the event loop; null: none. */
  #charged: QuotaClient | null = null;
  /** How many started requests have no complete response yet. */
  #incomplete = 0;
  #budgetWaiter: BudgetWaiter | null = null;
  #pumping = false;
  #flushQueued = false;
  #paused = false;
  /** Whether nothing is read yet because of `max.connection.creation.rate`. */
  #held = false;
  #closed = false;
  #lastReadMs: number;
  #lastWriteMs: number;

  constructor(options: ClientConnectionOptions) {
    this.info = options.info;
    this.#connection = options.connection;
    this.#dispatcher = options.dispatcher;
    const { quotas } = this.#dispatcher.throttling;
    this.#loopTime = quotas.loopTime;
    this.#budget = options.budget;
    this.#clock = options.clock;
    this.#warn = options.warn;
    this.#onClosed = options.onClosed;
    this.#reader = new FrameReader(options.requestBytesMax, (sizeBytes) =>
      this.#budget.tryAcquire(sizeBytes),
    );
    this.#output = new OutputQueue({ write: (buffers) => this.#connection.write(buffers) });
    this.#mute = new Mute({
      clock: options.clock,
      scheduler: options.scheduler,
      quotas,
      onEnd: () => this.#continueReading(),
    });
    this.#lastReadMs = this.#clock.monotonicMs();
    this.#lastWriteMs = this.#lastReadMs;
    this.#connection.onData = (chunk) => this.#onData(chunk);
    this.#connection.onDrain = () => this.#onDrain();
    this.#connection.onClose = () => this.#close();
  }

  /**
   * The reason to close the connection: it is idle, a request or response makes no progress, or it is muted while others wait
   * for the memory of its request. Null: keep it.
   */
  overdue(nowMs: number, idleMs: number): string | null {
    const readIdleMs = nowMs - this.#lastReadMs;
    const writeIdleMs = nowMs - this.#lastWriteMs;
    if (this.#output.full && writeIdleMs > writeStallMs) return 'the client does not read its responses';
    if (this.#active.length > 0) return null;
    const isIdle = idleMs >= 0 && readIdleMs > idleMs && writeIdleMs > idleMs;
    if (this.#mute.isOn) {
      const holdsMemory = this.#next !== null || this.#reader.reservedBytes > 0;
      if (holdsMemory && readIdleMs > frameStallMs && this.#budget.waiting > 0)
        return 'muted by a quota, and other connections wait for the memory of its request';
      return isIdle ? 'idle while muted by a quota' : null;
    }
    if (this.#next !== null || this.#paused) return null;
    if (this.#reader.midFrame && readIdleMs > frameStallMs) return 'a request did not arrive in full';
    return isIdle ? 'idle' : null;
  }

  /**
   * Milliseconds since the last read or write; 0 while a request is in progress. If there are too many connections, the
   * acceptor closes the one with the highest value.
   */
  idleMs(nowMs: number): number {
    return this.#active.length > 0 ? 0 : nowMs - Math.max(this.#lastReadMs, this.#lastWriteMs);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Stops reading until `release` is called. */
  hold(): void {
    this.#held = true;
    if (!this.#closed) this.#updatePause();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#continueReading();
  }

  #continueReading(): void {
    if (this.#closed) return;
    this.#lastReadMs = this.#clock.monotonicMs();
    this.#pump();
  }

  /** Closes the connection at once. Unsent responses are lost. */
  destroy(): void {
    if (this.#closed) return;
    this.#connection.destroy();
    this.#close();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#loopTime.begin(this.#charged);
    this.#lastReadMs = this.#clock.monotonicMs();
    this.#reader.push(chunk);
    this.#pump();
  }

  #onDrain(): void {
    if (this.#closed) return;
    this.#loopTime.begin(this.#charged);
    this.#lastWriteMs = this.#clock.monotonicMs();
    this.#output.drained();
    this.#pump();
  }

  /** Starts as many requests as may start, sends complete responses, and determines whether reading continues. */
  #pump(): void {
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    try {
      for (let full = true; full && !this.#closed; ) {
        while (!this.#closed && this.#mayRead() && this.#readNext()) this.#startNext();
        full = this.#active.length >= requestsInFlightMax;
        this.#flush();
        // After responses were sent, further requests may start.
        full &&= this.#active.length < requestsInFlightMax;
      }
    } finally {
      this.#pumping = false;
    }
    if (!this.#closed) this.#updatePause();
  }

  #mayRead(): boolean {
    if (this.#held || this.#mute.isOn) return false;
    this.#startNext();
    return (
      !this.#mute.isOn &&
      this.#next === null &&
      this.#active.length < requestsInFlightMax &&
      !this.#output.full
    );
  }

  /** Decodes the next frame into `#next`. Returns false if no frame is complete. */
  #readNext(): boolean {
    try {
      const frame = this.#reader.next();
      if (frame === null) {
        if (this.#reader.blocked && this.#budgetWaiter === null) this.#waitForBudget();
        return false;
      }
      try {
        this.#next = decodeRequest(frame, this.#dispatcher.table, this.info.listenerKind);
      } catch (error) {
        this.#budget.release(frame.length);
        throw error;
      }
      return true;
    } catch (error) {
      this.#reject(error);
      return false;
    }
  }

  #reject(error: unknown): void {
    // Requests before the invalid input may have complete responses, which are sent first.
    this.#flush();
    const from = {
      remote: `${this.info.remote.host}:${this.info.remote.port}`,
      listener: this.info.listenerName,
      reason: error instanceof Error ? error.message : String(error),
    };
    if (!(error instanceof VersionError))
      this.#warn('closing a connection that sent something else than a request', from);
    else if (error.isOld)
      this.#warn('closing a connection of a client that is too old', { ...from, ...error.fields });
    else this.#warn('closing a connection of a client that is too new', { ...from, ...error.fields });
    this.destroy();
  }

  #waitForBudget(): void {
    this.#budgetWaiter = this.#budget.wait(this.#reader.wantedBytes, () => {
      this.#budgetWaiter = null;
      this.#reader.grant();
      this.#lastReadMs = this.#clock.monotonicMs();
      this.#pump();
    });
  }

  #startNext(): void {
    const next = this.#next;
    if (next === null || this.#admitting !== null || this.#mute.isOn) return;
    const { throttling, metrics } = this.#dispatcher;
    if (this.#incomplete > 0 && !(next.handler.ordered && throttling.mayPipeline(this.#charged))) return;
    this.#next = null;
    const request = new ActiveRequest(
      next,
      this.info,
      this.#dispatcher.image(),
      metrics.nowMs(),
      throttling.resumed,
    );
    this.#active.push(request);
    this.#incomplete++;
    this.#admitting = request;
    const muteMs = throttling.started(request);
    this.#charged = request.charged;
    if (muteMs > 0) this.#mute.begin('Produce', muteMs);
    this.#run(request, this.#dispatcher.run(request));
  }

  #run(request: ActiveRequest, result: HandlerResult<unknown>): void {
    if (result instanceof Promise) {
      result.then(
        (response) => this.#complete(request, response),
        (error: unknown) => this.#fail(request, error),
      );
      return;
    }
    if (typeof result === 'object' && result !== null && 'ordered' in result)
      this.#runTwoPhase(request, result as TwoPhase<unknown>);
    else this.#complete(request, result);
  }

  #runTwoPhase(request: ActiveRequest, result: TwoPhase<unknown>): void {
    const { ordered, response } = result;
    if (ordered === null) this.#admitted(request);
    else {
      // A failure of the ordered part is also a failure of the response, which reports it. Here it only means that this part is
      // over.
      const admitted = (): void => this.#admitted(request);
      ordered.then(admitted, admitted);
    }
    if (response instanceof Promise) {
      response.then(
        (value) => this.#complete(request, value),
        (error: unknown) => this.#fail(request, error),
      );
    } else {
      this.#complete(request, response);
    }
  }

  #admitted(request: ActiveRequest): void {
    if (this.#admitting !== request) return;
    this.#admitting = null;
    if (this.#next !== null || this.#paused) this.#pump();
  }

  #fail(request: ActiveRequest, error: unknown): void {
    if (this.#closed) return;
    if (error instanceof CloseConnection) {
      this.#giveUp(error);
      return;
    }
    this.#complete(request, this.#dispatcher.failed(request, error));
  }

  #giveUp(error: CloseConnection): void {
    if (error.message !== '')
      this.#dispatcher.logger.info('closing a connection', { reason: error.message, id: this.info.id });
    this.destroy();
  }

  #complete(request: ActiveRequest, response: unknown): void {
    if (this.#closed) return;
    if (response instanceof CloseConnection) {
      this.#giveUp(response);
      return;
    }
    this.#dispatcher.throttling.completed(request);
    if (request.throttleTimeMs > 0) this.#mute.begin(request.throttledBy, request.throttleTimeMs);
    if (response === noResponse) request.done = true;
    else if (!this.#encode(request, response)) return;
    this.#incomplete--;
    this.#budget.release(request.frameBytes);
    request.frameBytes = 0;
    request.completed();
    this.#dispatcher.completed(request);
    if (this.#admitting === request) this.#admitting = null;
    if (this.#pumping) return;
    this.#queueFlush();
    if (this.#next !== null) this.#pump();
  }

  #encode(request: ActiveRequest, response: unknown): boolean {
    const encoded = this.#dispatcher.encode(request, response);
    if (encoded === null) {
      this.destroy();
      return false;
    }
    request.buffers = encoded;
    request.done = true;
    return true;
  }

  /** Sends responses in a microtask, so that those that complete in the same turn are sent together. */
  #queueFlush(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(() => {
      this.#flushQueued = false;
      if (this.#closed) return;
      this.#loopTime.begin(this.#charged);
      if (this.#paused) this.#pump();
      else this.#flush();
    });
  }

  #flush(): void {
    if (this.#closed) return;
    let count = 0;
    for (const request of this.#active) {
      if (!request.done) break;
      count++;
      if (request.buffers === null) request.sent();
      else this.#output.add(request.buffers, request.onSentCallback());
    }
    if (count === 0) return;
    this.#active.splice(0, count);
    this.#lastWriteMs = this.#clock.monotonicMs();
    this.#output.flush();
    if (this.#output.full) this.#updatePause();
  }

  #updatePause(): void {
    const pause =
      this.#held ||
      this.#mute.isOn ||
      this.#next !== null ||
      this.#active.length >= requestsInFlightMax ||
      this.#output.full ||
      this.#reader.blocked;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#connection.pause();
    else this.#connection.resume();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#mute.end();
    this.#budgetWaiter?.cancel();
    this.#budget.release(this.#reader.reservedBytes);
    if (this.#next !== null) this.#budget.release(this.#next.frameBytes);
    this.#next = null;
    this.#output.close();
    for (const request of this.#active) {
      this.#budget.release(request.frameBytes);
      request.connectionClosed();
    }
    this.#active.length = 0;
    this.#onClosed();
  }
}
