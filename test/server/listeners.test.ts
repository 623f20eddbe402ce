/** Where a controller says that it is reached. */
import { expect, test } from 'vitest';
import { NodeConfig } from '../../src/config/node-config.ts';
import { controllerEndpoints } from '../../src/server/listeners.ts';

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
