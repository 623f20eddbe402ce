/**
 * The verbs of the control API (`verb.ts`): what programs in other languages can do with a test cluster. The HTTP routes and
 * the OpenAPI file are made from this table. A request whose values do not match the verb's fields is refused before anything
 * is done.
 */
import type { TestKafka } from '../cluster.ts';
import type { FaultOptions } from '../fault-options.ts';
import type { Fault } from '../faults.ts';
import type { Snapshot } from '../snapshot.ts';
import { activeController } from '../test-node.ts';
import { topicVerbs, waitVerbs } from './topic-verbs.ts';
import {
  BadRequestError,
  type ControlledCluster,
  NotFoundError,
  timeout,
  type Verb,
  waitOf,
} from './verb.ts';

function nodeOf(
  { kafka }: ControlledCluster,
  path: Readonly<Record<string, string>>,
): TestKafka['nodes'][number] {
  const node = kafka.nodes.find(({ id }) => String(id) === path.id);
  if (node === undefined)
    throw new NotFoundError(`There is no node ${path.id}; nodes are 1 to ${kafka.nodes.length}.`);
  return node;
}

function faultOf({ faults }: ControlledCluster, path: Readonly<Record<string, string>>): Fault {
  const fault = faults.get(path.id ?? '');
  if (fault === undefined) throw new NotFoundError(`There is no fault ${path.id}.`);
  return fault;
}

function snapshotOf({ snapshots }: ControlledCluster, path: Readonly<Record<string, string>>): Snapshot {
  const snapshot = snapshots.get(path.id ?? '');
  if (snapshot === undefined) throw new NotFoundError(`There is no snapshot ${path.id}.`);
  return snapshot;
}

function faultView(id: string, fault: Fault): unknown {
  const requests = fault.requests.map(({ api, version, node, clientId, about, timestampMs }) => ({
    api,
    version,
    node,
    clientId,
    about,
    timestampMs,
  }));
  return { id, hits: fault.hits, isOver: fault.isOver, requests };
}

const nodeActions = ['kill', 'stop', 'start', 'restart', 'pause', 'resume'] as const;

const nodeVerbs: readonly Verb[] = [
  {
    method: 'GET',
    path: '/cluster',
    about:
      'Bootstrap servers, cluster id, nodes, the id of the active controller (null: none) and the time of the cluster.',
    fields: {},
    run: async ({ kafka }) => ({
      bootstrapServers: kafka.bootstrapServers,
      clusterId: kafka.clusterId,
      nodes: kafka.nodes.map(({ id, state }, at) => ({ id, state, address: kafka.brokers[at] })),
      controller: activeController(kafka.nodes)?.id ?? null,
      nowMs: kafka.clock.now(),
    }),
  },
  ...nodeActions.map(
    (action): Verb => ({
      method: 'POST',
      path: `/nodes/{id}/${action}`,
      about: `${action} a node: kill is kill -9, stop is SIGTERM, pause and resume are SIGSTOP and SIGCONT.`,
      fields: {},
      run: async (cluster, _values, path) => {
        const node = nodeOf(cluster, path);
        await node[action]();
        return { id: node.id, state: node.state };
      },
    }),
  ),
  {
    method: 'GET',
    path: '/nodes/{id}/log',
    about: 'The newest log lines of a node.',
    fields: {},
    run: async (cluster, _values, path) => ({ lines: nodeOf(cluster, path).log }),
  },
  {
    method: 'POST',
    path: '/disks/{id}',
    about: 'Sets or removes a fault of the disk of a node.',
    fields: {
      state: {
        type: 'string',
        about: 'full, fail-read, fail-write, fail-sync or slow; mend removes the fault.',
        isRequired: true,
      },
      delay: { type: 'duration', about: 'With slow: how much longer each operation takes.' },
    },
    run: async (cluster, { state, delay }, path) => {
      const disk = cluster.kafka.disk(nodeOf(cluster, path).id);
      if (state === 'full') disk.full();
      else if (state === 'mend') disk.mend();
      else if (state === 'slow') disk.slow((delay ?? '50ms') as string);
      else if (state === 'fail-read') disk.fail('read');
      else if (state === 'fail-write') disk.fail('write');
      else if (state === 'fail-sync') disk.fail('sync');
      else
        throw new BadRequestError(
          `state must be full, fail-read, fail-write, fail-sync, slow or mend, not '${String(state)}'.`,
        );
      return {};
    },
  },
];

const faultVerbs: readonly Verb[] = [
  {
    method: 'POST',
    path: '/faults',
    about:
      'Applies effects to the requests of clients that match all filters. At least one effect is required.',
    fields: {
      api: { type: 'strings', about: 'Only requests of these APIs, such as "Produce".' },
      node: { type: 'integer', about: 'Only requests to this node.' },
      topic: { type: 'string', about: 'Only this topic.' },
      topicId: { type: 'string', about: 'Only the topic with this id.' },
      partition: { type: 'integer', about: 'Only this partition.' },
      group: { type: 'string', about: 'Only this group.' },
      transactionalId: { type: 'string', about: 'Only this transactional id.' },
      clientId: { type: 'string', about: 'Only this client.' },
      error: { type: 'string', about: 'Respond with this Kafka error, such as NOT_LEADER_OR_FOLLOWER.' },
      after: {
        type: 'boolean',
        about: 'Handle the request before responding with the error or closing the connection.',
      },
      delay: { type: 'duration', about: 'Delay the response by this time.' },
      drop: { type: 'boolean', about: 'Handle the request and never respond.' },
      disconnect: { type: 'boolean', about: 'Close the connection instead of responding.' },
      corrupt: { type: 'string', about: '"crc" or "truncate": damage the records in a Fetch response.' },
      throttleMs: { type: 'integer', about: 'throttle_time_ms of the response.' },
      observe: { type: 'boolean', about: 'Only count the requests.' },
      times: {
        type: 'integer',
        about: 'To how many requests the fault is applied, 1 by default; -1: until it is removed.',
      },
    },
    run: async (cluster, values) => {
      const often = values.times === -1 ? { times: Number.POSITIVE_INFINITY } : {};
      const fault = cluster.kafka.fault({ ...values, ...often } as FaultOptions);
      const id = String(cluster.nextId++);
      cluster.faults.set(id, fault);
      return faultView(id, fault);
    },
  },
  {
    method: 'GET',
    path: '/faults/{id}',
    about: 'The requests to which a fault was applied so far.',
    fields: {},
    run: async (cluster, _values, path) => faultView(path.id as string, faultOf(cluster, path)),
  },
  {
    method: 'POST',
    path: '/faults/{id}/wait',
    about: 'Waits until a fault was applied to a number of requests.',
    fields: { count: { type: 'integer', about: 'The number of requests, 1 by default.' }, timeout },
    run: async (cluster, values, path) => {
      const fault = faultOf(cluster, path);
      await fault.wait((values.count ?? 1) as number, waitOf(values));
      return faultView(path.id as string, fault);
    },
  },
  {
    method: 'DELETE',
    path: '/faults/{id}',
    about: 'Removes a fault.',
    fields: {},
    run: async (cluster, _values, path) => {
      faultOf(cluster, path).remove();
      return {};
    },
  },
  {
    method: 'GET',
    path: '/requests',
    about: 'The newest requests of clients, oldest first, and the same as text, one line each.',
    fields: { api: { type: 'string', about: 'Only this API.' } },
    run: async ({ kafka }, { api }) => ({
      requests: kafka.requests
        .of(api as string | undefined)
        .map(({ body: _body, response: _response, ...rest }) => rest),
      timeline: kafka.requests.toString(api as string | undefined),
    }),
  },
  {
    method: 'DELETE',
    path: '/requests',
    about: 'Empties the list of requests.',
    fields: {},
    run: async ({ kafka }) => {
      kafka.requests.clear();
      return {};
    },
  },
];

const timeVerbs: readonly Verb[] = [
  {
    method: 'POST',
    path: '/clock/advance',
    about: 'Advances the clock of a cluster that has a manual clock.',
    fields: { by: { type: 'duration', about: 'By how much, such as "7d".', isRequired: true } },
    run: async ({ kafka }, { by }) => {
      await kafka.clock.advance(by as string);
      return { nowMs: kafka.clock.now() };
    },
  },
  {
    method: 'POST',
    path: '/clock/set',
    about: 'Advances the clock of a cluster that has a manual clock to a date.',
    fields: { toMs: { type: 'integer', about: 'Milliseconds since 1970.', isRequired: true } },
    run: async ({ kafka }, { toMs }) => {
      await kafka.clock.set(toMs as number);
      return { nowMs: kafka.clock.now() };
    },
  },
  {
    method: 'POST',
    path: '/network/cut',
    about: 'Cuts the network between nodes.',
    fields: {
      from: { type: 'integers', about: 'Nodes of one side.', isRequired: true },
      to: { type: 'integers', about: 'Nodes of the other side.', isRequired: true },
      oneWay: { type: 'boolean', about: 'Cut only messages from the first side to the second.' },
    },
    run: async ({ kafka }, values) => {
      const [from, to] = [values.from as number[], values.to as number[]];
      if (values.oneWay === true) for (const a of from) for (const b of to) kafka.network.cutOneWay(a, b);
      else kafka.network.cut(from, to);
      return {};
    },
  },
  {
    method: 'POST',
    path: '/network/latency',
    about: 'Sets the delay of messages between nodes.',
    fields: {
      delay: { type: 'duration', about: 'How long a message takes.', isRequired: true },
      from: { type: 'integer', about: 'Only messages from this node.' },
      to: { type: 'integer', about: 'Only messages to this node.' },
    },
    run: async ({ kafka }, { delay, from, to }) => {
      const ends = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
      kafka.network.latency(delay as string, ends as { from?: number; to?: number });
      return {};
    },
  },
  {
    method: 'POST',
    path: '/network/heal',
    about: 'Ends all cuts and delays of the network.',
    fields: {},
    run: async ({ kafka }) => {
      kafka.network.heal();
      return {};
    },
  },
  {
    method: 'POST',
    path: '/network/disconnect',
    about: 'Closes connections of clients.',
    fields: { clientId: { type: 'string', about: 'Only those of this client.' } },
    run: async ({ kafka }, { clientId }) => ({
      count: kafka.network.disconnectClients(clientId === undefined ? {} : { clientId: clientId as string }),
    }),
  },
];

const stateVerbs: readonly Verb[] = [
  {
    method: 'POST',
    path: '/reset',
    about: 'Restores the state that the cluster had after its start.',
    fields: {},
    run: async ({ kafka, faults }) => {
      await kafka.reset();
      faults.clear();
      return {};
    },
  },
  {
    method: 'POST',
    path: '/snapshots',
    about: 'Takes a snapshot.',
    fields: {},
    run: async (cluster) => {
      const id = String(cluster.nextId++);
      cluster.snapshots.set(id, await cluster.kafka.snapshot());
      return { id };
    },
  },
  {
    method: 'POST',
    path: '/snapshots/{id}/restore',
    about: 'Restores a snapshot.',
    fields: {},
    run: async (cluster, _values, path) => {
      await cluster.kafka.restore(snapshotOf(cluster, path));
      return {};
    },
  },
];

export const verbs: readonly Verb[] = [
  ...nodeVerbs,
  ...faultVerbs,
  ...timeVerbs,
  ...topicVerbs,
  ...waitVerbs,
  ...stateVerbs,
];
