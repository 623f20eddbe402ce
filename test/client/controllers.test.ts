import { expect, test } from 'vitest';
import {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../src/protocol/messages/records/02-list-offsets.ts';
import { ScriptedCluster } from './scripted-cluster.ts';

const question = { replicaId: -1, isolationLevel: 0, topics: [] };

/** For each ListOffsets request, the node at which it arrived. Requests by which the client finds the nodes are left out. */
function arrivals(cluster: ScriptedCluster): string[] {
  return cluster.asked.filter(({ api }) => api === 'ListOffsets').map(({ broker }) => String(broker));
}

test('a client of controllers asks the active one, unless the caller names a node', async () => {
  const cluster = new ScriptedCluster(1, 3);
  const client = cluster.client({ isController: true });
  await cluster.until(client.request(ListOffsetsRequest, ListOffsetsResponse, question));
  await cluster.until(client.requestTo(2, ListOffsetsRequest, ListOffsetsResponse, question));
  expect(arrivals(cluster)).toEqual(['3', '2']);
  // The client must not ask controllers for Metadata: they do not serve it.
  expect(cluster.asked.some(({ api }) => api === 'Metadata')).toBe(false);
});

test('an unknown controller id is named in the error', async () => {
  const cluster = new ScriptedCluster(1, 3);
  const client = cluster.client({ isController: true });
  const asked = client.requestTo(9, ListOffsetsRequest, ListOffsetsResponse, question);
  await expect(cluster.until(asked)).rejects.toThrow(/9/);
});

test('the connection to a coordinator is not the one for fetches and produces', async () => {
  const cluster = new ScriptedCluster(1, 3);
  const client = cluster.client();
  const data = await cluster.until(client.broker(1));
  const coordinator = await cluster.until(client.broker(1, 'coordinator'));
  expect(coordinator).not.toBe(data);
  expect(await client.broker(1)).toBe(data);
  expect(await client.broker(1, 'coordinator')).toBe(coordinator);
});
