/**
 * kafka-console-consumer without --group is the only member of a group of its own while it runs, as in Kafka. With --partition
 * it is a member of none.
 */
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { bytesOf, createTopic, type NodeFiles, producerOf, until, Workshop } from './harness.ts';

const workshop = new Workshop();
let server: string[];
let send: (value: string) => Promise<unknown>;

beforeAll(async () => {
  const [node] = (await workshop.nodes(1, {
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
  })) as [NodeFiles];
  await workshop.format([node]);
  await workshop.startAll([node]);
  server = ['--bootstrap-server', `${node.broker.host}:${node.broker.port}`];
  const client = workshop.client(node);
  await createTopic(client, 'lines', 1, 1);
  const producer = producerOf(client);
  send = (value) => producer.send({ topic: 'lines', partition: 0, value: bytesOf(value) });
  await send('one');
});

afterAll(() => workshop.close());

async function groups(...args: string[]): Promise<string> {
  return (await workshop.tool('kafka-consumer-groups', ...server, ...args).ended).output;
}

test('without --group it is in a group of its own, which has no offsets', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const read = ['--topic', 'lines', '--from-beginning', '--max-messages', '2'];
  const consumer = workshop.tool('kafka-console-consumer', ...server, ...read);
  await consumer.says('one');
  const group = await until('the group', async () => /console-consumer-\d+/.exec(await groups('--list')));
  const row = (await groups('--describe', '--group', group[0])).trim().split('\n').at(-1) ?? '';
  expect(row).toMatch(
    /^console-consumer-\d+\s+lines\s+0\s+-\s+1\s+-\s+console-consumer-\S+\s+\/\S+\s+console-consumer\s*$/,
  );
  await send('two');
  expect((await consumer.ended).output).toContain('Processed a total of 2 messages');
  expect(await groups('--describe', '--group', group[0], '--state')).toMatch(/Empty\s+0\s*$/);
});

test('with --partition it is in no group', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const before = await groups('--list');
  const read = ['--topic', 'lines', '--partition', '0', '--offset', 'earliest', '--max-messages', '1'];
  await workshop.tool('kafka-console-consumer', ...server, ...read).ended;
  expect(await groups('--list')).toBe(before);
});

test('after SIGTERM the exit status is 143', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const consumer = workshop.tool('kafka-console-consumer', ...server, '--topic', 'lines', '--from-beginning');
  await consumer.says('one');
  expect(await consumer.end('SIGTERM')).toMatchObject({ status: 143 });
});
