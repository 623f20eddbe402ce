/**
 * Faults on requests of clients. Of several faults that match a request, the first is applied. The faults act on the server's
 * side, so they work with every Kafka client.
 */
import { CloseConnection, type HandlerResult, noResponse } from '../../broker/handler.ts';
import type { ActiveRequest } from '../../broker/pipeline/active-request.ts';
import { type ErrorRow, Errors } from '../../protocol/errors.ts';
import { batches, batchField } from '../../protocol/records/batch.ts';
import { failureOf, mapFields, mapResponse, settled } from './answers.ts';
import { asTestFunctionNow } from './controls.ts';
import type { ClusterFacts } from './client-apis.ts';
import { checkFault, type FaultEffect, type FaultFilter, type FaultOptions } from './fault-options.ts';
import { checkIntegers, checkNames, type OptionNames } from './known-names.ts';
import { type LoggedRequest, type RequestEntry, RequestRing } from './request-ring.ts';
import {
  cutRequest,
  errorCodesOf,
  failedParts,
  groupsOf,
  joinResponses,
  type PartFilter,
  selectedPartitions,
  topicPartitionsOf,
  transactionalIdsOf,
  withoutParts,
} from './request-parts.ts';
import { durationMs, type TestTime } from './time.ts';
import type { WaitOptions } from './waits.ts';

const waitNames: OptionNames<WaitOptions> = { timeout: true };

/** The options of a fault as JSON, for an error message; without `times`, and with `where` shown as '…'. */
function describe({ where, times: _times, ...options }: FaultOptions): string {
  return JSON.stringify({ ...options, ...(where === undefined ? {} : { where: '…' }) });
}

type Body = Readonly<Record<string, unknown>>;

/**
 * An active fault: the requests to which it was applied, and a way to wait for more.
 *
 * @example
 * ```ts
 * using fault = kafka.fault({ api: 'Produce', drop: true });
 * await fault.wait(1, { timeout: '5s' });
 * console.log(fault.hits, fault.requests[0]?.about);
 * ```
 */
export class Fault {
  readonly options: FaultOptions;
  /** @internal The APIs to whose requests the fault applies. */
  readonly apis: ReadonlySet<string>;
  private readonly ring = new RequestRing();
  private met = 0;
  private left: number;
  /** Called after the fault was applied to a request, and when it is removed. */
  private readonly waiters = new Set<() => void>();
  private readonly onRemove: (fault: Fault) => void;
  private readonly within: <T>(
    what: string,
    timeout: number | string | undefined,
    wait: Promise<T>,
    seen: () => string,
  ) => Promise<T>;

  /** @internal */
  constructor(
    options: FaultOptions,
    facts: ClusterFacts,
    onRemove: (fault: Fault) => void,
    within: Fault['within'],
  ) {
    this.apis = checkFault(options, facts);
    this.options = options;
    this.left = options.times ?? 1;
    this.onRemove = onRemove;
    this.within = within;
  }

  /** The number of requests to which the fault was applied. */
  get hits(): number {
    return this.met;
  }

  /** The newest requests to which the fault was applied, oldest first: as many as `kafka.requests` keeps. */
  get requests(): readonly LoggedRequest[] {
    return [...this.ring.list];
  }

  /** Whether the fault has ended: it was applied `times` times, or removed. */
  get isOver(): boolean {
    return this.left <= 0;
  }

  /** Resolves when the fault was applied to `count` requests (1 by default). Rejects at once when that can no longer happen. */
  async wait(count = 1, options: { readonly timeout?: number | string } = {}): Promise<void> {
    checkNames('fault.wait', options, waitNames);
    checkIntegers('fault.wait', { count }, 1);
    const seen = (): string => `so far it met ${this.hits}`;
    const what = `the fault ${describe(this.options)} meets ${count} requests`;
    let look = (): void => {};
    const wait = new Promise<void>((resolve, reject) => {
      look = (): void => {
        if (this.hits >= count) resolve();
        else if (this.hits + this.left < count)
          reject(
            new Error(
              `This never happens: ${what}; ${seen()}${this.isOver ? ', and it is over' : `, and times is ${this.options.times ?? 1}`}.`,
            ),
          );
      };
    });
    this.waiters.add(look);
    look();
    try {
      await this.within(what, options.timeout, wait, seen);
    } finally {
      this.waiters.delete(look);
    }
  }

  /** Removes the fault. */
  remove(): void {
    this.left = 0;
    this.onRemove(this);
    for (const look of [...this.waiters]) look();
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  /** @internal */
  apply(request: RequestEntry): void {
    this.left--;
    this.met++;
    this.ring.push(request);
    for (const look of [...this.waiters]) look();
    if (this.left <= 0) this.onRemove(this);
  }
}

function fits({ options, apis }: Fault, request: LoggedRequest, nodeId: number): boolean | Promise<boolean> {
  const { node, group, transactionalId, clientId, where } = options;
  if (!apis.has(request.api)) return false;
  if (node !== undefined && node !== nodeId) return false;
  if (clientId !== undefined && clientId !== request.clientId) return false;
  if (group !== undefined && !groupsOf(request.body).includes(group)) return false;
  if (transactionalId !== undefined && !transactionalIdsOf(request.body).includes(transactionalId))
    return false;
  if (where === undefined) return true;
  return asTestFunctionNow('where of a fault', () => where(request));
}

function partFilterOf({ topic, topicId, partition }: FaultFilter): PartFilter | null {
  if (topic === undefined && topicId === undefined && partition === undefined) return null;
  return { topic, topicId, partition };
}

/** The ways to damage record batches. */
const damages = {
  crc(records: Uint8Array): Uint8Array {
    const damaged = Uint8Array.from(records);
    for (const { at } of batches(records).headers) {
      const position = at + batchField.crc;
      damaged[position] = (damaged[position] as number) ^ 0xff;
    }
    return damaged;
  },
  truncate: (records: Uint8Array): Uint8Array => records.subarray(0, records.length - 1),
};

/** A copy of a Fetch response in which the records of the selected partitions are damaged. Null: these have no records. */
function corrupted(response: Body, how: keyof typeof damages, selected: ReadonlySet<unknown>): Body | null {
  let isDamaged = false;
  const damage = (partition: Body): Body => {
    const { records } = partition;
    if (!selected.has(partition) || !(records instanceof Uint8Array) || records.length === 0)
      return partition;
    isDamaged = true;
    return { ...partition, records: damages[how](records) };
  };
  const responses = (response.responses as readonly Body[]).map((topic) => ({
    ...topic,
    partitions: (topic.partitions as readonly Body[]).map(damage),
  }));
  return isDamaged ? { ...response, responses } : null;
}

/**
 * Waits until the request was handled, then responds with `answer`, even if its handler failed. A request without a response
 * (acks=0) still gets none; but if `answer` closes the connection, the connection is closed.
 */
function instead(result: HandlerResult<unknown>, answer: unknown): HandlerResult<unknown> {
  const isEnd = answer === noResponse || answer instanceof CloseConnection;
  return mapResponse(
    result,
    (response) => (response === noResponse && !isEnd ? response : answer),
    () => answer,
  );
}

/**
 * Returns a response in which each partition of `meant`, the part of the request that the fault selects, has the error code of
 * the response `whole`. Returns `whole` itself if responses of this API have no error codes of partitions.
 */
function partsFailed(request: ActiveRequest, meant: Body, whole: unknown): unknown {
  const [code = 0] = errorCodesOf(whole);
  return failedParts(request.handler.response.fields, meant, code) ?? whole;
}

export class FaultPlan {
  private readonly time: TestTime;
  private readonly nameOf: (topicId: string) => string | null;
  private readonly facts: ClusterFacts;
  private faults: Fault[] = [];

  constructor(time: TestTime, nameOf: (topicId: string) => string | null, facts: ClusterFacts) {
    this.time = time;
    this.nameOf = nameOf;
    this.facts = facts;
  }

  add(options: FaultOptions, within: Fault['within']): Fault {
    const remove = (fault: Fault): void => {
      this.faults = this.faults.filter((one) => one !== fault);
    };
    const fault = new Fault(options, this.facts, remove, within);
    this.faults.push(fault);
    return fault;
  }

  clear(): void {
    for (const fault of [...this.faults]) fault.remove();
  }

  /** The outcome of a request under the first matching fault. */
  apply(
    nodeId: number,
    logged: RequestEntry,
    request: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> {
    const faults = [...this.faults];
    const first = (): HandlerResult<unknown> => {
      for (let fault = faults.shift(); fault !== undefined; fault = faults.shift()) {
        const meant = fault;
        const isMeant = fits(meant, logged, nodeId);
        // If the test is in another thread, its function `where` returns a promise.
        if (isMeant instanceof Promise)
          return isMeant.then((is) =>
            settled((is ? this.strike(meant, logged, request, run) : null) ?? first()),
          );
        const result = isMeant ? this.strike(meant, logged, request, run) : null;
        if (result !== null) return result;
      }
      return run();
    };
    return first();
  }

  /** Applies the fault to a request. Null: no part of the request is selected, or the fault has ended since it was matched. */
  private strike(
    fault: Fault,
    logged: RequestEntry,
    request: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> | null {
    if (fault.isOver) return null;
    if (fault.options.corrupt !== undefined) return this.corrupt(fault, fault.options.corrupt, logged, run);
    const filter = partFilterOf(fault.options);
    const parts =
      filter === null
        ? { meant: request.body as Body, rest: null }
        : cutRequest(request.body, filter, this.nameOf);
    if (parts.meant === null) return null;
    fault.apply(logged);
    return this.carryOut(fault.options, parts.meant, parts.rest, request, run);
  }

  private carryOut(
    effect: FaultEffect,
    meant: Body,
    rest: Body | null,
    request: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> {
    const { error, after = false, delay, drop = false, disconnect = false, throttleMs } = effect;
    let result: HandlerResult<unknown>;
    if (error !== undefined) result = this.withError(Errors[error], after, meant, rest, request, run);
    else if (disconnect && !after) result = new CloseConnection('test fault');
    else result = run();
    if (throttleMs !== undefined)
      result = mapFields(result, (response) => ({ ...response, throttleTimeMs: throttleMs }));
    if (drop) result = instead(result, noResponse);
    if (disconnect) result = instead(result, new CloseConnection('test fault'));
    return delay === undefined ? result : this.later(result, durationMs(delay));
  }

  /**
   * Damages the records of a response. Only the response shows whether there are any; without records the fault is not applied.
   */
  private corrupt(
    fault: Fault,
    how: keyof typeof damages,
    logged: RequestEntry,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> {
    const { delay, throttleMs } = fault.options;
    return mapFields(run(), (response) => {
      const selected = selectedPartitions(response, partFilterOf(fault.options) ?? {}, this.nameOf);
      const damaged = fault.isOver ? null : corrupted(response, how, selected);
      if (damaged === null) return response;
      fault.apply(logged);
      const result = throttleMs === undefined ? damaged : { ...damaged, throttleTimeMs: throttleMs };
      return delay === undefined ? result : this.later(result, durationMs(delay));
    });
  }

  private withError(
    error: ErrorRow,
    after: boolean,
    meant: Body,
    rest: Body | null,
    request: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> {
    const whole = failureOf(request, meant, error);
    const isWhole = rest === null || whole instanceof CloseConnection;
    // A top-level error code would apply to all partitions.
    const failed =
      isWhole || topicPartitionsOf(whole, this.nameOf).length > 0
        ? whole
        : partsFailed(request, meant, whole);
    // If the joined response does not contain the error code, because it has no field for the error of a part, the error of the
    // whole request is returned instead. Otherwise the fault would have no effect.
    const joined = (response: unknown): unknown => {
      const answer = joinResponses(response, failed);
      const told = errorCodesOf(answer);
      return [...errorCodesOf(whole)].every((code) => told.has(code)) ? answer : whole;
    };
    if (!after) {
      if (isWhole) return failed;
      // A Fetch with an error does not wait for records.
      const atOnce = 'maxWaitMs' in rest ? { ...rest, maxWaitMs: 0 } : rest;
      return mapFields(request.handler.handle(atOnce, request), joined);
    }
    if (isWhole) return instead(run(), failed);
    return mapFields(run(), (response) => joined(withoutParts(response, meant)));
  }

  private later(result: HandlerResult<unknown>, delayMs: number): HandlerResult<unknown> {
    const wait = (response: unknown): Promise<unknown> =>
      new Promise((resolve) => this.time.after(delayMs, () => resolve(response)));
    return mapResponse(result, wait);
  }
}
