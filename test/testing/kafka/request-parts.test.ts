import { describe, expect, test } from 'vitest';
import type { Field, Message, Shape } from '../../../src/protocol/schema/fields.ts';
import { traitsOf } from '../../../src/testing/kafka/client-apis.ts';
import {
  cutRequest,
  groupsOf,
  joinResponses,
  topicPartitionsOf,
  transactionalIdsOf,
  withoutParts,
} from '../../../src/testing/kafka/request-parts.ts';
import { allMessages } from '../../protocol/all-messages.ts';

const none = (): null => null;
const topicFields = ['topic', 'topicName', 'topicNames', 'subscribedTopicNames'];
const groupFields = ['groupId', 'groups', 'groupIds', 'groupsNames'];
const transactionalFields = ['transactionalId', 'v3AndBelowTransactionalId', 'transactionalIds'];

/**
 * A value for a field of a request: a list gets one element, a string gets the name of its field, and a topic name is always
 * 'orders'.
 */
function valueOf(name: string, { kind, element, fields }: Field): unknown {
  if (fields !== null) return bodyOf(fields);
  if (kind === 'array') return element === null ? [] : [valueOf(name, element)];
  if (kind === 'string') return [...topicFields, 'name'].includes(name) ? 'orders' : name;
  return kind === 'int32' ? 7 : null;
}

function bodyOf(shape: Shape): Record<string, unknown> {
  return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, valueOf(name, field)]));
}

/** Whether any field of a message, at any depth, satisfies `isMeant`. */
function has(shape: Shape, isMeant: (name: string, beside: Shape) => boolean): boolean {
  return Object.entries(shape).some(([name, { fields, element }]) => {
    const inner = fields ?? element?.fields ?? null;
    return isMeant(name, shape) || (inner !== null && has(inner, isMeant));
  });
}

const namesTopic = (name: string, beside: Shape): boolean =>
  topicFields.includes(name) ||
  (name === 'name' && Object.keys(beside).some((one) => /^partition/i.test(one)));

const requests = allMessages.filter(
  ({ name, listeners }) => name.endsWith('Request') && listeners?.includes('broker') === true,
);

describe('topics, groups and transactional ids of a request are found', () => {
  test.each(requests.map(({ name, fields }) => [name, fields] as const))('in %s', (_name, fields) => {
    const body = bodyOf(fields);
    if (has(fields, namesTopic))
      expect(topicPartitionsOf(body, none).map(({ topic }) => topic)).toContain('orders');
    if (has(fields, (field) => groupFields.includes(field))) expect(groupsOf(body)).not.toEqual([]);
    if (has(fields, (field) => transactionalFields.includes(field)))
      expect(transactionalIdsOf(body)).not.toEqual([]);
  });
});

describe('filters and effects that an API allows are derived from its schemas', () => {
  const traits = (name: string, maxVersion: number): readonly string[] => {
    const [request, response] = ['Request', 'Response'].map((kind) =>
      allMessages.find((message) => message.name === `${name}${kind}`),
    ) as [Message, Message];
    return [...traitsOf({ request, response, minVersion: 0, maxVersion })].sort();
  };

  test.each([
    ['Produce', 13, ['error', 'partition', 'throttleMs', 'topic', 'topicId', 'transactionalId']],
    ['Fetch', 18, ['corrupt', 'error', 'partition', 'throttleMs', 'topic', 'topicId']],
    ['Metadata', 13, ['error', 'throttleMs', 'topic', 'topicId']],
    ['Heartbeat', 4, ['error', 'group', 'throttleMs']],
    ['FindCoordinator', 6, ['error', 'group', 'throttleMs', 'transactionalId']],
    ['TxnOffsetCommit', 5, ['error', 'group', 'partition', 'throttleMs', 'topic', 'transactionalId']],
    ['WriteTxnMarkers', 1, ['error', 'partition', 'topic']],
    ['DescribeConfigs', 4, ['error', 'throttleMs', 'topic']],
    ['AlterReplicaLogDirs', 2, ['error', 'partition', 'throttleMs', 'topic']],
    ['Fetch', 12, ['corrupt', 'error', 'partition', 'throttleMs', 'topic']],
    ['SaslHandshake', 1, ['error']],
  ])('%s up to v%i', (name, maxVersion, expected) => {
    expect(traits(name, maxVersion)).toEqual(expected);
  });
});

const partition = (index: number): { index: number } => ({ index });
const bodies: Readonly<Record<string, Record<string, unknown>>> = {
  'topics with partitions': {
    acks: -1,
    topicData: [
      { name: 'orders', partitionData: [partition(0), partition(1)] },
      { name: 'other', partitionData: [partition(1)] },
    ],
  },
  'topics of groups': {
    groups: [
      { groupId: 'one', topics: [{ name: 'orders', partitionIndexes: [0, 1] }] },
      { groupId: 'two', topics: [{ name: 'other', partitionIndexes: [1] }] },
    ],
  },
  'topics of transactions': {
    transactions: [{ transactionalId: 'tx', topics: [{ name: 'orders', partitions: [0, 1] }] }],
    v3AndBelowTopics: [{ name: 'orders', partitions: [1, 0] }],
  },
  'configuration of topics': {
    resources: [
      { resourceType: 2, resourceName: 'orders' },
      { resourceType: 4, resourceName: '1' },
    ],
  },
};

describe('splitting a request into the parts that a fault selects and the rest', () => {
  test.each(Object.entries(bodies))('works with %s', (_name, body) => {
    const { meant, rest } = cutRequest(body, { topic: 'orders' }, none);
    expect(topicPartitionsOf(meant, none).every(({ topic }) => topic === 'orders')).toBe(true);
    expect(topicPartitionsOf(rest, none).some(({ topic }) => topic === 'orders')).toBe(false);
    expect(joinResponses(meant, rest)).toEqual(body);
    expect(rest === null ? null : joinResponses(withoutParts(body, meant), meant)).toEqual(
      rest === null ? null : joinResponses(rest, meant),
    );
  });

  test('works by partition, and with topic ids', () => {
    const body = bodies['topics of groups'];
    const { meant, rest } = cutRequest(body, { partition: 1 }, none);
    expect(topicPartitionsOf(meant, none)).toEqual([
      { topic: 'orders', partitions: [1] },
      { topic: 'other', partitions: [1] },
    ]);
    expect(topicPartitionsOf(rest, none)).toEqual([{ topic: 'orders', partitions: [0] }]);
    const byId = { topics: [{ topic: '', topicId: 'id', partitions: [partition(0)] }] };
    expect(cutRequest(byId, { topic: 'orders' }, () => 'orders')).toEqual({ meant: byId, rest: null });
    expect(withoutParts(byId, byId)).toEqual({ topics: [] });
  });

  test('leaves a request whole when the fault selects nothing in it', () => {
    const body = { groups: ['orders'], memberId: 'm' };
    expect(cutRequest(body, { topic: 'orders' }, none)).toEqual({ meant: null, rest: body });
  });
});
