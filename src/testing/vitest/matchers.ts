/**
 * Matchers of a cluster, such as `await expect(kafka).toHaveRecord('orders', { value: 'one' })`. Each waits for what it
 * expects.
 */
import type { TestKafka } from '../kafka/cluster.ts';
import { checkNames, type OptionNames } from '../kafka/known-names.ts';
import type { ReadRecord } from '../kafka/test-client.ts';
import { WaitTimeoutError } from '../kafka/waits.ts';

interface Result {
  readonly pass: boolean;
  readonly message: () => string;
}

/** Fields that the record must have. */
export type ExpectedRecord = Partial<Pick<ReadRecord, 'key' | 'value' | 'partition' | 'offset'>>;

const defaultTimeout = '2s';

const expectedNames: OptionNames<ExpectedRecord> = { key: true, value: true, partition: true, offset: true };

function fits(record: ReadRecord, expected: ExpectedRecord): boolean {
  return Object.entries(expected).every(([field, value]) => record[field as keyof ExpectedRecord] === value);
}

/** The result of a matcher: it passes when `wait` resolves. `expect(…).not` passes when the wait times out. */
async function outcome(wait: Promise<unknown>, what: string): Promise<Result> {
  try {
    await wait;
    return { pass: true, message: () => `expected not: ${what}` };
  } catch (error) {
    if (!(error instanceof WaitTimeoutError)) throw error;
    return { pass: false, message: () => `expected: ${what}\n${error.message}` };
  }
}

/**
 * For `expect.extend`; `kafkaTest` adds them automatically.
 *
 * @example
 * ```ts
 * import { expect } from 'vitest';
 * import { startKafka } from 'bendemann/testing';
 * import { kafkaMatchers } from 'bendemann/vitest';
 *
 * expect.extend(kafkaMatchers);
 * await using kafka = await startKafka({ topics: { orders: 1 } });
 * await expect(kafka).toHaveRecord('orders', { value: 'tea' });
 * ```
 */
export const kafkaMatchers = {
  /** The topic has a record with these fields, or gets one within the time-out. */
  toHaveRecord(
    kafka: TestKafka,
    topic: string,
    expected: ExpectedRecord,
    timeout: number | string = defaultTimeout,
  ): Promise<Result> {
    // A misspelled field would match no record, and a test with `not` would pass.
    checkNames('toHaveRecord', expected, expectedNames);
    const until = (records: readonly ReadRecord[]): boolean =>
      records.some((record) => fits(record, expected));
    return outcome(kafka.read(topic, { until, timeout }), `a record ${JSON.stringify(expected)} in ${topic}`);
  },

  /** The group's lag on the topic is at most this many records. */
  toHaveLag(
    kafka: TestKafka,
    group: string,
    topic: string,
    lag: number,
    timeout: number | string = defaultTimeout,
  ): Promise<Result> {
    const wait = kafka.wait.group(group, { topic, lag, timeout });
    return outcome(wait, `group ${group} at most ${lag} records behind on ${topic}`);
  },

  /** The group has committed this offset of a partition, or a higher one. */
  toHaveCommitted(
    kafka: TestKafka,
    group: string,
    topic: string,
    offset: number,
    partition = 0,
    timeout: number | string = defaultTimeout,
  ): Promise<Result> {
    const what = `group ${group} committed ${offset} of ${topic}-${partition}`;
    const hasCommitted = async (): Promise<boolean> =>
      ((await kafka.committed(group, topic)).get(partition) ?? -1) >= offset;
    return outcome(kafka.wait.until(hasCommitted, { timeout, what }), what);
  },
};

declare module 'vitest' {
  interface Matchers<T> {
    toHaveRecord(topic: string, expected: ExpectedRecord, timeout?: number | string): Promise<T>;
    toHaveLag(group: string, topic: string, lag: number, timeout?: number | string): Promise<T>;
    toHaveCommitted(
      group: string,
      topic: string,
      offset: number,
      partition?: number,
      timeout?: number | string,
    ): Promise<T>;
  }
}
