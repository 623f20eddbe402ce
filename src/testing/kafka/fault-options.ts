/** What a test says about a fault: which requests, what happens to them, how often. A fault that could never act is refused. */
import { isUuid } from '../../base/uuid.ts';
import { type ErrorName, Errors } from '../../protocol/errors.ts';
import type { ClusterFacts, Trait } from './client-apis.ts';
import {
  checkBooleans,
  checkIntegers,
  checkNames,
  checkNode,
  checkTexts,
  type OptionNames,
  shown,
} from './known-names.ts';
import type { LoggedRequest } from './request-ring.ts';
import { kitClientId } from './test-client.ts';
import { durationMs } from './time.ts';

/**
 * Selects the requests of a fault. Fields that are left out match everything.
 *
 * @example
 * ```ts
 * kafka.fault({ api: ['Produce', 'Fetch'], node: 1, topic: 'orders', partition: 0, disconnect: true });
 * ```
 */
export interface FaultFilter {
  /**
   * Kafka's name of the API, such as `'Produce'`, or several. Without it: all APIs for which filters and effects have a
   * meaning.
   */
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
 * What happens to a matching request. At least one of these fields is needed.
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
   * Damage the records of the selected partitions in a Fetch response. `'crc'`: change the checksum of each batch.
   * `'truncate'`: leave out the last byte, so that the last batch is incomplete. A response without records does not count.
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

/** The largest number of a partition on the wire, an int32. */
const partitionMax = 2 ** 31 - 1;

/** Filters and effects that only some APIs have a meaning for. */
const traitOptions: readonly (Trait & keyof FaultOptions)[] = [
  'topic',
  'topicId',
  'partition',
  'group',
  'transactionalId',
  'error',
  'throttleMs',
  'corrupt',
];

/** By the way in which a request ends: the effects that the client would not see then. */
const unseen: Readonly<Record<'error' | 'drop' | 'disconnect', readonly (keyof FaultEffect)[]>> = {
  error: ['corrupt'],
  drop: ['corrupt', 'throttleMs', 'delay'],
  disconnect: ['corrupt', 'throttleMs'],
};

/**
 * The APIs that a fault applies to. Throws TypeError or RangeError when it could match no request, or could do nothing to it.
 */
export function checkFault(options: FaultOptions, { apis, nodeCount }: ClusterFacts): ReadonlySet<string> {
  checkNames('fault', options, optionNames);
  const { api, times = 1, where } = options;
  const named = api === undefined ? undefined : [api].flat();
  named?.forEach((name) => apis.check(name));
  if (named?.length === 0) throw new TypeError('fault: an empty list of APIs fits no request.');
  if (!(times === Number.POSITIVE_INFINITY || (Number.isInteger(times) && times > 0)))
    throw new TypeError(`times must be a whole number from 1 on, or Infinity, not ${shown(times)}.`);
  if (where !== undefined && typeof where !== 'function')
    throw new TypeError('where must be a function of the request.');
  checkFilter(options, nodeCount);
  checkEffect(options);
  return apis.having(
    named,
    traitOptions.filter((name) => options[name] !== undefined),
  );
}

function checkFilter(options: FaultOptions, nodeCount: number): void {
  const { topic, topicId, group, transactionalId, clientId, node, partition } = options;
  const names = { topic, topicId, group, transactionalId };
  checkTexts('fault', { ...names, clientId });
  const empty = Object.entries(names).find(([, text]) => text === '');
  if (empty !== undefined) throw new TypeError(`fault: no request has an empty ${empty[0]}.`);
  checkIntegers('fault', { partition });
  if (partition !== undefined && partition > partitionMax)
    throw new TypeError(`fault: partition must be at most ${partitionMax}, not ${partition}.`);
  if (topicId !== undefined && !isUuid(topicId))
    throw new TypeError(`fault: topicId must be 22 characters of Kafka's base64, not '${topicId}'.`);
  if (node !== undefined) checkNode(node, nodeCount);
  if (clientId === kitClientId)
    throw new TypeError(`fault: requests of the kit itself (client id ${kitClientId}) get no faults.`);
}

function checkEffect(options: FaultOptions): void {
  const { error, delay, throttleMs, corrupt, after = false, drop, disconnect, observe = false } = options;
  checkBooleans('fault', { after, drop, disconnect, observe });
  if (error !== undefined && !Object.hasOwn(Errors, error))
    throw new TypeError(`'${error}' is not a Kafka error; a name is, for example, NOT_LEADER_OR_FOLLOWER.`);
  if (error === 'NONE') throw new TypeError("fault: 'NONE' is no error.");
  if (delay !== undefined && durationMs(delay) === 0)
    throw new TypeError('fault: a delay of 0 does nothing.');
  if (throttleMs !== undefined && !(Number.isInteger(throttleMs) && throttleMs > 0))
    throw new TypeError(
      `throttleMs must be a whole number of milliseconds from 1 on, not ${shown(throttleMs)}.`,
    );
  if (corrupt !== undefined && corrupt !== 'crc' && corrupt !== 'truncate')
    throw new TypeError(`corrupt must be 'crc' or 'truncate', not '${String(corrupt)}'.`);
  const ends = (['error', 'drop', 'disconnect'] as const).filter((end) => isSet(options[end]));
  if (ends.length > 1)
    throw new TypeError(`A request ends in one way, not in ${ends.join(' and ')}: make two faults.`);
  const isEffective = ends.length > 0 || (delay ?? corrupt ?? throttleMs) !== undefined;
  if (after && ends.length === 0)
    throw new TypeError('after does nothing by itself: it goes with error or disconnect.');
  if (observe && isEffective)
    throw new TypeError('observe only counts: leave it out, or leave out what shall happen.');
  if (!observe && !isEffective)
    throw new TypeError(
      'fault: say what shall happen (error, delay, drop, disconnect, corrupt, throttleMs), or observe: true to only count requests.',
    );
  for (const end of ends)
    for (const name of unseen[end])
      if (isSet(options[name]))
        throw new TypeError(`fault: with ${end} a client sees nothing of ${name}: leave one of them out.`);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== false;
}
