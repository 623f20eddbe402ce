/**
 * `listeners` of a running broker is changed (KIP-226): one listener is added, one fails because its port is taken, and one is
 * removed.
 */
import { createServer } from 'node:net';
import { afterAll, expect, onTestFailed, test } from 'vitest';
import { freePorts, type NodeFiles, partitionsOf, createTopic, until, Workshop } from './harness.ts';
import { RawSocket } from './raw-socket.ts';

const workshop = new Workshop();
afterAll(() => workshop.close());

test('a listener is opened and closed while the broker serves the others', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const [extra = 0, further = 0] = await freePorts(2);
  const [node] = (await workshop.nodes(1)) as [NodeFiles];
  await workshop.format([node]);
  const advertised = `advertised.listeners=PLAINTEXT://localhost:${node.broker.port}`;
  const server = workshop.tool('kafka-server-start', node.properties, '--override', advertised);
  await server.says('Kafka Server started');
  const own = `PLAINTEXT://:${node.broker.port},CONTROLLER://:${node.controller.port}`;
  const configs = async (change: string, what: string): Promise<string> => {
    const address = `localhost:${node.broker.port}`;
    const entity = ['--alter', '--entity-type', 'brokers', '--entity-name', '1'];
    return (
      await workshop.tool('kafka-configs', '--bootstrap-server', address, ...entity, change, what).ended
    ).output;
  };
  const map = 'listener.security.protocol.map=[CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT]';
  const withExtra = (port: number): string => `${map},listeners=[${own},EXTRA://localhost:${port}]`;

  const blocker = createServer().listen(0, 'localhost');
  await until('a port in use', () => blocker.listening);
  const { port: taken } = blocker.address() as { port: number };
  expect(await configs('--add-config', withExtra(taken))).toContain('Completed updating');
  await server.says('A listener could not be opened');
  blocker.close();

  expect(await configs('--add-config', withExtra(extra))).toContain('Completed updating');
  await server.says('Opened a listener');
  await createTopic(workshop.client(node), 'a', 1, 1);
  const other = await RawSocket.open({ host: 'localhost', port: extra });
  expect(other.isClosed).toBe(false);

  // As in Kafka, an existing listener keeps its address, and so do the advertised listeners.
  expect(await configs('--add-config', withExtra(further))).toContain('Completed updating');
  await server.says('The address of a listener is that of the properties file');
  expect(other.isClosed).toBe(false);
  await expect(RawSocket.open({ host: 'localhost', port: further })).rejects.toThrow('ECONNREFUSED');
  const withoutOwn = `listeners=[CONTROLLER://:${node.controller.port},EXTRA://localhost:${extra}]`;
  expect(await configs('--add-config', withoutOwn)).toContain('advertised.listeners listener names must be');

  expect(await configs('--delete-config', 'listeners')).toContain('Completed updating');
  await other.closed();
  await expect(RawSocket.open({ host: 'localhost', port: extra })).rejects.toThrow('ECONNREFUSED');
  expect(await partitionsOf(workshop.client(node), 'a')).toHaveLength(1);
});
