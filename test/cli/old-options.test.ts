import { expect, test } from 'vitest';
import { main } from '../../src/cli/console/kafka-console-producer.ts';
import { runMain } from '../../src/cli/entry.ts';
import { main as topics } from '../../src/cli/topics/kafka-topics.ts';
import { main as reassign } from '../../src/cli/reassign/kafka-reassign-partitions.ts';
import type { CliIo } from '../../src/cli/tool.ts';

/** What the producer says to `--broker-list` with a topic missing, so that it never connects. */
async function said(env: Record<string, string>, ...words: string[]): Promise<string> {
  let text = '';
  const io = { env, stderr: (some: string) => (text += some), stdout: () => {} } as unknown as CliIo;
  await main(words, io).catch((error: Error) => {
    text += error.message.split('\n')[0];
  });
  return text.replace(/^\[[^\]]*\] /, '');
}

test('--broker-list is refused with Kafka’s message', async () => {
  expect(await said({}, '--broker-list', 'h:1', '--topic', 't')).toBe(
    'broker-list is not a recognized option',
  );
});

test.each([
  [main, ['--broker-list', 'h:1', '--topic', 't'], 'Use --bootstrap-server instead of --broker-list'],
  [topics, ['--list', '--zookeeper', 'h:2181'], 'Use --bootstrap-server with the address of a broker'],
  [reassign, ['--list', '--zookeeper', 'h:2181'], 'Use --bootstrap-server with the address of a broker'],
])('an option of an earlier release is refused with what to use instead (%#)', async (tool, args, advice) => {
  const printed: string[] = [];
  const io = { env: {}, stderr: (text: string) => printed.push(text), stdout: () => {} } as unknown as CliIo;
  expect(await runMain(tool, args, io, 'kafka-x')).toBe(1);
  expect(printed.at(-1)).toMatch(new RegExp(`^\\[[^\\]]*\\] WARN ${advice}.*\\(kafka-x\\)\\n$`));
});

test('a mistyped option gets no such advice', async () => {
  const printed: string[] = [];
  const io = { env: {}, stderr: (text: string) => printed.push(text), stdout: () => {} } as unknown as CliIo;
  expect(await runMain(topics, ['--list', '--zookeper', 'h:2181'], io)).toBe(1);
  expect(printed.join('')).not.toContain('WARN');
});

test.each([['--broker-list', 'h:1'], ['--broker-list=h:1']])(
  'with the variables of an old image %j is taken, with a warning',
  async (...words) => {
    // Only the missing topic is left to complain of.
    expect(await said({ KAFKA_CREATE_TOPICS: 'a:1:1' }, ...words)).toBe(
      'WARN Use --bootstrap-server instead of --broker-list, which Apache Kafka 4.0 removed. It is taken here because KAFKA_CREATE_TOPICS is set. (kafka-console-producer)\nMissing required argument "[topic]"',
    );
  },
);
