import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemFileSystem } from '../../src/adapters/file-system.ts';
import { storeInMetadataDirectory } from '../../src/adapters/leveldb/raft-store.ts';
import { patternOf } from '../../src/cli/metadata-shell/glob.ts';
import { main } from '../../src/cli/metadata-shell/kafka-metadata-shell.ts';
import { listing } from '../../src/cli/metadata-shell/listing.ts';
import { completions, splitWords } from '../../src/cli/metadata-shell/terminal.ts';
import { type CliIo, ToolError } from '../../src/cli/tool.ts';
import { encodeRecords, type MetadataRecord, record } from '../../src/metadata/records.ts';
import { bootstrapBytes } from '../../src/server/bootstrap-checkpoint.ts';
import { MetadataDelta } from '../../src/metadata/delta.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import { snapshotBytes } from '../../src/metadata/snapshot.ts';

const directory = mkdtempSync(join(tmpdir(), 'metadata-shell-'));
afterAll(() => rmSync(directory, { recursive: true }));

const topicId = 'AAAAAAAAAAAAAAAAAAAABw';
const directoryId = 'AAAAAAAAAAAAAAAAAAAACA';
const quota = (entity: Record<string, string | null>, key: string, value: number): MetadataRecord =>
  record('ClientQuotaRecord', {
    entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
    key,
    value,
    remove: false,
  });
const records: readonly MetadataRecord[] = [
  record('FeatureLevelRecord', { name: 'metadata.version', featureLevel: 30 }),
  record('FeatureLevelRecord', { name: 'group.version', featureLevel: 1 }),
  record('RegisterBrokerRecord', {
    brokerId: 1,
    incarnationId: topicId,
    brokerEpoch: 7,
    endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }],
    features: [
      { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
      { name: 'a.version', minSupportedVersion: 1, maxSupportedVersion: 1 },
    ],
    rack: 'r',
    fenced: false,
    inControlledShutdown: false,
    logDirs: [directoryId],
  }),
  record('TopicRecord', { name: 'orders', topicId }),
  record('PartitionRecord', {
    partitionId: 0,
    topicId,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch: 2,
    partitionEpoch: 3,
    directories: [directoryId],
  }),
  record('ConfigRecord', { resourceType: 2, resourceName: 'orders', name: 'retention.ms', value: '5' }),
  record('ConfigRecord', { resourceType: 4, resourceName: '', name: 'min.insync.replicas', value: '1' }),
  quota({ 'client-id': null, user: 'u(1)' }, 'producer_byte_rate', 1024),
  quota({ ip: '127.0.0.9' }, 'connection_creation_rate', 3e7),
  record('ProducerIdsRecord', { brokerId: 1, brokerEpoch: 7, nextProducerId: 1000 }),
];

const kafkaSnapshot = join(directory, 'bootstrap.checkpoint');
const ownDirectory = join(directory, 'node');
const nowMs = Date.UTC(2026, 10, 28, 12, 30, 20, 650);

beforeAll(async () => {
  writeFileSync(kafkaSnapshot, bootstrapBytes(records, nowMs));
  mkdirSync(ownDirectory);
  writeFileSync(
    join(ownDirectory, 'meta.properties'),
    `version=1\ncluster.id=c\nnode.id=1\ndirectory.id=${directoryId}\n`,
  );
  const store = storeInMetadataDirectory(systemFileSystem, { path: ownDirectory, id: directoryId });
  await store.open();
  const entries = [...records.slice(0, 5), ...records.slice(5)].map((one, offset) => ({
    offset,
    epoch: 1,
    kind: 'data' as const,
    payload: encodeRecords([one]),
    appendedMs: nowMs,
  }));
  const hardState = { epoch: 1, votedFor: null, highWatermark: entries.length };
  await store.write([{ seq: 1, hardState, entries, install: null, compactTo: null }]);
  const delta = new MetadataDelta(emptyImage());
  delta.replayAll(records.slice(0, 5));
  await store.saveSnapshot({ endOffset: 5, epoch: 1, voters: [] }, snapshotBytes(delta.apply(4, 1)));
  await store.close();
});

let out = '';
beforeEach(() => {
  out = '';
});
function io(input: readonly string[] = []): CliIo {
  return {
    stdout: (text: string) => {
      out += text;
    },
    isStdinTerminal: false,
    stdinLines: async function* () {
      yield* input;
    },
  } as unknown as CliIo;
}
const lines = (): string[] => out.trimEnd().split('\n');

test('the whole tree of a Kafka snapshot is shown', async () => {
  expect(await main(['--snapshot', kafkaSnapshot, 'tree', '/image'], io())).toBe(0);
  expect(lines()).toEqual([
    'acls:',
    '  byId:',
    'clientQuotas:',
    '  clientId()_user(u\\(1\\)):',
    '    producer_byte_rate:',
    '      1024.0',
    '  ip(127.0.0.9):',
    '    connection_creation_rate:',
    '      3.0E7',
    'cluster:',
    '  brokers:',
    '    1:',
    `      BrokerRegistration(id=1, epoch=7, incarnationId=${topicId}, listeners=[Endpoint(listenerName='PLAINTEXT', securityProtocol=PLAINTEXT, host='h', port=9092)], supportedFeatures={a.version: 1, kraft.version: 0-1}, rack=Optional[r], fenced=false, inControlledShutdown=false, isMigratingZkBroker=false, directories=[${directoryId}], cordonedDirectories=[])`,
    '  controllers:',
    'configs:',
    '  BROKER:',
    '    min.insync.replicas:',
    '      1',
    '  TOPIC:orders:',
    '    retention.ms:',
    '      5',
    'delegationToken:',
    'features:',
    '  finalized_group.version:',
    '    1',
    '  metadataVersion:',
    '    Optional[4.3-IV0]',
    'producerIds:',
    '  nextProducerId:',
    '    1000',
    'provenance:',
    '  offset 10, epoch 0, time 2026-11-28T12:30:20.65Z[UTC]',
    'scram:',
    '  SCRAM-SHA-256:',
    '  SCRAM-SHA-512:',
    'topics:',
    ...['byId', 'byName'].flatMap((by) => [
      `  ${by}:`,
      `    ${by === 'byId' ? topicId : 'orders'}:`,
      '      0:',
      `        PartitionRegistration(replicas=[1], directories=[${directoryId}], isr=[1], removingReplicas=[], addingReplicas=[], elr=[], lastKnownElr=[], leader=1, leaderRecoveryState=RECOVERED, leaderEpoch=2, partitionEpoch=3)`,
      '      id:',
      `        ${topicId}`,
      '      name:',
      '        orders',
    ]),
  ]);
});

test.each(['', '__cluster_metadata-0', '__cluster_metadata-0/raft'])(
  'the path %o in our metadata directory shows its snapshot with the log after it',
  async (path) => {
    await main(['-s', kafkaSnapshot, 'tree', '/image'], io());
    const wanted = out.replace(/offset 10, epoch 0/, 'offset 9, epoch 1');
    out = '';
    await main(['-s', join(ownDirectory, path), 'tree', '/image'], io());
    expect(out).toBe(wanted);
  },
);

test('a snapshot file of ours is shown', async () => {
  const file = '__cluster_metadata-0/raft/00000000000000000005-0000000001.checkpoint';
  await main(['-s', join(ownDirectory, file), 'find', '/image/configs', '/image/topics/byName'], io());
  const folder = '/image/topics/byName';
  const inside = ['', '/orders', '/orders/0', '/orders/id', '/orders/name'];
  expect(lines()).toEqual(['/image/configs', ...inside.map((path) => folder + path)]);
});

test('records of a metadata transaction are applied only when it has ended', async () => {
  const path = join(directory, '00000000000000000000.log');
  const topic = (name: string): MetadataRecord =>
    record('TopicRecord', { name, topicId: `${'A'.repeat(20)}${name}` });
  const [begin, end, abort] = [
    record('BeginTransactionRecord', { name: 't' }),
    record('EndTransactionRecord', {}),
    record('AbortTransactionRecord', { reason: 'r' }),
  ] as [MetadataRecord, MetadataRecord, MetadataRecord];
  const all = [begin, topic('Aw'), end, begin, topic('BA'), abort, topic('BQ'), begin, topic('Bg')];
  writeFileSync(path, bootstrapBytes(all, 0));
  await main(['-s', path, 'ls', '/image/topics/byName'], io());
  expect(lines()).toEqual(['Aw', 'BQ']);
});

test('the prompt runs commands, explains mistakes, keeps a history, and ends at exit', async () => {
  const input = [
    'cd /image/topics/byName',
    'pwd',
    'cat orders/{id,name}',
    ' pwd',
    'l',
    'c',
    'man exit',
    'history 2',
    'exit',
    'pwd',
  ];
  expect(await main(['-s', kafkaSnapshot], io(input))).toBe(0);
  expect(out.split('>> ')).toEqual([
    'Loading...\nStarting...\n[ Kafka Metadata Shell ]\n',
    '',
    '/image/topics/byName\n',
    `${topicId}\norders\n`,
    '/image/topics/byName\n',
    "invalid choice: 'l': did you mean 'ls'?\n",
    'ambiguous command: c could match cat, cd\n',
    'exit: Exit the metadata shell.\n\nusage: exit\n',
    '    5  man exit\n    6  history 2\n',
    '',
  ]);
});

test.each([
  [['pwd'], "invalid choice: 'pwd' (choose from 'cat', 'find', 'ls', 'tree')"],
  [['cat'], 'too few arguments'],
  [['cat', '/image'], 'cat: /image: Is a directory'],
  [['cat', '/none'], 'cat: /none: No such file or directory.'],
  [['ls', '/none'], 'ls: /none: no such file or directory.'],
  [['find', 'image/../local'], 'image/../local\nimage/../local/commitId\nimage/../local/version'],
])('%j prints %j', async (command, wanted) => {
  expect(await main(['-s', kafkaSnapshot, ...command], io())).toBe(0);
  expect(out.trimEnd()).toBe(wanted);
});

test('a path without metadata, or no path, is an error', async () => {
  await expect(main(['-s', join(directory, 'none'), 'ls'], io())).rejects.toThrow(/NoSuchFileException/);
  mkdirSync(join(directory, 'empty'));
  await expect(main(['-s', join(directory, 'empty'), 'ls'], io())).rejects.toThrow(ToolError);
  await expect(main(['ls'], io())).rejects.toThrow('argument --snapshot/-s is required');
});

test.each([
  ['a*', 'abc', true],
  ['a?', 'abc', false],
  ['{ab,b}c', 'abc', true],
  ['a.*', 'abc', false],
  ['\\*?', '*x', true],
])('whether pattern %s matches %s: %s', (pattern, name, isMatch) => {
  expect(patternOf(pattern)?.test(name)).toBe(isMatch);
});
test.each(['abc', '{a', '{a{b}}', '[ab]', '\\*'])('%s is a name, not a pattern', (text) => {
  expect(patternOf(text)).toBe(null);
});

test('names are listed in columns, filled from top to bottom', () => {
  const children = ['aaaa', 'b', 'cc', 'd', 'e'];
  expect(listing([], [{ name: 'x', children }], 12)).toEqual(['aaaa  d', 'b     e', 'cc    ']);
  expect(
    listing(
      ['f'],
      [
        { name: 'x', children: ['g'] },
        { name: 'y', children: [] },
      ],
      null,
    ),
  ).toEqual(['f', '', 'x:', 'g']);
});

test('quotes and backslashes keep blanks in a word', () => {
  expect(splitWords(`ls 'a b' "c'd" e\\ f  ''`)).toEqual(['ls', 'a b', "c'd", 'e f', '']);
});

test('the Tab key completes commands and paths', async () => {
  const file = (text: string) => ({ kind: 'file', text }) as const;
  const folder = (children: Record<string, unknown>) =>
    ({
      kind: 'directory',
      names: () => Object.keys(children),
      child: (name: string) => children[name] ?? null,
    }) as never;
  const shell = {
    root: folder({ image: folder({ acls: folder({}), a: file('') }) }),
    workingDirectory: '/',
  } as never;
  expect(completions(shell, 'h')).toEqual([['help', 'history'], 'h']);
  expect(completions(shell, 'ls i')).toEqual([['image/'], 'i']);
  expect(completions(shell, 'ls /image/a')).toEqual([['/image/a', '/image/acls/'], '/image/a']);
  expect(completions(shell, 'ls nope/')).toEqual([[], 'nope/']);
});
