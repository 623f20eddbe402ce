/** `bendemann compose` with compose files like those of four client libraries, and with mistakes in a file. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ComposeFileError, interpolate, readComposeFile } from '../../src/cli/compose/compose-file.ts';
// @ts-expect-error plain JavaScript, as scripts are
import { freePorts as portsThatAreFree } from '../../scripts/lib/ports.mjs';

const freePorts = portsThatAreFree as (count: number) => Promise<number[]>;
const root = join(import.meta.dirname, '../..');
const folder = join(import.meta.dirname, 'compose');
const run = promisify(execFile);

/** What a client sees: the brokers, and a record that it wrote. */
const client = `
  const { Kafka, logLevel } = require('kafkajs');
  (async () => {
    const kafka = new Kafka({ brokers: process.env.BROKERS.split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    await admin.createTopics({ topics: [{ topic: 'seen', numPartitions: 1 }], waitForLeaders: true });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 'seen', messages: [{ value: 'one' }] });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: 'group' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'seen', fromBeginning: true });
    const value = await new Promise((got) => consumer.run({ eachMessage: async ({ message }) => got(String(message.value)) }));
    await consumer.disconnect();
    console.log(JSON.stringify({ nodes: brokers.map(({ nodeId, port }) => [nodeId, port]), topics: (await admin.listTopics()).sort(), value }));
    await admin.disconnect();
  })();`;

async function compose(args: readonly string[], env: Record<string, string>) {
  const command = [join(root, 'bin/bendemann'), 'compose', ...args];
  const options = { cwd: root, env: { ...process.env, ...env }, timeout: 60_000 };
  return run(process.execPath, command, options);
}

async function seen(file: string, count: number) {
  const ports = await freePorts(count + 1);
  const [a, b = 0, c = 0] = ports as [number, number?, number?];
  const env = {
    PORT_A: String(a),
    PORT_B: String(b),
    PORT_C: String(c),
    PORT_A_TLS: String(ports.at(-1)),
    BROKERS: ports
      .slice(0, count)
      .map((port) => `localhost:${port}`)
      .join(','),
  };
  const { stdout, stderr } = await compose([join(folder, file), '--', process.execPath, '-e', client], env);
  const result = JSON.parse(stdout.trim().split('\n').at(-1) as string) as {
    nodes: [number, number][];
    topics: string[];
    value: string;
  };
  return { ...result, ports, notes: stderr };
}

describe('the Compose file of a client library', () => {
  test('with three brokers that share a ZooKeeper starts one cluster without the TLS listeners', async () => {
    const { nodes, value, ports, notes } = await seen('zookeeper-three.yml', 3);
    expect(nodes.sort()).toEqual([0, 1, 2].map((id) => [id, ports[id]]));
    expect(value).toBe('one');
    expect(notes).toContain('broker-a, broker-b, broker-c shared a ZooKeeper: they are one cluster.');
    expect(notes).toContain('OUTSIDE_TLS');
    expect(notes).toContain('zk (confluentinc/cp-zookeeper:5.4.2)');
  });

  test('with three nodes of a quorum starts them, and no services with profiles or other images', async () => {
    const { nodes, value, ports, notes } = await seen('quorum-three.yml', 3);
    expect(nodes.sort()).toEqual([1, 2, 3].map((id) => [id, ports[id - 1]]));
    expect(value).toBe('one');
    expect(notes).toContain('registry (confluentinc/cp-schema-registry:8.1.0)');
  });

  test('with a mounted properties file starts a node without the SASL listeners, which advertises the published port', async () => {
    const { nodes, value, ports, notes } = await seen('mounted-file.yml', 1);
    expect(nodes).toEqual([[0, ports[0]]]);
    expect(value).toBe('one');
    expect(notes).toContain('DOCKER_SASL');
    expect(notes).toContain('authorizer.class.name');
  });

  test('in the syntax of version 1 starts a node with the topics of a variable', async () => {
    const { nodes, topics, ports } = await seen('first-syntax.yml', 1);
    expect(nodes).toEqual([[1, ports[0]]]);
    expect(topics).toContain('orders');
  });
});

describe('bendemann compose', () => {
  test('ends with the status of the command', async () => {
    const [port] = await freePorts(1);
    const args = [join(folder, 'first-syntax.yml'), 'kafka', '--', process.execPath, '-e', 'process.exit(7)'];
    await expect(compose(args, { PORT_A: String(port) })).rejects.toMatchObject({ code: 7 });
  });

  test.each([
    [['nowhere.yml'], 'there is no file nowhere.yml'],
    [[join(folder, 'first-syntax.yml'), 'redis'], 'has no Kafka service redis; it has kafka'],
    [[], 'Name the file: bendemann compose FILE'],
  ])('%j fails with the message: %s', async (args, message) => {
    await expect(compose(args, { PORT_A: '9092' })).rejects.toMatchObject({
      stderr: expect.stringContaining(message),
    });
  });

  test('fails when the file has no Kafka service', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'bendemann-compose-test-'));
    const path = join(empty, 'compose.yml');
    writeFileSync(path, 'services: { db: { image: postgres } }');
    await expect(compose([path], {})).rejects.toMatchObject({
      stderr: expect.stringContaining('has no service whose image is a Kafka'),
    });
    rmSync(empty, { recursive: true });
  });
});

describe('variables in a Compose file', () => {
  test.each([
    ['$A-${A}', 'a-a'],
    ['$$A', '$A'],
    ['${B:-x}${B-x}${E:-x}${E-x}', 'xxx'],
    ['${B:-${A}}', 'a'],
    ['${A:+x}${E:+x}${E+x}', 'xx'],
    ['${B}', ''],
    ['100%', '100%'],
  ])('%s becomes %s', (text, expected) => {
    expect(interpolate(text, { A: 'a', E: '' })).toBe(expected);
  });

  test('a required variable that is missing is an error', () => {
    expect(() => interpolate('${B:?set it}', {})).toThrow(
      new ComposeFileError('The variable B is not set: set it.'),
    );
  });

  test('variables of the service override its environment files; a name without a value gets that of the shell', () => {
    const text = 'services: { k: { image: i, env_file: [a.env], environment: [C, D=d, A=over] } }';
    const readFile = (path: string): string | null =>
      path === 'a.env' ? "A=a\n# no\nB='b # b'\nexport E=e # no\n" : null;
    const [service] = readComposeFile({ text, variables: { C: 'shell' }, readFile });
    expect(service?.environment).toEqual({ A: 'over', B: 'b # b', C: 'shell', D: 'd', E: 'e' });
  });

  test.each([
    ['a: [', 'It is not YAML'],
    ['x: 1', 'no services'],
    ['services: { k: { image: i, ports: [nonsense] } }', "'nonsense' is not a port mapping"],
  ])('the file %s is refused: %s', (text, message) => {
    expect(() => readComposeFile({ text, variables: {}, readFile: () => null })).toThrow(message);
  });

  test.each([
    ['9092:9092', [[9092, 9092]]],
    ['127.0.0.1:19092:9092/tcp', [[19092, 9092]]],
    [
      '9000-9001:8000-8001',
      [
        [9000, 8000],
        [9001, 8001],
      ],
    ],
    ['9092', []],
  ])('ports %s', (mapping, expected) => {
    const text = `services: { k: { image: i, ports: ["${mapping}"] } }`;
    const [service] = readComposeFile({ text, variables: {}, readFile: () => null });
    expect(service?.ports.map(({ host, container }) => [host, container])).toEqual(expected);
  });
});
