/**
 * The logging of a node as a process: levels from the environment variables and files of Kafka installations, output as JSON
 * lines, and levels that are changed while the node runs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { partitionsOf, createTopic, type NodeFiles, type Tool, until, Workshop } from './harness.ts';

const workshop = new Workshop();
let node: NodeFiles;
let server: Tool;

async function configs(...args: readonly string[]): Promise<string> {
  const address = `${node.broker.host}:${node.broker.port}`;
  const entity = ['--entity-type', 'broker-loggers', '--entity-name', '1'];
  const tool = workshop.tool('kafka-configs', '--bootstrap-server', address, ...entity, ...args);
  return (await tool.ended).output;
}

function lines(): Record<string, unknown>[] {
  const whole = server.output.slice(0, server.output.lastIndexOf('\n'));
  return whole.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

beforeAll(async () => {
  [node] = (await workshop.nodes(1)) as [NodeFiles];
  await workshop.format([node]);
  const file = join(workshop.folder, 'log4j2.properties');
  writeFileSync(
    file,
    'rootLogger.level=INFO\r\nlogger.log.name=kafka.log\r\nlogger.log.level=WARN\r\nappender.stdout.layout.type=JsonTemplateLayout\r\n',
  );
  const env = {
    KAFKA_LOG4J_OPTS: `-Dlog4j2.configurationFile=${file}`,
    KAFKA_LOG4J_LOGGERS: 'org.apache.kafka.raft=ERROR',
  };
  server = workshop.toolIn({ env }, 'kafka-server-start', node.properties);
  await server.says('Kafka Server started');
});

afterAll(() => workshop.close());

test('lines are JSON; loggers set to a higher level in the file or a variable write none', () => {
  onTestFailed(() => console.log(workshop.story()));
  const loggers = lines().map(({ logger }) => logger);
  expect(loggers).toContain('org.apache.kafka.server.BrokerLifecycleManager');
  expect(loggers.filter((name) => /raft\.|kafka\.log\./.test(String(name)))).toEqual([]);
});

test('kafka-configs shows and changes levels of the running node', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const shown = await configs('--describe');
  expect(shown).toContain('org.apache.kafka.raft.KafkaRaftClient=ERROR');
  expect(shown).toContain('kafka.request.logger=WARN');
  await createTopic(workshop.client(node), 'a', 1, 1);
  expect(server.output).not.toContain('Completed request');
  expect(await configs('--alter', '--add-config', 'kafka.request.logger=DEBUG')).toContain(
    'Completed updating',
  );
  await until('a line for each request', async () => {
    await partitionsOf(workshop.client(node), 'a');
    return lines().some(
      ({ level, message, fields }) =>
        level === 'DEBUG' &&
        message === 'Completed request' &&
        (fields as Record<string, unknown>)['api'] === 'Metadata',
    );
  });
  await configs('--alter', '--delete-config', 'kafka.request.logger');
  expect(await configs('--describe')).toContain('kafka.request.logger=INFO');
  for (const name of ['kafka.server.KafkaApis', 'kafka.network.RequestChannel$', 'state.change.logger'])
    expect(await configs('--alter', '--add-config', `${name}=DEBUG`)).toContain('Completed updating');
  for (const name of ['no.such.logger', 'kafka.server'])
    expect(await configs('--alter', '--add-config', `${name}=INFO`)).toContain(
      `Invalid broker logger(s): ${name}`,
    );
});
