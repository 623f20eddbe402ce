import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { systemFileSystem } from '../../src/adapters/file-system.ts';
import { createSystemRandom } from '../../src/adapters/random.ts';
import { directoriesOf, infoText, inspect } from '../../src/cli/storage/directories.ts';
import {
  chooseFeatures,
  featureDependencies,
  metadataVersionNamed,
  versionMapping,
} from '../../src/cli/storage/features.ts';
import { format, type FormatOptions, parseDynamicVoters } from '../../src/cli/storage/format.ts';
import { scramRecord } from '../../src/cli/storage/scram.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { readMetaProperties } from '../../src/log/directories/meta-properties.ts';
import { readBootstrapRecords, readInitialVoters } from '../../src/server/bootstrap-checkpoint.ts';

const directory = mkdtempSync(join(tmpdir(), 'storage-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
let count = 0;
const fresh = () => join(directory, String(count++));
const clusterId = 'E7P3zibaQBOXNh00Pe2thA';
const world = (lines: string[]) => ({
  fs: systemFileSystem,
  clock: systemClock,
  random: createSystemRandom(),
  print: (line: string) => lines.push(line),
});

function node(dirs: string, quorum = 'controller.quorum.voters=1@localhost:9093'): NodeConfig {
  return NodeConfig.parse(`process.roles=broker,controller
node.id=1
${quorum}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
log.dirs=${dirs}
`);
}

function options(config: NodeConfig, more: Partial<FormatOptions> = {}): FormatOptions {
  return {
    config,
    clusterId,
    ignoreFormatted: false,
    release: null,
    features: [],
    scram: [],
    isStandalone: false,
    noInitialControllers: false,
    initialControllers: null,
    ...more,
  };
}

const dynamic = 'controller.quorum.bootstrap.servers=localhost:9093';

test('format with static voters writes files that a starting node reads', async () => {
  const [a, b] = [fresh(), fresh()];
  const lines: string[] = [];
  await format(
    options(node(`${b},${a}`), { scram: ['SCRAM-SHA-256=[name=alice,password=alice-secret]'] }),
    world(lines),
  );
  expect(lines.slice(1)).toEqual([
    `Formatting data directory ${a} with metadata.version 4.3-IV0.`,
    `Formatting metadata directory ${b} with metadata.version 4.3-IV0.`,
  ]);
  expect(lines[0]).not.toContain('secret');
  expect(readdirSync(b).sort()).toEqual(['bootstrap.checkpoint', 'meta.properties']);
  const [metaA, metaB] = [
    await readMetaProperties(systemFileSystem, a),
    await readMetaProperties(systemFileSystem, b),
  ];
  expect(metaA).toMatchObject({ clusterId, nodeId: 1 });
  expect(metaA?.directoryId).not.toBe(metaB?.directoryId);
  const records = (await readBootstrapRecords(systemFileSystem, b)) ?? [];
  expect(
    records.map((entry) =>
      entry.type === 'FeatureLevelRecord' ? `${entry.name}=${entry.featureLevel}` : entry.type,
    ),
  ).toEqual([
    'metadata.version=30',
    'eligible.leader.replicas.version=1',
    'group.version=1',
    'share.version=1',
    'streams.version=1',
    'transaction.version=2',
    'UserScramCredentialRecord',
  ]);
  expect(await readInitialVoters(systemFileSystem, b)).toBeNull();
  const info = infoText(
    await Promise.all(directoriesOf(node(`${b},${a}`)).map((path) => inspect(systemFileSystem, path))),
  );
  expect(info).toEqual({
    hasProblems: false,
    text: `Found log directories:\n  ${a}\n  ${b}\n\nFound metadata: {cluster.id=${clusterId}, directory.id=${metaA?.directoryId}, node.id=1, version=1}\n\n`,
  });
});

test('format with a dynamic quorum writes the voters, with the directory id of this node, into the first snapshot', async () => {
  const [one, two] = [fresh(), fresh()];
  const lines: string[] = [];
  await format(options(node(one, dynamic), { isStandalone: true }), world(lines));
  expect(lines.at(-1)).toBe(
    `Formatting dynamic metadata voter directory ${one} with metadata.version 4.3-IV0.`,
  );
  const meta = await readMetaProperties(systemFileSystem, one);
  expect(await readInitialVoters(systemFileSystem, one)).toEqual([
    {
      id: 1,
      directoryId: meta?.directoryId,
      endpoints: [{ name: 'CONTROLLER', host: 'localhost', port: 9093 }],
    },
  ]);
  const list = '1@h1:9093:JEXY6aqzQY-32P5TStzaFg,2@[::1]:9094:MvDxzVmcRsaTz33bUuRU6A';
  await format(options(node(two, dynamic), { initialControllers: list }), world([]));
  expect((await readMetaProperties(systemFileSystem, two))?.directoryId).toBe('JEXY6aqzQY-32P5TStzaFg');
  expect((await readInitialVoters(systemFileSystem, two))?.[1]).toEqual({
    id: 2,
    directoryId: 'MvDxzVmcRsaTz33bUuRU6A',
    endpoints: [{ name: 'CONTROLLER', host: '::1', port: 9094 }],
  });
});

test('formatting again is refused; with --ignore-formatted only new directories are formatted', async () => {
  const [old, added] = [fresh(), fresh()];
  await format(options(node(old)), world([]));
  const before = readFileSync(join(old, 'meta.properties'), 'utf8');
  await expect(format(options(node(old)), world([]))).rejects.toThrow(
    `Log directory ${old} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
  );
  const lines: string[] = [];
  await format(options(node(old), { ignoreFormatted: true }), world(lines));
  expect(lines).toEqual(['All of the log directories are already formatted.']);
  await format(options(node(`${old},${added}`), { ignoreFormatted: true }), world(lines));
  expect(lines.at(-1)).toBe(`Formatting data directory ${added} with metadata.version 4.3-IV0.`);
  expect(readFileSync(join(old, 'meta.properties'), 'utf8')).toBe(before);
  await expect(
    format(options(node(old), { clusterId: 'other', ignoreFormatted: true }), world([])),
  ).rejects.toThrow(`Invalid cluster.id in: ${old}/meta.properties. Expected other, but read ${clusterId}`);
});

test('the error names a damaged bootstrap.checkpoint', async () => {
  const path = fresh();
  await format(options(node(path)), world([]));
  const file = await systemFileSystem.open(join(path, 'bootstrap.checkpoint'), 'write');
  await file.write([new Uint8Array([255])], 160);
  await file.close();
  await expect(readBootstrapRecords(systemFileSystem, path)).rejects.toThrow(
    /bootstrap\.checkpoint is damaged\. .* remove the file; otherwise .*kafka-storage\.sh format/,
  );
});

describe('features at formatting', () => {
  const choose = (chosen: string[], release: string | null = null, isDynamic = false) => {
    try {
      const { metadataVersion, levels } = chooseFeatures({
        release,
        chosen,
        isDynamic,
        takesUnstable: false,
      });
      return `${metadataVersion.name}: ${levels.map(({ name, level }) => `${name}=${level}`).join(' ')}`;
    } catch (error) {
      return (error as Error).message;
    }
  };
  test.each([
    [[], '3.9', '3.9-IV0: metadata.version=21'],
    [
      ['metadata.version=27'],
      null,
      '4.1-IV1: metadata.version=27 eligible.leader.replicas.version=1 group.version=1 transaction.version=2',
    ],
    [['group.version=9'], null, 'No feature:group.version with feature level 9'],
    [['group.version'], null, "Can't parse feature=level string group.version: equals sign not found."],
    [
      ['metadata.version=27'],
      '4.0',
      'Use --release-version instead of --feature metadata.version=X to avoid ambiguity.',
    ],
    [
      ['eligible.leader.replicas.version=1'],
      '3.9',
      'eligible.leader.replicas.version could not be set to 1 because it depends on metadata.version level 23',
    ],
  ])('chosen %j with release %j', (chosen, release, expected) => {
    expect(choose(chosen, release)).toBe(expected);
  });
  test('kraft.version follows the kind of the quorum', () => {
    expect(choose(['kraft.version=1'])).toMatch(/^Cannot set kraft.version to 1 unless/);
    expect(choose(['kraft.version=0'], null, true)).toMatch(/^Cannot set kraft.version to 0 if/);
    expect(choose(['kraft.version=1'], null, true)).toMatch(/^4.3-IV0/);
  });
  test('only stable versions are accepted and listed, unless unstable ones are enabled', () => {
    expect(choose([], '4.4')).toMatch(
      /^Unknown metadata.version '4.4'. Supported metadata.version are: 3.3-IV3, .*, 4.3-IV0$/,
    );
    expect(choose(['metadata.version=31'])).toBe('metadata.version 4.4-IV0 is not yet stable.');
    expect(metadataVersionNamed('4.4').name).toBe('4.4-IV0');
  });
  test('are listed by version-mapping and feature-dependencies', () => {
    expect(versionMapping('4.0')).toBe(
      'metadata.version=25 (4.0)\nkraft.version=1\ntransaction.version=2\ngroup.version=1\neligible.leader.replicas.version=0\nshare.version=0\nstreams.version=0\n',
    );
    expect(featureDependencies(['eligible.leader.replicas.version=1', 'group.version=0'])).toBe(
      'eligible.leader.replicas.version=1 requires:\n    metadata.version=23 (4.0-IV1)\ngroup.version=0 has no dependencies.\n',
    );
  });
});

test('SCRAM keys are those of the example in RFC 7677, section 3', () => {
  const made = scramRecord(
    'SCRAM-SHA-256=[name=user,password=pencil,salt="W22ZaJ0SNY7soEsUEjb6gQ==",iterations=4096]',
    createSystemRandom(),
  );
  expect(made).toMatchObject({ name: 'user', mechanism: 1, iterations: 4096 });
  expect(Buffer.from(made.storedKey).toString('base64')).toBe('WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=');
  expect(Buffer.from(made.serverKey).toString('base64')).toBe('wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');
});

test.each([
  ['1', 'No @ found in dynamic voter string.'],
  ['x@h:1:JEXY6aqzQY-32P5TStzaFg', 'Failed to parse node id in dynamic voter string.'],
  ['1@127.0.0.1:39093', 'No colon following port could be found.'],
  ['1@127.0.0.1:39093:zzz', 'Failed to parse directory ID in dynamic voter string.'],
  [
    '1@[::1:39093:JEXY6aqzQY-32P5TStzaFg',
    'Hostname began with left bracket, but no right bracket was found.',
  ],
])('malformed voter %s', (text, message) => {
  expect(() => parseDynamicVoters(text, 'CONTROLLER')).toThrow(message);
});
