/**
 * A node refuses to start with a directory that belongs to another node, or with a contradictory configuration. It ends with
 * exit status 1, gives the reason in Kafka's words, and changes no file.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { randomUuid } from '../../../src/base/uuid.ts';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import { type Ended, freePorts, type Settings, Workshop } from './harness.ts';

const workshop = new Workshop();
let base: Settings;
/** A directory that was formatted for node 1 of the workshop's cluster. */
let directory: string;

async function startWith(name: string, changes: Settings): Promise<Ended> {
  return workshop.start(workshop.properties(name, { ...base, ...changes })).ended;
}

beforeAll(async () => {
  const [broker, controller] = (await freePorts(2)) as [number, number];
  directory = join(workshop.folder, 'data');
  base = {
    'node.id': 1,
    'process.roles': 'broker,controller',
    'controller.quorum.voters': `1@localhost:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://:${broker},CONTROLLER://:${controller}`,
    'log.dirs': directory,
  };
  const address = { host: 'localhost', port: broker };
  const properties = workshop.properties('base', base);
  await workshop.format([{ id: 1, directory, properties, broker: address, controller: address }]);
});

afterAll(() => workshop.close());

describe('a node does not start with a directory', () => {
  test('that is not formatted, and does not create it', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const missing = join(workshop.folder, 'missing');
    const { status, output } = await startWith('unformatted', { 'log.dirs': missing });
    expect(output).toContain('No readable meta.properties files found.');
    expect(status).toBe(1);
    expect(existsSync(missing)).toBe(false);
  });

  test('that is not formatted beside one that is', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const missing = join(workshop.folder, 'missing');
    const { status, output } = await startWith('half', { 'log.dirs': `${directory},${missing}` });
    expect(output).toContain(`No \`meta.properties\` found in ${missing}`);
    expect(status).toBe(1);
  });

  test('of another node', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const before = readdirSync(directory).sort();
    const { status, output } = await startWith('other-node', { 'node.id': 2 });
    expect(status).toBe(1);
    // The node checks its configuration, and with it the voters, before its directory. So the reason may be either of the two.
    expect(output).toMatch(/Stored node id 1 doesn't match|must be included|voter/);
    expect(readdirSync(directory).sort()).toEqual(before);
  });

  test('of another node, in the role of a broker', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const [port] = (await freePorts(1)) as [number];
    const { status, output } = await startWith('other-broker', {
      'node.id': 2,
      'process.roles': 'broker',
      listeners: `PLAINTEXT://:${port}`,
    });
    expect(output).toContain("Stored node id 1 doesn't match previous node id 2");
    expect(output).toContain(join(directory, 'meta.properties'));
    expect(status).toBe(1);
  });

  test('that is a copy of its other directory', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const copy = join(workshop.folder, 'copy');
    mkdirSync(copy);
    copyFileSync(join(directory, 'meta.properties'), join(copy, 'meta.properties'));
    const { status, output } = await startWith('copied', { 'log.dirs': `${directory},${copy}` });
    expect(output).toMatch(/Duplicate directory ID \S{22} found. It was the ID of .*, but also of .*copy/);
    expect(status).toBe(1);
  });

  test('of another cluster than its first directory', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const other = join(workshop.folder, 'other-cluster');
    const properties = workshop.properties('other-cluster', { ...base, 'log.dirs': other });
    const address = { host: 'localhost', port: 1 };
    const foreign = randomUuid(createSystemRandom());
    const node = { id: 1, directory: other, properties, broker: address, controller: address };
    await workshop.format([node], foreign);
    const { status, output } = await startWith('two-clusters', { 'log.dirs': `${directory},${other}` });
    expect(output).toContain(
      `Invalid cluster.id in: ${join(other, 'meta.properties')}. Expected ${workshop.clusterId}, but read ${foreign}`,
    );
    expect(status).toBe(1);
  });
});

describe('the configuration of a node', () => {
  test.each([
    [
      { 'num.partitions': 'abc' },
      'Invalid value abc for configuration num.partitions: Not a number of type INT',
    ],
    [{ 'num.partitions': 0 }, 'Invalid value 0 for configuration num.partitions: Value must be at least 1'],
    [{ 'node.id': -3 }, 'node.id'],
    [{ 'process.roles': 'broker,conductor' }, 'conductor'],
    [{ 'controller.quorum.voters': '7@localhost:1' }, 'controller.quorum.voters'],
    [{ 'controller.listener.names': 'NOBODY' }, 'No security protocol defined for listener CONTROLLER'],
    [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }, 'advertised.listeners'],
    [{ listeners: 'PLAINTEXT//:9092' }, 'listeners'],
    [
      { 'log.cleanup.policy': 'shred' },
      'Invalid value shred for configuration log.cleanup.policy: String must be one of: compact, delete',
    ],
  ] satisfies [Settings, string][])('is refused with %o: %s', async (changes, expected) => {
    onTestFailed(() => console.log(workshop.story()));
    const { status, output } = await startWith('wrong', changes);
    expect(output).toContain(expected);
    expect(output).not.toContain('    at ');
    expect(status).toBe(1);
  });

  test('is refused with an invalid value of config.providers, which is not shown', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const secrets = workshop.properties('secrets', { partitions: 'topsecret' });
    const { status, output } = await startWith('secret', {
      'config.providers': 'file',
      'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
      'num.partitions': `\${file:${secrets}:partitions}`,
    });
    expect(output).toContain('Invalid value [hidden] for configuration num.partitions');
    expect(output).not.toContain('topsecret');
    expect(status).toBe(1);
  });

  test('is refused without node.id', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const { 'node.id': _, ...without } = base;
    const { status, output } = await workshop.start(workshop.properties('no-id', without)).ended;
    expect(output).toContain('node.id');
    expect(status).toBe(1);
  });

  test('is refused when the properties file is missing', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const path = join(workshop.folder, 'nowhere.properties');
    const { status, output } = await workshop.start(path).ended;
    expect(output).toContain(path);
    expect(status).toBe(1);
  });

  test('causes warnings for unknown keys, with the most similar known key, and for keys without effect', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const properties = workshop.properties('odd', {
      ...base,
      'log.retention.hour': 1,
      'my.own.note': 'for people',
      'remote.fetch.max.wait.ms': 7,
    });
    const server = workshop.start(properties);
    await server.says('Kafka Server started');
    expect(server.output).toMatch(/WARN .*log\.retention\.hour\b.*log\.retention\.hours/);
    expect(server.output).toMatch(/WARN .*my\.own\.note/);
    expect(server.output).toMatch(/WARN .*remote\.fetch\.max\.wait\.ms/);
    const { status } = await server.end('SIGTERM');
    expect(status).toBe(143);
  });
});
