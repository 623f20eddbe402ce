/**
 * Faults on requests of clients: which requests (filters, all of which must match), what happens to them, and how often. Of several
 * matching faults the first is applied. The faults act on the server's side, so they work with every Kafka client.
 */
import { CloseConnection, type HandlerResult, noResponse } from '../../broker/handler.ts';
import type { ActiveRequest } from '../../broker/pipeline/active-request.ts';
import { type ErrorName, type ErrorRow, Errors } from '../../protocol/errors.ts';
import { failureOf, mapFields, mapResponse, settled } from './answers.ts';
import { asTestFunctionNow } from './controls.ts';
import { checkApi, checkIntegers, checkNames, checkTexts, type OptionNames } from './known-names.ts';
import type { LoggedRequest } from './request-log.ts';
import {
  cutRequest,
  errorCodesOf,
  failedParts,
  groupsOf,
  joinResponses,
  type PartFilter,
  topicPartitionsOf,
  transactionalIdsOf,
  withoutParts,
} from './request-parts.ts';
import { durationMs, type TestTime } from './time.ts';
import type { WaitOptions } from './waits.ts';

/**
 * Selects the requests of a fault. Fields that are left out match everything.
 *
 * @example
 * ```ts
 * kafka.fault({ api: ['Produce', 'Fetch'], node: 1, topic: 'orders', partition: 0, disconnect: true });
 * ```
 */
export interface FaultFilter {
  /** Kafka's name of the API, such as `'Produce'`, or several. */
  readonly api?: string | readonly string[];
  /** The node that gets the request. */
  readonly node?: number;
  readonly topic?: string;
  readonly topicId?: string;
  readonly partition?: number;
  readonly group?: string;
  readonly transactionalId?: string;
  readonly clientId?: string;
  /** A further condition on the decoded request. */
  readonly where?: (request: LoggedRequest) => boolean | Promise<boolean>;
}

/**
 * What happens to a matching request. Without any of these fields it is only counted.
 *
 * @example
 * ```ts
 * kafka.fault({ api: 'Produce', error: 'REQUEST_TIMED_OUT', after: true, delay: '200ms' });
 * ```
 */
export interface FaultEffect {
  /** Respond with this Kafka error. Parts of the request that the filter does not select get their usual response. */
  readonly error?: ErrorName;
  /** Handle the request, then respond with the error. For testing that a client does not repeat it wrongly. */
  readonly after?: boolean;
  /** Delay the response by this time. */
  readonly delay?: number | string;
  /** Handle the request and never respond. */
  readonly drop?: boolean;
  /** Close the connection instead of responding. With `after` the request is handled first. */
  readonly disconnect?: boolean;
  /**
   * Damage the records in a Fetch response. `'crc'`: change one byte, so that the checksum is wrong. `'truncate'`: leave out the
   * last bytes.
   */
  readonly corrupt?: 'crc' | 'truncate';
  /** `throttle_time_ms` of the response: how long the client shall pause. */
  readonly throttleMs?: number;
  /** Only count the requests. */
  readonly observe?: boolean;
}

/**
 * Which requests, what happens to them, how often.
 *
 * @example
 * ```ts
 * kafka.fault({ group: 'billing', api: 'OffsetCommit', error: 'UNKNOWN_MEMBER_ID', times: 2 });
 * ```
 */
export interface FaultOptions extends FaultFilter, FaultEffect {
  /** Number of requests: 1 by default; `Infinity` until the fault is removed. */
  readonly times?: number;
}

const waitNames: OptionNames<WaitOptions> = { timeout: true };
const optionNames: OptionNames<FaultOptions> = {
  api: true,
  node: true,
  topic: true,
  topicId: true,
  partition: true,
  group: true,
  transactionalId: true,
  clientId: true,
  where: true,
  error: true,
  after: true,
  delay: true,
  drop: true,
  disconnect: true,
  corrupt: true,
  throttleMs: true,
  observe: true,
  times: true,
};

/** Refuses a fault that could match no request, or whose fields contradict each other. */
function checkFault(options: FaultOptions): void {
  checkNames('fault', options, optionNames);
  const { api, times = 1, error, delay, corrupt, throttleMs, where } = options;
  const apis = api === undefined ? [] : [api].flat();
  apis.forEach(checkApi);
  if (api !== undefined && apis.length === 0)
    throw new TypeError('fault: an empty list of APIs fits no request.');
  const { topic, topicId, group, transactionalId, clientId } = options;
  checkTexts('fault', { topic, topicId, group, transactionalId, clientId });
  checkIntegers('fault', { partition: options.partition, node: options.node });
  if (!(times === Number.POSITIVE_INFINITY || (Number.isInteger(times) && times > 0)))
    throw new TypeError(`times must be a whole number from 1 on, or Infinity, not ${String(times)}.`);
  if (error !== undefined && !Object.hasOwn(Errors, error))
    throw new TypeError(`'${error}' is not a Kafka error; a name is, for example, NOT_LEADER_OR_FOLLOWER.`);
  if (delay !== undefined) durationMs(delay);
  if (throttleMs !== undefined && !(Number.isInteger(throttleMs) && throttleMs >= 0))
    throw new TypeError(`throttleMs must be a whole number of milliseconds, not ${String(throttleMs)}.`);
  if (where !== undefined && typeof where !== 'function')
    throw new TypeError('where must be a function of the request.');
  if (corrupt !== undefined && !Object.hasOwn(damages, corrupt))
    throw new TypeError(`corrupt must be 'crc' or 'truncate', not '${String(corrupt)}'.`);
  if (corrupt !== undefined && apis.some((name) => name !== 'Fetch'))
    throw new TypeError('corrupt damages the records of a Fetch; no other API has records in its response.');
  const ends = (['error', 'drop', 'disconnect'] as const).filter(
    (end) => options[end] !== undefined && options[end] !== false,
  );
  if (ends.length > 1)
    throw new TypeError(`A request ends in one way, not in ${ends.join(' and ')}: make two faults.`);
  if (options.after === true && ends.length === 0)
    throw new TypeError('after does nothing by itself: it goes with error or disconnect.');
  if (options.observe === true && (ends.length > 0 || (delay ?? corrupt ?? throttleMs) !== undefined))
    throw new TypeError('observe only counts: leave it out, or leave out what shall happen.');
}

/** The options of a fault as JSON, for an error message; without `times`, and with `where` shown as '…'. */
function describe({ where, times: _times, ...options }: FaultOptions): string {
  return JSON.stringify({ ...options, ...(where === undefined ? {} : { where: '…' }) });
}

type Body = Readonly<Record<string, unknown>>;

/**
 * An active fault: the requests that it was applied to, and a way to wait for more.
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
  /** The requests that it was applied to, oldest first. */
  readonly requests: LoggedRequest[] = [];
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
  constructor(options: FaultOptions, onRemove: (fault: Fault) => void, within: Fault['within']) {
    checkFault(options);
    this.options = options;
    this.left = options.times ?? 1;
    this.onRemove = onRemove;
    this.within = within;
  }

  /** Number of requests that it was applied to. */
  get hits(): number {
    return this.requests.length;
  }

  /** Whether it will not be applied any more. */
  get isOver(): boolean {
    return this.left <= 0;
  }

  /** Resolves when it was applied to `count` requests, 1 by default; rejects at once when that can no longer happen. */
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
  met(request: LoggedRequest): void {
    this.left--;
    this.requests.push(request);
    for (const look of [...this.waiters]) look();
    if (this.left <= 0) this.onRemove(this);
  }
}

function fits({ options }: Fault, request: LoggedRequest, nodeId: number): boolean | Promise<boolean> {
  const { api, node, group, transactionalId, clientId, where } = options;
  if (api !== undefined && !(typeof api === 'string' ? [api] : api).includes(request.api)) return false;
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

/** Damage to record batches: the last byte is wrong, or missing. */
const damages = {
  crc(records: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(records);
    copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 0xff;
    return copy;
  },
  truncate: (records: Uint8Array): Uint8Array => records.subarray(0, records.length - 1),
};

/** A copy of a Fetch response with damaged records in each partition. */
function corrupted(response: unknown, how: keyof typeof damages): unknown {
  const responses = (response as { responses?: readonly Body[] }).responses ?? [];
  const turned = responses.map((topic) => ({
    ...topic,
    partitions: (topic.partitions as readonly Body[]).map((partition) => {
      const { records } = partition;
      if (!(records instanceof Uint8Array) || records.length === 0) return partition;
      return { ...partition, records: damages[how](records) };
    }),
  }));
  return { ...(response as Body), responses: turned };
}

/** Waits for `result`, then gives `answer`, even if `result` was rejected. A request without a response (acks=0) still gets none, unless `answer` closes the connection. */
function instead(result: HandlerResult<unknown>, answer: unknown): HandlerResult<unknown> {
  const isEnd = answer === noResponse || answer instanceof CloseConnection;
  return mapResponse(
    result,
    (response) => (response === noResponse && !isEnd ? response : answer),
    () => answer,
  );
}

/** A response in which each partition that the filter selects has the error code of `whole`; `whole` itself when the response has no field for that. */
function partsFailed(request: ActiveRequest, meant: Body, whole: unknown): unknown {
  const [code = 0] = errorCodesOf(whole);
  return failedParts(request.handler.response.fields, meant, code) ?? whole;
}

export class FaultPlan {
  private readonly time: TestTime;
  private readonly nameOf: (topicId: string) => string | null;
  private faults: Fault[] = [];

  constructor(time: TestTime, nameOf: (topicId: string) => string | null) {
    this.time = time;
    this.nameOf = nameOf;
  }

  add(options: FaultOptions, within: Fault['within']): Fault {
    const remove = (fault: Fault): void => {
      this.faults = this.faults.filter((one) => one !== fault);
    };
    const fault = new Fault(options, remove, within);
    this.faults.push(fault);
    return fault;
  }

  clear(): void {
    for (const fault of [...this.faults]) fault.remove();
  }

  /** The outcome of a request under the first matching fault. */
  apply(
    nodeId: number,
    logged: LoggedRequest,
    request: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> {
    const faults = [...this.faults];
    const first = (): HandlerResult<unknown> => {
      for (let fault = faults.shift(); fault !== undefined; fault = faults.shift()) {
        const meant = fault;
        const isMeant = fits(meant, logged, nodeId);
        // A predicate in another thread returns a promise.
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

  /** Null: the request has no part that the filter selects, or the fault has been applied often enough meanwhile. */
  private strike(
    fault: Fault,
    logged: LoggedRequest,
    request: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> | null {
    if (fault.isOver) return null;
    const filter = partFilterOf(fault.options);
    const parts =
      filter === null
        ? { meant: request.body as Body, rest: null }
        : cutRequest(request.body, filter, this.nameOf);
    if (parts.meant === null) return null;
    fault.met(logged);
    return this.carryOut(fault.options, parts.meant, parts.rest, request, run);
  }

  private carryOut(
    effect: FaultEffect,
    meant: Body,
    rest: Body | null,
    request: ActiveRequest,
    run: () => HandlerResult<unknown>,
  ): HandlerResult<unknown> {
    const { error, after = false, delay, drop = false, disconnect = false, corrupt, throttleMs } = effect;
    let result: HandlerResult<unknown>;
    if (error !== undefined) result = this.withError(Errors[error], after, meant, rest, request, run);
    else if (disconnect && !after) result = new CloseConnection('test fault');
    else result = run();
    if (corrupt !== undefined) result = mapFields(result, (response) => corrupted(response, corrupt));
    if (throttleMs !== undefined)
      result = mapFields(result, (response) => ({ ...response, throttleTimeMs: throttleMs }));
    if (drop) result = instead(result, noResponse);
    if (disconnect) result = instead(result, new CloseConnection('test fault'));
    return delay === undefined ? result : this.later(result, durationMs(delay));
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
    // A response that can't tell the error of a part tells that of the whole: a fault must not be lost.
    const joined = (response: unknown): unknown => {
      const answer = joinResponses(response, failed);
      const told = errorCodesOf(answer);
      return [...errorCodesOf(failed)].every((code) => told.has(code)) ? answer : whole;
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
