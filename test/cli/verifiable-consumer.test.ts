/** kafka-verifiable-consumer and a broker: the events of both group protocols and the exit statuses, as of Kafka's tool. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/perf/kafka-verifiable-consumer.ts';
import type { CliIo } from '../../src/cli/tool.ts';
import { startKafka, type TestKafka } from '../../src/testing/kafka/index.ts';

let kafka: TestKafka;

beforeAll(async () => {
  const records = ['a', 'b', 'c'].map((value) => ({ value, partition: 0 }));
  const properties = { 'group.initial.rebalance.delay.ms': '0' };
  kafka = await startKafka({ where: 'here', topics: { t: { partitions: 2, records } }, properties });
}, 60_000);

afterAll(() => kafka[Symbol.asyncDispose]());

const all = [
  { topic: 't', partition: 0 },
  { topic: 't', partition: 1 },
];

/** Its events, without their times; `onEvent` may send it a signal. */
async function run(
  args: string[],
  onEvent: (name: string, signal: (name: 'SIGTERM') => void) => void = () => {},
) {
  const events: Record<string, unknown>[] = [];
  let error = '';
  let signal: (name: 'SIGTERM') => void = () => {};
  const io = {
    stdout(line: string) {
      const { timestamp, ...rest } = JSON.parse(line) as { timestamp: number; name: string };
      expect(timestamp).toBeGreaterThan(0);
      events.push(rest);
      onEvent(rest.name, signal);
    },
    stderr(text: string) {
      error += text;
    },
    onSignal(handler: typeof signal) {
      signal = handler;
      return () => {};
    },
  };
  const status = await main(
    ['--bootstrap-server', kafka.bootstrapServers, '--topic', 't', ...args],
    io as unknown as CliIo,
  );
  return { status, error, events, names: events.map(({ name }) => name) };
}

describe.each(['classic', 'consumer'])('--group-protocol %s', (protocol) => {
  test('reads and commits, gives up its partitions, and ends', async () => {
    const args = ['--group-protocol', protocol, '--group-id', `reads-${protocol}`, '--max-messages', '3'];
    const { status, events } = await run(args);
    expect(status).toBe(0);
    expect(events).toEqual([
      { name: 'startup_complete' },
      { name: 'partitions_assigned', partitions: all },
      {
        name: 'records_consumed',
        count: 3,
        partitions: [{ topic: 't', partition: 0, count: 3, minOffset: 0, maxOffset: 2 }],
      },
      { name: 'offsets_committed', offsets: [{ topic: 't', partition: 0, offset: 3 }], success: true },
      { name: 'partitions_revoked', partitions: all },
      { name: 'shutdown_complete' },
      { name: 'shutdown_requested' },
    ]);
  });

  test('ends with the status of the signal', async () => {
    const args = ['--group-protocol', protocol, '--group-id', `signal-${protocol}`];
    const { status, names } = await run(args, (name, signal) => {
      if (name === 'offsets_committed') signal('SIGTERM');
    });
    expect(status).toBe(143);
    expect(names.slice(-4)).toEqual([
      'offsets_committed',
      'shutdown_requested',
      'partitions_revoked',
      'shutdown_complete',
    ]);
  });
});

test('an unknown assignor is reported, and the tool ends with status 0', async () => {
  const args = ['--group-protocol', 'consumer', '--group-remote-assignor', 'nope', '--group-id', 'refused'];
  const { status, error, names } = await run(args);
  expect(status).toBe(0);
  expect(error).toContain('Error during processing, terminating consumer process');
  expect(names).toEqual(['startup_complete', 'shutdown_complete', 'shutdown_requested']);
});
