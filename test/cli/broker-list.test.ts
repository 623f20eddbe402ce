import { expect, test } from 'vitest';
import { main } from '../../src/cli/console/kafka-console-producer.ts';
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

test('--broker-list is refused with Kafka’s message and a hint', async () => {
  expect(await said({}, '--broker-list', 'h:1', '--topic', 't')).toBe(
    'WARN Use --bootstrap-server instead of --broker-list, which Apache Kafka 4.0 removed. (kafka-console-producer)\nbroker-list is not a recognized option',
  );
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
