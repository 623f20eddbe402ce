/**
 * Connections never use up the file descriptors that the logs need. The node here may open few files, and a client opens more
 * connections than that.
 */
import net from 'node:net';
import { afterAll, expect, onTestFailed, test } from 'vitest';
import { openFileShares } from '../../../src/server/open-files.ts';
import { bytesOf, createTopic, type NodeFiles, producerOf, readAll, Workshop } from './harness.ts';

const workshop = new Workshop();
afterAll(() => workshop.close());

const openFilesMax = 240;

// Windows has no limit of open files, and on macOS a node cannot find out its limit.
test.skipIf(process.platform !== 'linux')(
  'a node that may open 240 files appends records and creates topics despite 300 connections',
  async () => {
    onTestFailed(() => console.log(workshop.story()));
    const [node] = (await workshop.nodes(1)) as [NodeFiles];
    await workshop.format([node]);
    const limited = ['bash', '-c', `ulimit -n ${openFilesMax} && exec "$@"`, '--'];
    const server = workshop.toolIn({ wrapper: limited }, 'kafka-server-start', node.properties);
    await server.says('Kafka Server started');
    const client = workshop.client(node);
    await createTopic(client, 'a', 1, 1);
    const producer = producerOf(client);
    await producer.send({ topic: 'a', partition: 0, value: bytesOf('before') });
    const sockets: net.Socket[] = [];
    let closedCount = 0;
    for (const { port } of [node.broker, node.controller])
      for (let i = 0; i < 150; i++) {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('error', () => undefined).on('close', () => closedCount++);
        // The beginning of a frame, so that the node does not count this connection as idle for the next 10 s.
        socket.write(Buffer.from([0, 0, 0, 100]));
        sockets.push(socket);
      }
    const { brokerConnectionsMax, controllerConnectionsMax } = openFileShares(openFilesMax, {
      isBroker: true,
      isController: true,
    });
    const refusedMin = 300 - brokerConnectionsMax - controllerConnectionsMax;
    await expect.poll(() => closedCount, { timeout: 10_000 }).toBeGreaterThanOrEqual(refusedMin);
    await producer.send({ topic: 'a', partition: 0, value: bytesOf('among many') });
    for (let i = 0; i < 5; i++) await createTopic(client, `b${i}`, 4, 1);
    await producer.send({ topic: 'b0', partition: 0, value: bytesOf('a new log') });
    for (const socket of sockets) socket.destroy();
    await producer.send({ topic: 'a', partition: 0, value: bytesOf('after') });
    expect(await readAll(client, 'a')).toEqual(['before', 'among many', 'after']);
    expect(server.output).not.toMatch(/ERROR|EMFILE/);
  },
);
