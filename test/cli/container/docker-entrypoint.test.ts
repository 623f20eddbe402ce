import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { main } from '../../../src/cli/container/docker-entrypoint.ts';
import type { CliIo } from '../../../src/cli/tool.ts';

const root = mkdtempSync(join(tmpdir(), 'entrypoint-'));
afterAll(() => rmSync(root, { recursive: true }));

async function run(env: Record<string, string>, ...args: string[]): Promise<string> {
  let text = '';
  const io = {
    env,
    stdout: (output: string | Uint8Array) => (text += String(output)),
    stderr: (output: string) => (text += output),
  } as unknown as CliIo;
  expect(await main(['--print', '--root', root, ...args], io)).toBe(0);
  return text;
}

test('the entry point reads files below the root, arguments override variables, and the run scripts of the images start the node', async () => {
  mkdirSync(join(root, 'mnt/shared/config'), { recursive: true });
  writeFileSync(
    join(root, 'mnt/shared/config/server.properties'),
    'num.partitions=5\nlog.retention.hours=1\n',
  );
  const text = await run(
    { KAFKA_NUM_PARTITIONS: '6', KAFKA_SSL_KEY_PASSWORD: 'geheim' },
    'KAFKA_NUM_PARTITIONS=7',
    '/etc/kafka/docker/run',
  );
  expect(text).toContain('apache image');
  expect(text).toContain('  num.partitions=7  (KAFKA_NUM_PARTITIONS)');
  expect(text).toContain(`  log.retention.hours=1  (${root}/mnt/shared/config/server.properties)`);
  expect(text).toContain(`  log.dirs=${root}/var/lib/kafka/data`);
  expect(text).toContain('  ssl.key.password=[hidden]  (KAFKA_SSL_KEY_PASSWORD)');
});

test('variables of wurstmeister with commands set the variables that are not set', async () => {
  const env = { HOSTNAME_COMMAND: 'echo from-command', KAFKA_ADVERTISED_PORT: '9094' };
  expect(await run(env)).toContain('advertised.listeners=PLAINTEXT://from-command:9094');
  const set = { ...env, KAFKA_ADVERTISED_HOST_NAME: 'set' };
  expect(await run(set)).toContain('advertised.listeners=PLAINTEXT://set:9094');
});

test('contradicting variables and wrong arguments are refused with a message', async () => {
  const env = { KAFKA_PROCESS_ROLES: 'controller', KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://a:9092' };
  await expect(run(env)).rejects.toThrow('not supported on a KRaft controller');
  await expect(run({}, '--dialect', 'redpanda')).rejects.toThrow('no dialect redpanda');
  await expect(run({ KAFKA_CLIENT_USERS: 'a', KAFKA_CFG_NODE_ID: '1' })).rejects.toThrow(
    'give each user one',
  );
});
