/**
 * A node as a process, whose directories a later release has written. It does not start, and says in its last line what to do;
 * nothing of what it found is lost, so it starts as soon as the data is as before.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { systemFileSystem } from '../../../src/adapters/file-system.ts';
import { storeInMetadataDirectory } from '../../../src/adapters/leveldb/raft-store.ts';
import { readMetaProperties } from '../../../src/log/directories/meta-properties.ts';
import { encodeRecords, record } from '../../../src/metadata/records.ts';
import { bytesOf, createTopic, type NodeFiles, producerOf, readAll, Workshop } from './harness.ts';

const workshop = new Workshop();
let node: NodeFiles;
let kept: string;

beforeAll(async () => {
  [node] = (await workshop.nodes(1)) as [NodeFiles];
  await workshop.format([node]);
  const server = workshop.start(node);
  await server.says('Kafka Server started');
  const client = workshop.client(node);
  await createTopic(client, 't', 1, 1);
  await producerOf(client, { lingerMs: 0 }).send({ topic: 't', value: bytesOf('kept') });
  await server.end('SIGTERM');
  kept = join(workshop.folder, 'kept');
  await cp(node.directory, kept, { recursive: true });
}, 60_000);

afterAll(() => workshop.close());

/** Appends a committed entry to the metadata log of the stopped node. */
async function append(payload: Uint8Array): Promise<void> {
  const meta = await readMetaProperties(systemFileSystem, node.directory);
  const store = storeInMetadataDirectory(systemFileSystem, {
    path: node.directory,
    id: meta?.directoryId as string,
  });
  const { hardState, entries } = await store.open();
  let offset = 0;
  for await (const some of entries) offset = (some.at(-1)?.offset ?? -1) + 1;
  const entry = { offset, epoch: hardState.epoch, kind: 'data', payload, appendedMs: 0 } as const;
  const state = { ...hardState, highWatermark: offset + 1 };
  await store.write([{ seq: 1, hardState: state, entries: [entry], install: null, compactTo: null }]);
  await store.close();
}

const level = (name: string, featureLevel: number): Uint8Array =>
  encodeRecords([record('FeatureLevelRecord', { name, featureLevel })]);

test.each([
  [
    'a record of an unknown type',
    Uint8Array.of(0, 99, 0, 1, 0),
    'A metadata record has the unknown type 99.',
  ],
  [
    'a later metadata.version',
    level('metadata.version', 99),
    'The metadata log sets metadata.version to 99,',
  ],
  ['an unknown feature', level('queue.version', 1), 'The metadata log sets queue.version to 1,'],
])('%s ends the start with one line that says so', async (_, payload, says) => {
  await append(payload);
  const refused = workshop.start(node);
  onTestFailed(() => console.log(refused.output));
  expect((await refused.ended).status).toBe(1);
  const errors = refused.output.split('\n').filter((line) => line.includes('ERROR'));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(`Exiting Kafka due to fatal exception: ${says}`);
  expect(errors[0]).toMatch(
    /A later release has written this\. Nothing is damaged: install that release again/,
  );
  const dump = await workshop.tool('kafka-dump-log', '--files', join(node.directory, '__cluster_metadata-0'))
    .ended;
  expect([dump.status, dump.output]).toEqual([
    0,
    expect.stringMatching(/count: 1 |Error at \d+, skipping\./),
  ]);
  await rm(node.directory, { recursive: true });
  await cp(kept, node.directory, { recursive: true });
});

test('a partition directory of a later release ends the start in the same way', async () => {
  const path = join(node.directory, 't-0', 'partition.metadata');
  const before = await readFile(path, 'utf8');
  await writeFile(path, before.replace('version: 0', 'version: 1'));
  const { status, output } = await workshop.start(node).ended;
  expect([status, output]).toEqual([
    1,
    expect.stringMatching(/fatal exception: .*partition\.metadata has version 1/),
  ]);
  await writeFile(path, before);
  const again = workshop.start(node);
  await again.says('Kafka Server started');
  expect(await readAll(workshop.client(node), 't')).toEqual(['kept']);
  await again.end('SIGTERM');
});
