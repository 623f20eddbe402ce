/**
 * The verbs (requests of the control API, `verb.ts`) for topics, records and groups, and for waiting for a state of the
 * cluster.
 */
import type { ReadOptions } from '../read-options.ts';
import type { TestRecord, TestTopic } from '../options.ts';
import { BadRequestError, partitionField, timeout, topicField, type Verb, waitOf } from './verb.ts';

export const topicVerbs: readonly Verb[] = [
  {
    method: 'POST',
    path: '/topics',
    about: 'Creates a topic.',
    fields: {
      name: topicField,
      partitions: { type: 'integer', about: 'Number of partitions, 1 by default.' },
      replicas: { type: 'integer', about: 'Number of replicas; by default the number of nodes, at most 3.' },
      configs: { type: 'object', about: 'Topic configuration by name.' },
      records: {
        type: 'records',
        about: 'Records to write to the new topic: texts, or objects with key and value.',
      },
    },
    run: async ({ kafka }, { name, ...topic }) => {
      await kafka.createTopic(name as string, topic as TestTopic);
      return {};
    },
  },
  {
    method: 'POST',
    path: '/topics/{topic}/records',
    about: 'Writes records.',
    fields: {
      records: {
        type: 'records',
        about: 'Texts, or objects with key, value, headers and partition.',
        isRequired: true,
      },
    },
    run: async ({ kafka }, { records }, { topic = '' }) => {
      await kafka.produce(topic, records as (TestRecord | string)[]);
      return {};
    },
  },
  {
    method: 'GET',
    path: '/topics/{topic}/records',
    about: 'Reads a topic.',
    fields: {
      count: {
        type: 'integer',
        about: 'Wait for this number of records; by default read the records that exist now.',
      },
      from: {
        type: 'integer',
        about: 'The offset at which each partition is read from; the beginning by default.',
      },
      isolationLevel: { type: 'string', about: 'read_committed, the default, or read_uncommitted.' },
      timeout,
    },
    run: async ({ kafka }, values, { topic = '' }) => {
      const { timeout: _timeout, ...options } = values;
      const records = await kafka.read(topic, { ...(options as ReadOptions), ...waitOf(values) });
      return { records: records.map(({ rawKey: _key, rawValue: _value, ...record }) => record) };
    },
  },
  {
    method: 'GET',
    path: '/topics/{topic}/offsets',
    about: 'Log start and log end offset of each partition.',
    fields: {},
    run: async ({ kafka }, _values, { topic = '' }) => ({
      partitions: [...(await kafka.offsets(topic))].map(([partition, ends]) => ({ partition, ...ends })),
    }),
  },
  {
    method: 'GET',
    path: '/groups/{group}/offsets',
    about: 'Committed offsets of a group for a topic; -1 where there is none.',
    fields: { topic: topicField },
    run: async ({ kafka }, { topic }, { group = '' }) => {
      const committed = await kafka.committed(group, topic as string);
      return { partitions: [...committed].map(([partition, offset]) => ({ partition, offset })) };
    },
  },
  {
    method: 'GET',
    path: '/coordinators/{kind}/{key}',
    about: 'The coordinator of a group or of a transactional id: kind is group or transaction.',
    fields: {},
    run: async ({ kafka }, _values, { kind, key = '' }) => {
      if (kind !== 'group' && kind !== 'transaction')
        throw new BadRequestError(`kind must be group or transaction, not '${kind}'.`);
      return { node: (await kafka.coordinator(kind, key)).id };
    },
  },
  {
    method: 'POST',
    path: '/topics/{topic}/leader',
    about: 'Moves the leader of a partition.',
    fields: {
      partition: partitionField,
      node: { type: 'integer', about: 'The id of the new leader.', isRequired: true },
    },
    run: async ({ kafka }, { partition, node }, { topic = '' }) => {
      await kafka.moveLeader(topic, (partition ?? 0) as number, node as number);
      return {};
    },
  },
];

export const waitVerbs: readonly Verb[] = [
  {
    method: 'POST',
    path: '/wait/group',
    about: 'Waits for a group.',
    fields: {
      group: { type: 'string', about: 'The id of the group.', isRequired: true },
      state: { type: 'string', about: 'Wait until the group has this state, such as Stable or Empty.' },
      members: { type: 'integer', about: 'Wait until the group has this number of members.' },
      lag: {
        type: 'integer',
        about: 'Wait until the lag of the group on topic is at most this number of records.',
      },
      topic: { type: 'string', about: 'The topic whose lag is meant.' },
      timeout,
    },
    run: async ({ kafka }, { group, timeout: _timeout, ...wanted }) => {
      await kafka.wait.group(group as string, { ...wanted, ...waitOf({ timeout: _timeout }) });
      return {};
    },
  },
  {
    method: 'POST',
    path: '/wait/leader',
    about: 'Waits for the leader of a partition.',
    fields: {
      topic: topicField,
      partition: partitionField,
      is: { type: 'integer', about: 'Wait until this node leads.' },
      not: { type: 'integer', about: 'Wait until a node other than this one leads.' },
      timeout,
    },
    run: async ({ kafka }, { topic, partition, timeout: _timeout, ...wanted }) => {
      const options = { ...wanted, ...waitOf({ timeout: _timeout }) };
      return { node: await kafka.wait.leader(topic as string, (partition ?? 0) as number, options) };
    },
  },
  {
    method: 'POST',
    path: '/wait/in-sync',
    about: 'Waits until all replicas are in sync.',
    fields: { topic: { type: 'string', about: 'Wait for this topic; for all topics by default.' }, timeout },
    run: async ({ kafka }, { topic, ...rest }) => {
      await kafka.wait.inSync(topic as string | undefined, waitOf(rest));
      return {};
    },
  },
  {
    method: 'POST',
    path: '/wait/offsets',
    about: 'Waits until the log end offsets of a topic add up to at least count.',
    fields: {
      topic: topicField,
      count: { type: 'integer', about: 'The number of records to wait for.', isRequired: true },
      timeout,
    },
    run: async ({ kafka }, { topic, count, ...rest }) => {
      await kafka.wait.offsets(topic as string, count as number, waitOf(rest));
      return {};
    },
  },
];
