import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/bendemann/bendemann.ts';
import { main as storage } from '../../src/cli/storage/kafka-storage.ts';
import { runMain } from '../../src/cli/entry.ts';
import type { CliIo } from '../../src/cli/tool.ts';
// @ts-expect-error plain JavaScript, as scripts are
import { freePorts as portsThatAreFree } from '../../scripts/lib/ports.mjs';
import { startKafka, type TestKafka } from '../../src/testing/kafka/index.ts';

let kafka: TestKafka;
let folder: string;

beforeAll(async () => {
  kafka = await startKafka({ where: 'here', topics: { orders: 1 } });
  folder = mkdtempSync(join(tmpdir(), 'bendemann-cli-'));
});

afterAll(async () => {
  await kafka.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  status: number;
  out: string;
  err: string;
}

async function run(
  args: readonly string[],
  lines: readonly string[] = [],
  onOut = (_stop: () => void, _text: string): void => {},
  tool = main,
): Promise<Ran> {
  const ran = { status: -1, out: '', err: '' };
  const handlers: ((signal: 'SIGINT') => void)[] = [];
  const io: CliIo = {
    stdout: (text) => {
      ran.out += String(text);
      onOut(() => handlers.forEach((handler) => handler('SIGINT')), String(text));
    },
    stderr: (text) => {
      ran.err += text;
    },
    async *stdinLines() {
      yield* lines;
    },
    isStdinTerminal: false,
    env: {},
    onSignal: (handler) => {
      handlers.push(handler);
      return () => {};
    },
  };
  ran.status = await runMain(tool, args, io);
  return ran;
}

describe('bendemann', () => {
  test('a wrong command line gets a message with the right form, and status 1', async () => {
    expect(await run(['dve'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('(Did you mean dev?)'),
    });
    expect(await run(['dev', '--nodes', 'x'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('It must be a whole number'),
    });
    expect(await run(['dev', '--topic', 'a:b'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('as in orders:3'),
    });
    expect(await run(['--help'])).toMatchObject({ status: 0, out: expect.stringContaining('Examples:') });
    expect(await run(['--version'])).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^bendemann \d+\.\d+/),
    });
  });

  test('produce writes words and lines of standard input as records, and tail prints them', async () => {
    const bootstrap = ['-b', kafka.bootstrapServers];
    expect(await run(['produce', 'orders', 'one', 'two', ...bootstrap])).toMatchObject({
      status: 0,
      err: '2 records written to orders\n',
    });
    await run(['produce', 'orders', '--key-separator', '=', ...bootstrap], ['k=three']);
    const { out } = await run(['tail', 'orders', '--from-beginning', '-n', '3', ...bootstrap]);
    expect(out).toBe('0:0  one\n0:1  two\n0:2  k = three\n');
    const json = await run(['tail', 'orders', '--from-beginning', '-n', '1', '--json', ...bootstrap]);
    expect(JSON.parse(json.out)).toMatchObject({
      partition: 0,
      offset: 0,
      key: null,
      value: 'one',
      headers: {},
    });
    expect(await run(['tail', 'nowhere', ...bootstrap])).toMatchObject({
      status: 1,
      err: expect.stringContaining('there is no topic nowhere yet'),
    });
  });

  test('dev starts a cluster, prints its addresses and the next commands, and stops', async () => {
    const { status, out } = await run(
      ['dev', '--port', '0', '--topic', 'orders:2', '--control', '0'],
      [],
      (stop) => stop(),
    );
    expect(status).toBe(0);
    expect(out).toMatch(
      /1 node, in memory[^]*bootstrap servers {2}127\.0\.0\.1:\d+[^]*control[^]*bendemann produce orders[^]*Stopping/,
    );
    const port = kafka.brokers[0]?.split(':')[1] as string;
    expect(await run(['dev', '--port', port])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^error: a port from \d+ .* is in use/),
    });
  });

  test('the completion offers all commands and tools', async () => {
    const { out } = await run(['completion', 'bash']);
    for (const word of ['dev', 'doctor', '--from-beginning', 'console-consumer']) expect(out).toContain(word);
    expect((await run(['completion', 'zsh'])).out).toContain('bashcompinit');
    expect(await run(['completion', 'fish'])).toMatchObject({ status: 1 });
  });

  /** Writes the properties of a node with a mistake in `more`; returns the file. */
  const patient = (id: number, more: Record<string, string>): string => {
    const path = join(folder, `node-${id}.properties`);
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': '1@localhost:29193',
      'controller.listener.names': 'CONTROLLER',
      listeners: 'PLAINTEXT://:29192,CONTROLLER://:29193',
      'advertised.listeners': 'PLAINTEXT://localhost:29192',
      'log.dirs': join(folder, 'data'),
      ...more,
    };
    writeFileSync(
      path,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    return path;
  };

  test('doctor prints each problem with the line to change', async () => {
    const one = patient(1, {});
    const two = patient(2, { 'controller.quorum.voters': '1@localhost:29193,2@localhost:29195' });
    const { status, out } = await run(['doctor', one, two]);
    expect(status).toBe(1);
    expect(out).toContain('is not formatted: the node will not start\n    change: run: kafka-storage format');
    expect(out).toContain('node 1 is in');
    expect(out).toContain('its voters are not those of');
    expect(out).toContain('port 29192 of listener PLAINTEXT is that of');
    const alone = patient(3, {
      listeners: `PLAINTEXT://${kafka.brokers[0]},CONTROLLER://:29193`,
      'advertised.listeners': 'PLAINTEXT://0.0.0.0:29192',
    });
    const sick = await run(['doctor', alone]);
    expect(sick.out).toMatch(/in use on this machine|will not start/);
    writeFileSync(join(folder, 'values.properties'), 'id=5\nport=x9\n');
    const provided = (port: string): string =>
      patient(5, {
        'config.providers': 'file',
        'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
        'controller.quorum.voters': '5@localhost:29193',
        'node.id': `\${file:${join(folder, 'values.properties')}:id}`,
        'metrics.port': port,
      });
    expect((await run(['doctor', provided('-1')])).out).toContain('is not formatted');
    const hidden = await run(['doctor', provided(`\${file:${join(folder, 'values.properties')}:port}`)]);
    expect(hidden.out).toContain('the node will not start: ');
    expect(hidden.out).not.toContain('x9');
  });

  test('doctor prints all mistakes of a file, each with its line', async () => {
    const broken = patient(4, {
      'node.id': 'x',
      'num.partitions': '0',
      'http.listeners': 'WEB',
      'metrics.port': '29193',
    });
    const many = await run(['doctor', broken]);
    // One run names all mistakes, each with its line; the directory and the ports are looked at nevertheless.
    expect(many.out).toContain(
      `${broken}:2: the node will not start: Invalid value x for configuration node.id`,
    );
    expect(many.out).toContain(`${broken}:7: ${join(folder, 'data')} is not formatted`);
    expect(many.out).toContain(
      `${broken}:8: the node will not start: Invalid value 0 for configuration num.partitions`,
    );
    expect(many.out).toContain(`${broken}:9: the node will not start: http.listeners names WEB`);
    expect(many.out).toContain(
      `${broken}:10: the node will not start: metrics.port is 29193, which is the port of`,
    );
    const twice = patient(6, {});
    appendFileSync(twice, 'node.id=7\nnum.partions=3\n');
    const noted = await run(['doctor', twice]);
    expect(noted.out).toContain(
      `note: ${twice}:8: node.id is set on line 2 and again on line 8: the last value is used`,
    );
    expect(noted.out).toContain(`note: ${twice}:9: Unknown configuration num.partions has no effect`);
    const empty = join(folder, 'empty.properties');
    writeFileSync(empty, '\uFEFF# nothing\n');
    expect(await run(['doctor', empty])).toMatchObject({
      status: 1,
      out: expect.stringContaining(`${empty}: the file has no properties`),
    });
  });

  test('start with several files runs one node for each file, and stops all of them', async () => {
    const [first = 0, second = 0, third = 0] = (await portsThatAreFree(3)) as number[];
    const voters = `1@localhost:${second}`;
    const fileOf = (id: number, more: Record<string, string>): string => {
      const path = join(folder, `start-${id}.properties`);
      const properties = {
        'node.id': String(id),
        'controller.listener.names': 'CONTROLLER',
        'controller.quorum.voters': voters,
        'log.dirs': join(folder, `start-${id}`),
        ...more,
      };
      writeFileSync(
        path,
        Object.entries(properties)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      );
      return path;
    };
    const files = [
      fileOf(1, {
        'process.roles': 'broker,controller',
        listeners: `PLAINTEXT://localhost:${first},CONTROLLER://localhost:${second}`,
      }),
      fileOf(2, { 'process.roles': 'broker', listeners: `PLAINTEXT://localhost:${third}` }),
    ];
    for (const file of files)
      expect(
        await run(['format', '-t', 'abcdefghijklmnopqrstuv', '-c', file], [], undefined, storage),
      ).toMatchObject({ status: 0 });
    const started = (out: string): number => out.match(/^start-[12].* Kafka Server started/gm)?.length ?? 0;
    let seen = '';
    const ran = await run(['start', ...files], [], (stop, text) => {
      seen += text;
      if (started(seen) === 2) stop();
    });
    expect(ran.status).toBe(130);
    expect(ran.err).toMatch(/start-1.properties {2}ended/);
    expect(ran.err).toMatch(/start-2.properties {2}ended/);
    expect(ran.out).toContain('start-2.properties  ');
  });
});
