/**
 * One node as a process with two log directories. One of them can't be read at one start and is readable again at the next.
 * Replicas are moved between them.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from '../../../src/protocol/messages/log-directories/34-alter-replica-log-dirs.ts';
import {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../../src/protocol/messages/log-directories/35-describe-log-dirs.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import {
  bytesOf,
  createTopic,
  type NodeFiles,
  partitionsOf,
  producerOf,
  readAll,
  type Tool,
  until,
  Workshop,
} from './harness.ts';

const workshop = new Workshop();
const topic = 'spread';
const [one, two] = ['one', 'two'].map((name) => join(workshop.folder, name)) as [string, string];
let node: NodeFiles;
let server: Tool;
const acknowledged: string[] = [];

async function produce(partition: number, count: number): Promise<void> {
  const producer = producerOf(workshop.client(node));
  const values = Array.from({ length: count }, (_, i) => `record ${acknowledged.length + i}`);
  await Promise.all(values.map((value) => producer.send({ topic, partition, value: bytesOf(value) })));
  acknowledged.push(...values);
}

/**
 * Asks DescribeLogDirs: the directory of each partition, the error name of each directory, and the number of future replicas.
 */
async function describe(): Promise<{ places: Map<number, string>; errors: string[]; futures: number }> {
  const answer = await workshop
    .client(node)
    .request(DescribeLogDirsRequest, DescribeLogDirsResponse, { topics: null });
  const places = new Map<number, string>();
  let futures = 0;
  for (const { logDir, topics } of answer.results) {
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, isFutureKey } of partitions) {
        if (isFutureKey) futures++;
        else if (name === topic) places.set(partitionIndex, logDir);
      }
    }
  }
  return { places, futures, errors: answer.results.map(({ errorCode }) => errorOf(errorCode).name) };
}

beforeAll(async () => {
  [node] = (await workshop.nodes(1, {
    'log.dirs': `${one},${two}`,
    'min.insync.replicas': 1,
    // Logs are flushed all the time, so also while they move.
    'log.flush.interval.ms': 1,
    'log.flush.scheduler.interval.ms': 1,
  })) as [NodeFiles];
  await workshop.format([node]);
  [server] = (await workshop.startAll([node])) as [Tool];
  await createTopic(workshop.client(node), topic, 4, 1);
  for (let partition = 0; partition < 4; partition++) await produce(partition, 20);
});

afterAll(() => workshop.close());

test('an unreadable directory is offline, its replicas are not recreated, and all records return with it', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const { places } = await describe();
  expect([...places.values()].sort()).toEqual([one, one, two, two]);
  const lost = [...places].filter(([, path]) => path === two).map(([partition]) => partition);
  await server.end('SIGTERM');
  renameSync(two, `${two}.away`);
  writeFileSync(two, 'a file where the directory was');
  [server] = (await workshop.startAll([node])) as [Tool];
  expect(await describe()).toMatchObject({ errors: ['NONE', 'KAFKA_STORAGE_ERROR'] });
  const partitions = await until('the leaders that are left', async () => {
    const found = await partitionsOf(workshop.client(node), topic);
    return found.filter(({ leader }) => leader === 1).length === 2 ? found : null;
  });
  expect(partitions.filter(({ leader }) => leader < 0).map(({ index }) => index)).toEqual(lost.sort());
  const kept = partitions.find(({ leader }) => leader === 1)?.index ?? -1;
  await produce(kept, 5);
  await server.end('SIGTERM');
  renameSync(two, `${two}.file`);
  renameSync(`${two}.away`, two);
  [server] = (await workshop.startAll([node])) as [Tool];
  await until('all leaders', async () =>
    (await partitionsOf(workshop.client(node), topic)).every(({ leader }) => leader === 1),
  );
  expect((await readAll(workshop.client(node), topic)).sort()).toEqual([...acknowledged].sort());
});

test('a replica moves nine times between directories during flushed appends, and keeps its place after kill -9', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const { places } = await describe();
  let path = places.get(0) as string;
  for (let move = 0; move < 9; move++) {
    path = path === one ? two : one;
    const moving = workshop.client(node).request(AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, {
      dirs: [{ path, topics: [{ name: topic, partitions: [0] }] }],
    });
    const [answer] = await Promise.all([moving, produce(0, 200)]);
    expect(answer.results[0]?.partitions).toEqual([{ partitionIndex: 0, errorCode: 0 }]);
    const now = await until('the replica has moved', async () => {
      await produce(0, 5);
      const found = await describe();
      return found.futures === 0 && found.places.get(0) === path ? found : null;
    });
    expect(now.errors).toEqual(['NONE', 'NONE']);
  }
  await produce(0, 20);
  await server.end('SIGKILL');
  [server] = (await workshop.startAll([node])) as [Tool];
  expect((await readAll(workshop.client(node), topic)).sort()).toEqual([...acknowledged].sort());
  expect((await describe()).places.get(0)).toBe(path);
});
