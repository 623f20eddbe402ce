/** Exports of `bendemann/vitest`: a cluster as a fixture, a snapshot for all workers of a run, matchers. */
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base, type TestAPI } from 'vitest';
import type { TestKafka } from '../kafka/cluster.ts';
import type { StartKafkaOptions } from '../kafka/options.ts';
import { startKafka } from '../kafka/start-kafka.ts';
import { kafkaMatchers } from './matchers.ts';

export { kafkaMatchers } from './matchers.ts';

interface FileFixture {
  readonly kafkaOfFile: TestKafka;
}

interface KafkaFixture {
  /** The cluster of this test file, reset to the state after its start. */
  readonly kafka: TestKafka;
}

/**
 * The test function of a file whose tests take `{ kafka }`.
 *
 * @example
 * ```ts
 * import { kafkaTest, type KafkaTest } from 'bendemann/vitest';
 *
 * export const test: KafkaTest = kafkaTest({ topics: { orders: 1 } });
 * ```
 */
export type KafkaTest = TestAPI<FileFixture & KafkaFixture>;

/**
 * A `test` with one cluster per file, which is reset to its start before each test. It also adds the matchers.
 *
 * @example
 * ```ts
 * import { kafkaTest } from 'bendemann/vitest';
 *
 * const test = kafkaTest({ topics: { orders: 1 } });
 *
 * test('an order is written', async ({ kafka }) => {
 *   await kafka.produce('orders', ['one']);
 *   await kafka.read('orders', { count: 1 });
 * });
 * ```
 */
export function kafkaTest(options: StartKafkaOptions = {}): KafkaTest {
  expect.extend(kafkaMatchers);
  let isUsed = false;
  return base.extend<FileFixture & KafkaFixture>({
    kafkaOfFile: [
      // biome-ignore lint: vitest reads the pattern of the first argument
      async ({}, use: (kafka: TestKafka) => Promise<void>) => {
        const kafka = await startKafka(options);
        await use(kafka);
        await kafka.close();
      },
      { scope: 'file' },
    ],
    kafka: async ({ kafkaOfFile }, use) => {
      if (isUsed) await kafkaOfFile.reset();
      isUsed = true;
      await use(kafkaOfFile);
    },
  }) as KafkaTest;
}

/**
 * A `globalSetup` of vitest: makes a cluster once and passes the path of its snapshot to all workers, which start from it with
 * `kafkaTest({ from: inject('kafka') })`. The project declares the key `'kafka'`, as vitest requires.
 *
 * @example
 * ```ts
 * import { kafkaGlobalSetup } from 'bendemann/vitest';
 *
 * export default kafkaGlobalSetup({ topics: { orders: 3 } });
 * ```
 */
export function kafkaGlobalSetup(
  options: StartKafkaOptions = {},
  prepare: (kafka: TestKafka) => Promise<void> = () => Promise.resolve(),
): (project: { provide: (key: never, value: never) => void }) => Promise<() => Promise<void>> {
  return async (project) => {
    const folder = await mkdtemp(join(tmpdir(), 'bendemann-vitest-'));
    const path = join(folder, 'kafka.snapshot');
    const kafka = await startKafka(options);
    try {
      await prepare(kafka);
      await kafka.save(path);
    } finally {
      await kafka.close();
    }
    project.provide('kafka' as never, path as never);
    return () => rm(folder, { recursive: true, force: true });
  };
}
