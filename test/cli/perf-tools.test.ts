/** The perf and verifiable tools without a cluster: command lines, summaries, payloads. */
import { expect, test } from 'vitest';
import { HelpRequest, parseFlat, type FlatParser } from '../../src/cli/arguments/argparse.ts';
import { main as consumerPerf } from '../../src/cli/perf/kafka-consumer-perf-test.ts';
import { main as endToEnd } from '../../src/cli/perf/kafka-e2e-latency.ts';
import { main as producerPerf } from '../../src/cli/perf/kafka-producer-perf-test.ts';
import { main as verifiableConsumer } from '../../src/cli/perf/kafka-verifiable-consumer.ts';
import { main as verifiableProducer } from '../../src/cli/perf/kafka-verifiable-producer.ts';
import { LatencyStats, percentiles } from '../../src/cli/perf/latency-stats.ts';
import { growingNumbers, randomLetters } from '../../src/cli/perf/payloads.ts';
import { simpleDateFormat } from '../../src/cli/text/java-time.ts';
import type { CliIo } from '../../src/cli/tool.ts';

function testIo(): CliIo & { out: string } {
  const io = {
    out: '',
    stdout(text: string | Uint8Array): void {
      io.out += text;
    },
  };
  return io as unknown as CliIo & { out: string };
}

const parser: FlatParser = {
  prog: 'tool',
  description: 'Does something.',
  requiredGroups: ['size'],
  sectionNotes: { '': 'One of these.' },
  arguments: [
    { flags: ['--topic'], isRequired: true, help: 'The topic.' },
    { flags: ['--props'], kind: 'words', metavar: 'K=V', help: 'Properties.' },
    { flags: ['--rate'], default: '-1', integer: 'Integer', help: 'The rate.' },
    { flags: ['--big'], kind: 'flag', group: 'size', section: '', help: 'Big.' },
    { flags: ['--small'], kind: 'flag', group: 'size', section: '', help: 'Small.' },
  ],
};

test('an option takes all words up to the next option; an option that is not given has its default', () => {
  const parsed = parseFlat(parser, ['--topic', 't', '--props', 'a=1', 'b=2', '--big']);
  expect(parsed.all('props')).toEqual(['a=1', 'b=2']);
  expect(parsed.text('rate')).toBe('-1');
  expect(parsed.has('rate')).toBe(false);
});

test.each([
  [['--big'], 'tool: error: argument --topic is required'],
  [['--topic', 't'], 'tool: error: one of the arguments --big --small is required'],
  [['--topic', 't', '--big', '--small'], 'tool: error: argument --small: not allowed with argument --big'],
  [['--topic', 't', '--big', 'x'], "tool: error: unrecognized arguments: 'x'"],
  [['--topic', 't', '--big', '--rate', 'x'], 'tool: error: argument --rate: could not'],
])('%j is refused: %s', (args, message) => {
  expect(() => parseFlat(parser, args)).toThrow(message);
});

test('the help of a section follows its note', () => {
  const help = (() => {
    try {
      parseFlat(parser, ['--help']);
    } catch (error) {
      return error as HelpRequest;
    }
    return null;
  })();
  expect(help).toBeInstanceOf(HelpRequest);
  expect(help?.message).toContain(
    '\n  --rate RATE            The rate. (default: -1)\n\n  One of these.\n\n  --big',
  );
});

test('help has status 1, no arguments at all status 0, as in Kafka', async () => {
  const io = testIo();
  expect(await producerPerf(['--help'], io)).toBe(1);
  expect(await producerPerf([], io)).toBe(0);
  expect(await verifiableProducer([], io)).toBe(0);
  expect(io.out.match(/^usage: /gm)).toHaveLength(3);
});

test('kafka-producer-perf-test refuses invalid options', async () => {
  const size = ['--topic', 't', '--num-records', '1', '--throughput', '-1', '--record-size', '1'];
  await expect(producerPerf(size, testIo())).rejects.toThrow('At least one of --bootstrap-server');
  const server = ['--bootstrap-server', 'h:1'];
  await expect(
    producerPerf([...size, ...server, '--transaction-duration-ms', '0'], testIo()),
  ).rejects.toThrow('--transaction-duration-ms should be greater than zero');
  await expect(producerPerf([...size, ...server, '--producer-props', 'acks=7'], testIo())).rejects.toThrow(
    'Invalid value 7 for configuration acks',
  );
});

test('the verifiable consumer refuses an unknown protocol, and options of the other protocol', async () => {
  const args = ['--bootstrap-server', 'h:1', '--topic', 't', '--group-id', 'g', '--group-protocol'];
  await expect(verifiableConsumer([...args, 'foo'], testIo())).rejects.toThrow(
    'No enum constant org.apache.kafka.clients.consumer.GroupProtocol.FOO',
  );
  await expect(
    verifiableConsumer([...args, 'consumer', '--session-timeout', '10000'], testIo()),
  ).rejects.toThrow('session.timeout.ms cannot be set when group.protocol=CONSUMER');
});

test('kafka-consumer-perf-test requires one source and one count', async () => {
  const server = ['--bootstrap-server', 'h:1'];
  await expect(consumerPerf([...server, '--num-records', '1'], testIo())).rejects.toThrow(
    'Exactly one of the following arguments is required: [include], [topic]',
  );
  await expect(consumerPerf([...server, '--topic', 't'], testIo())).rejects.toThrow(
    'Exactly one of the following arguments is required: [messages], [num-records]',
  );
});

test.each([
  [['h:1', 't', '0', '1', '1'], 'Value for --num-records must be a positive integer.'],
  [['h:1', 't', '1', '0', '1'], 'Invalid value for --producer-acks.'],
  [['h:1', 't', '1'], 'Expected 5 or 6 positional arguments, but got 3.'],
])('the latency test refuses %j: %s', async (args, message) => {
  await expect(endToEnd(args, testIo())).rejects.toThrow(message);
});

test('the summary has the count, average and percentiles of the latencies', () => {
  const stats = new LatencyStats(4, 0, ' steady state');
  for (const latencyMs of [1, 2, 3, 10]) stats.add(latencyMs, 100);
  expect(stats.totalLine()).toMatch(
    /^4 steady state records sent, \d+\.\d{6} records\/sec \(\d+\.\d\d MB\/sec\), 4\.00 ms avg latency, 10\.00 ms max latency, 3 ms 50th, 10 ms 95th, 10 ms 99th, 10 ms 99\.9th\.\n$/,
  );
  expect(percentiles([], [0.5])).toEqual([0]);
});

test('payloads are random letters of the given size, or growing numbers', () => {
  const random = { u32: () => 7, bytes: (count: number) => new Uint8Array(count).fill(3) };
  expect(Buffer.from(randomLetters(4, random)(0)).toString()).toBe('DDDD');
  expect(Buffer.from(growingNumbers()(12)).toString()).toBe('12');
});

test('dates are formatted by the patterns of SimpleDateFormat', () => {
  const timeMs = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();
  expect(simpleDateFormat('yyyy-MM-dd HH:mm:ss:SSS', timeMs)).toBe('2026-01-02 03:04:05:006');
  expect(simpleDateFormat("yy 'at' d", timeMs)).toBe('26 at 2');
  expect(() => simpleDateFormat('Q', timeMs)).toThrow("Illegal pattern character 'Q'");
});
