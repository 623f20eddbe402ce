/** Versions that Kafka 4.4 has added to the protocol. They are served and advertised with `unstable.api.versions.enable`. */
import { expect, test } from 'vitest';
import { errorOf } from '../../../src/protocol/errors.ts';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../../src/protocol/messages/cluster/18-api-versions.ts';
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../../src/protocol/messages/groups/42-delete-groups.ts';
import {
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '../../../src/protocol/messages/transactions/28-txn-offset-commit.ts';
import { idA, idB } from '../harness.ts';
import { GroupBroker } from './group-broker.ts';

const name = (code: number | undefined) => errorOf(code ?? -1).name;
const software = { clientSoftwareName: 'test-client', clientSoftwareVersion: '1.0' };

async function started(): Promise<GroupBroker> {
  const world = new GroupBroker('unstable.api.versions.enable=true\n');
  await world.lead();
  return world;
}

async function offered(world: GroupBroker): Promise<(number | undefined)[]> {
  const { apiKeys } = await world.broker.inject(ApiVersionsRequest, ApiVersionsResponse, 3, software);
  return [18, 28, 42].map((key) => apiKeys.find(({ apiKey }) => apiKey === key)?.maxVersion);
}

test('versions of Kafka 4.4 are offered only where the property enables them', async () => {
  expect(await offered(new GroupBroker())).toEqual([4, 5, 2]);
  expect(await offered(await started())).toEqual([5, 6, 3]);
});

test.each([
  ['the node and the cluster that it meant', { clusterId: 'test-cluster', nodeId: 1 }, 'NONE'],
  ['no cluster: nothing is compared', { clusterId: null, nodeId: 9 }, 'NONE'],
  ['another node', { clusterId: 'test-cluster', nodeId: 2 }, 'REBOOTSTRAP_REQUIRED'],
  ['another cluster', { clusterId: 'other', nodeId: 1 }, 'REBOOTSTRAP_REQUIRED'],
])('ApiVersions 5 of a client that expects %s', async (_who, identity, error) => {
  const { broker } = await started();
  const body = { ...software, ...identity };
  const { errorCode, apiKeys } = await broker.inject(ApiVersionsRequest, ApiVersionsResponse, 5, body);
  expect(name(errorCode)).toBe(error);
  expect(apiKeys.length > 0).toBe(error === 'NONE');
});

test('TxnOffsetCommit 6 names topics by id', async () => {
  const { broker } = await started();
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'm' }];
  const answer = await broker.inject(TxnOffsetCommitRequest, TxnOffsetCommitResponse, 6, {
    transactionalId: 'x',
    groupId: 'g',
    producerId: 7,
    producerEpoch: 2,
    topics: [
      { topicId: idA, partitions },
      { topicId: idB, partitions },
    ],
  });
  expect(answer.topics.map(({ topicId, partitions: [first] }) => [topicId, name(first?.errorCode)])).toEqual([
    [idA, 'NONE'],
    [idB, 'UNKNOWN_TOPIC_ID'],
  ]);
});

test('DeleteGroups 3 has an error message', async () => {
  const { broker } = await started();
  const { results } = await broker.inject(DeleteGroupsRequest, DeleteGroupsResponse, 3, {
    groupsNames: ['nobody'],
  });
  expect(results).toEqual([
    { groupId: 'nobody', errorCode: 69, errorMessage: 'The group id does not exist.' },
  ]);
});
