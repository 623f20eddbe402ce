/** Which endpoints a controller registers, and what happens to connections that are accepted before the node serves them. */
import { expect, test } from 'vitest';
import type { Connection, Network } from '../../src/base/network.ts';
import type { KafkaServer } from '../../src/broker/kafka-server.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { controllerEndpoints, Listeners } from '../../src/server/listeners.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

function endpointsOf(listeners: string, quorum: string): string[] {
  const names = listeners
    .split(',')
    .map((one) => one.split(':')[0])
    .join(',');
  const config = NodeConfig.parse(
    `process.roles=controller\nnode.id=2\ncontroller.listener.names=${names}\nlistener.security.protocol.map=C:PLAINTEXT,D:PLAINTEXT\nlisteners=${listeners}\ncontroller.quorum.${quorum}\n`,
  );
  return controllerEndpoints(config, 'machine').map(({ name, host, port }) => `${name}://${host}:${port}`);
}

test.each([
  ['C://here:1', 'bootstrap.servers=there:1', ['C://here:1']],
  ['C://:1,D://:2', 'bootstrap.servers=a:9,b:2', ['C://machine:1', 'D://b:2']],
  ['C://0.0.0.0:1', 'bootstrap.servers=b:1', ['C://b:1']],
  ['C://:1,D://:7', 'voters=1@a:1,2@b:1', ['C://b:1', 'D://b:7']],
])('%s with %s', (listeners, quorum, endpoints) => {
  expect(endpointsOf(listeners, quorum)).toEqual(endpoints);
});

const waitingMaxDefault = 1000;

test('while a node starts, waitingMaxDefault connections wait for it and further ones are closed', async () => {
  let arrive: (connection: Connection) => void = () => {};
  const network = {
    listen: async (address: unknown, onConnection: typeof arrive) => {
      arrive = onConnection;
      return { address, close: async () => {} };
    },
  };
  const config = NodeConfig.parse(
    'process.roles=controller\nnode.id=2\ncontroller.listener.names=C\nlisteners=C://here:1\ncontroller.quorum.voters=2@here:1\nlistener.security.protocol.map=C:PLAINTEXT\n',
  );
  const listeners = new Listeners(config, network as unknown as Network, silentLogger);
  await listeners.bind();
  const closed = new Set<number>();
  const connections = Array.from({ length: waitingMaxDefault + 5 }, (_, index) => {
    const connection = { pause() {}, resume() {}, destroy: () => closed.add(index) } as unknown as Connection;
    arrive(connection);
    return connection;
  });
  expect([...closed]).toEqual([0, 1, 2, 3, 4].map((index) => waitingMaxDefault + index));
  const served: Connection[] = [];
  listeners.serve('controller', {
    accept: (connection: Connection) => served.push(connection),
  } as unknown as KafkaServer);
  expect(served).toEqual(connections.slice(0, waitingMaxDefault));
  await listeners.close();
});
