/** The options of `read`, and their checks. */
import { checkIntegers, checkNames, type OptionNames } from './known-names.ts';
import type { ReadRecord } from './test-client.ts';
import type { WaitOptions } from './waits.ts';

/**
 * The options of `read`: which records, and when it stops.
 *
 * @example
 * ```ts
 * await kafka.read('orders', { until: (records) => records.some(({ value }) => value === 'paid'), timeout: '5s' });
 * ```
 */
export interface ReadOptions extends WaitOptions {
  /** Read until there are this many records. Waits for them, and for the topic if it does not exist yet. */
  readonly count?: number;
  /** Read until this function returns true. Without `count` and `until`, the records that exist now are read. */
  readonly until?: (records: readonly ReadRecord[]) => boolean | Promise<boolean>;
  /** The offset at which the reading of each partition begins; its log start offset by default. */
  readonly from?: number;
  /**
   * `'read_committed'` (default): no record of an open or an aborted transaction, as kafkajs and librdkafka read by default.
   */
  readonly isolationLevel?: 'read_committed' | 'read_uncommitted';
}

const readNames: OptionNames<ReadOptions> = {
  count: true,
  until: true,
  from: true,
  isolationLevel: true,
  timeout: true,
};

/** Throws TypeError. */
export function checkRead(options: ReadOptions): void {
  checkNames('read', options, readNames);
  const { count, until, from, isolationLevel = 'read_committed' } = options;
  checkIntegers('read', { count });
  if (until !== undefined && typeof until !== 'function')
    throw new TypeError('read: until must be a function of the records.');
  if (until !== undefined && count !== undefined)
    throw new TypeError('read ends with count or with until, not with both.');
  if (isolationLevel !== 'read_committed' && isolationLevel !== 'read_uncommitted')
    throw new TypeError(
      `isolationLevel must be read_committed or read_uncommitted, not '${String(isolationLevel)}'.`,
    );
  if (from !== undefined && (!Number.isSafeInteger(from) || from < 0))
    throw new TypeError(`from must be an offset, not '${String(from)}'.`);
}
