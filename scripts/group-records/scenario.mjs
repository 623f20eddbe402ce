/** What clients do to groups: one request after the other, so that both systems write the same records in the same order. */
import { ApiKey, Side } from '../ask-both/side.mjs';

const sessionMs = 300_000;
const patienceMs = 15_000;
const zeroId = 'AAAAAAAAAAAAAAAAAAAAAA';

/** Encodes a subscription to `topics` as consumers do, without partitions that the consumer owns. */
function subscription(...topics) {
  const names = topics.map((name) => Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name)]));
  return Buffer.concat([
    Buffer.from([0, 1, 0, 0, 0, topics.length]),
    ...names,
    Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]),
  ]);
}

function assignment(topic, ...partitions) {
  const numbers = Buffer.alloc(4 * partitions.length);
  partitions.forEach((partition, at) => numbers.writeInt32BE(partition, 4 * at));
  return Buffer.concat([
    Buffer.from([0, 1, 0, 0, 0, 1, 0, topic.length]),
    Buffer.from(topic),
    Buffer.from([0, 0, 0, partitions.length]),
    numbers,
    Buffer.from([255, 255, 255, 255]),
  ]);
}

/** Sends requests to one of the two systems, as a client would. */
export class GroupClient {
  constructor(side) {
    this.side = side;
  }

  static async open(address) {
    return new GroupClient(await Side.open(address));
  }

  close() {
    this.side.close();
  }

  async ask(api, version, body) {
    const answer = await this.side.exchange(ApiKey[api], version, body);
    if (typeof answer === 'string') throw new Error(`${api}: ${answer}`);
    return answer;
  }

  /** Repeats a request until `isDone` accepts the response, because coordinators must load and topics must be created first. */
  async until(isDone, api, version, body) {
    const end = performance.now() + patienceMs;
    for (;;) {
      const answer = await this.ask(api, version, body);
      if (isDone(answer)) return answer;
      if (performance.now() > end) throw new Error(`${api}: ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async createTopic(name, numPartitions) {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await this.ask('CreateTopics', 7, { topics: [topic] });
    const { topicId } = topics[0];
    await this.until(({ topics: [one] }) => one.errorCode === 0 && one.topicId === topicId, 'Metadata', 12, {
      topics: [{ topicId: zeroId, name }],
      allowAutoTopicCreation: false,
    });
    return topicId;
  }

  async deleteTopic(name) {
    await this.ask('DeleteTopics', 6, { topics: [{ name, topicId: zeroId }], timeoutMs: 10_000 });
    await this.until(({ topics: [one] }) => one.errorCode !== 0, 'Metadata', 12, {
      topics: [{ topicId: zeroId, name }],
      allowAutoTopicCreation: false,
    });
  }

  async ready(groupId) {
    const found = ({ coordinators: [one] }) => one.errorCode === 0;
    await this.until(found, 'FindCoordinator', 4, { keyType: 0, coordinatorKeys: [groupId] });
    const loaded = ({ groups: [one] }) => one.errorCode === 0;
    await this.until(loaded, 'OffsetFetch', 8, { groups: [{ groupId, topics: null }], requireStable: true });
  }

  /** `topic` is a name, or from version 10 on an id. `rest` has more fields of the request. */
  commit(version, groupId, topic, offsets, rest = {}) {
    const partitions = Object.entries(offsets).map(([partitionIndex, committedOffset]) => ({
      partitionIndex: Number(partitionIndex),
      committedOffset,
      ...(version >= 6 ? { committedLeaderEpoch: 0 } : {}),
      committedMetadata: `m${committedOffset}`,
    }));
    const topics = [version >= 10 ? { topicId: topic, partitions } : { name: topic, partitions }];
    return this.ask('OffsetCommit', version, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics,
      ...rest,
    });
  }

  join(version, groupId, memberId, rest = {}) {
    return this.ask('JoinGroup', version, {
      groupId,
      sessionTimeoutMs: sessionMs,
      rebalanceTimeoutMs: sessionMs,
      memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('t') }],
      ...rest,
    });
  }

  /** `shares` is the assignment of each member by its id. Only the leader of the group sends it. */
  sync(groupId, memberId, generationId, shares, rest = {}) {
    return this.ask('SyncGroup', 5, {
      groupId,
      generationId,
      memberId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: Object.entries(shares).map(([id, bytes]) => ({ memberId: id, assignment: bytes })),
      ...rest,
    });
  }

  leave(groupId, memberId, groupInstanceId = null) {
    return this.ask('LeaveGroup', 5, { groupId, members: [{ memberId, groupInstanceId, reason: 'done' }] });
  }

  beat(groupId, memberId, memberEpoch, rest = {}) {
    return this.ask('ConsumerGroupHeartbeat', 1, { groupId, memberId, memberEpoch, ...rest });
  }

  /** Joins a consumer group and sends heartbeats until its assignment does not change any more. Returns its member epoch. */
  async joinConsumer(groupId, memberId, subscribed, rest = {}) {
    const full = { rebalanceTimeoutMs: sessionMs, topicPartitions: [], ...subscribed, ...rest };
    return this.settle(groupId, memberId, await this.beat(groupId, memberId, 0, full));
  }

  async settle(groupId, memberId, first) {
    let answer = first;
    for (let i = 0; i < 2 || answer.assignment !== null; i++) {
      const owned = answer.assignment === null ? {} : { topicPartitions: answer.assignment.topicPartitions };
      answer = await this.beat(groupId, memberId, answer.memberEpoch, owned);
    }
    return answer.memberEpoch;
  }
}

async function simpleCommits(client, { t }) {
  await client.commit(8, 'simple', 't', { 0: 5 }, { groupInstanceId: null });
  await client.commit(10, 'simple', t, { 1: 7 });
  await client.commit(2, 'simple', 't', { 0: 6 }, { retentionTimeMs: 3_600_000 });
  await client.commit(5, 'simple', 't', { 0: 9 });
  await client.ask('OffsetDelete', 0, {
    groupId: 'simple',
    topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }],
  });
  await client.commit(9, 'deleted', 't', { 0: 1 });
  await client.ask('DeleteGroups', 2, { groupsNames: ['deleted'] });
}

async function classicGroups(client) {
  const { memberId } = await client.join(9, 'classic', '');
  const { generationId } = await client.join(9, 'classic', memberId);
  await client.sync('classic', memberId, generationId, { [memberId]: assignment('t', 0, 1) });
  await client.commit(9, 'classic', 't', { 0: 3 }, { generationIdOrMemberEpoch: generationId, memberId });
  // The leader joins again with another protocol, which causes a rebalance.
  const protocols = [
    { name: 'sticky', metadata: subscription('t', 'u') },
    { name: 'range', metadata: subscription('t', 'u') },
  ];
  const again = await client.join(9, 'classic', memberId, { protocols });
  const shares = { [memberId]: assignment('t', 1) };
  await client.sync('classic', memberId, again.generationId, shares, { protocolName: 'sticky' });
  await client.leave('classic', memberId);

  const old = await client.join(3, 'of-old', '');
  await client.sync('of-old', old.memberId, old.generationId, {});
  await client.leave('of-old', old.memberId);
  await client.ask('DeleteGroups', 2, { groupsNames: ['of-old'] });

  const connect = {
    protocolType: 'connect',
    protocols: [{ name: 'compatible', metadata: Buffer.from('x') }],
  };
  const worker = await client.join(5, 'workers', '', { groupInstanceId: null, ...connect });
  await client.join(5, 'workers', worker.memberId, { groupInstanceId: null, ...connect });
  await client.ask('SyncGroup', 3, {
    groupId: 'workers',
    generationId: 1,
    memberId: worker.memberId,
    assignments: [{ memberId: worker.memberId, assignment: Buffer.from('work') }],
  });

  // This member joins and leaves before the group has a generation.
  const gone = await client.join(9, 'never', '');
  await client.leave('never', gone.memberId);
}

async function staticMembers(client) {
  const groupInstanceId = 'one';
  const first = await client.join(9, 'static', '', { groupInstanceId });
  const shares = { [first.memberId]: assignment('t', 0) };
  await client.sync('static', first.memberId, first.generationId, shares, { groupInstanceId });
  // The static member comes back without its member id and gets its place back.
  const second = await client.join(9, 'static', '', { groupInstanceId });
  await client.sync('static', second.memberId, second.generationId, shares, { groupInstanceId });
  await client.leave('static', '', groupInstanceId);
}

async function consumerGroups(client, { t }) {
  const names = { subscribedTopicNames: ['t'] };
  const epoch = await client.joinConsumer('consumer', 'member-a', names, { rackId: 'r1' });
  const who = { generationIdOrMemberEpoch: epoch, memberId: 'member-a' };
  await client.commit(9, 'consumer', 't', { 0: 4 }, who);
  await client.commit(10, 'consumer', t, { 1: 8 }, who);
  // A second member joins, so the first must give up a partition.
  const joining = { rebalanceTimeoutMs: sessionMs, topicPartitions: [], ...names };
  const joined = await client.beat('consumer', 'member-b', 0, joining);
  const again = async (epochOfA, rest = {}) =>
    client.settle('consumer', 'member-a', await client.beat('consumer', 'member-a', epochOfA, rest));
  let a = await again(epoch);
  const b = await client.beat('consumer', 'member-b', joined.memberEpoch);
  await client.settle('consumer', 'member-b', b);
  // The member changes its subscription, and then its assignor.
  a = await again(a, { subscribedTopicNames: ['t', 'u'], serverAssignor: 'range' });
  await client.beat('consumer', 'member-b', -1);
  await again(a);
  await client.beat('consumer', 'member-a', -1);
  await client.ask('DeleteGroups', 2, { groupsNames: ['consumer'] });
}

async function regexAndStatic(client) {
  const subscribed = { subscribedTopicNames: [], subscribedTopicRegex: '[tu]' };
  const epoch = await client.joinConsumer('regex', 'member-r', subscribed);
  // After the expression was resolved, a heartbeat gets the topics.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const answer = await client.beat('regex', 'member-r', epoch);
  const settled = await client.settle('regex', 'member-r', answer);
  await client.beat('regex', 'member-r', settled, { subscribedTopicRegex: '', subscribedTopicNames: ['u'] });
  await client.beat('regex', 'member-r', -1);

  const instance = { instanceId: 'one' };
  const first = await client.joinConsumer('fixed', 'member-1', { subscribedTopicNames: ['t'] }, instance);
  await client.beat('fixed', 'member-1', -2, instance);
  const second = await client.joinConsumer('fixed', 'member-2', { subscribedTopicNames: ['t'] }, instance);
  if (first !== second)
    await client.settle('fixed', 'member-2', await client.beat('fixed', 'member-2', second, instance));
  await client.leave('fixed', '', 'one');
}

async function migrations(client) {
  // A classic group becomes a consumer group while its member stays, and then a classic group again.
  const { memberId } = await client.join(9, 'moving', '');
  const { generationId } = await client.join(9, 'moving', memberId);
  await client.sync('moving', memberId, generationId, { [memberId]: assignment('t', 0, 1) });
  await client.joinConsumer('moving', 'member-n', { subscribedTopicNames: ['t'] });
  await client.beat('moving', 'member-n', -1);
  // A consumer group without members becomes a classic group, and the other way round.
  const epoch = await client.joinConsumer('changing', 'member-c', { subscribedTopicNames: ['u'] });
  await client.commit(
    9,
    'changing',
    'u',
    { 0: 2 },
    { generationIdOrMemberEpoch: epoch, memberId: 'member-c' },
  );
  await client.beat('changing', 'member-c', -1);
  const classic = await client.join(9, 'changing', '');
  await client.leave('changing', classic.memberId);
  await client.joinConsumer('changing', 'member-d', { subscribedTopicNames: ['u'] });
}

async function transactions(client) {
  const found = ({ coordinators: [one] }) => one.errorCode === 0;
  await client.until(found, 'FindCoordinator', 4, { keyType: 1, coordinatorKeys: ['x'] });
  const init = { transactionalId: 'x', transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 };
  const { producerId, producerEpoch } = await client.until(
    ({ errorCode }) => errorCode === 0,
    'InitProducerId',
    4,
    init,
  );
  const producer = { transactionalId: 'x', producerId, producerEpoch };
  for (const committed of [true, false]) {
    await client.until(({ errorCode }) => errorCode === 0, 'AddOffsetsToTxn', 3, {
      ...producer,
      groupId: 'txn',
    });
    const partitions = [
      { partitionIndex: 0, committedOffset: 11, committedLeaderEpoch: 0, committedMetadata: 'm' },
    ];
    await client.ask('TxnOffsetCommit', 3, {
      ...producer,
      groupId: 'txn',
      topics: [{ name: 't', partitions }],
    });
    await client.until(({ errorCode }) => errorCode === 0, 'EndTxn', 3, { ...producer, committed });
  }
}

async function deletedTopics(client) {
  await client.createTopic('short', 1);
  await client.commit(9, 'simple', 'short', { 0: 1 });
  await client.deleteTopic('short');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const id = await client.createTopic('short', 1);
  await client.commit(10, 'simple', id, { 0: 2 });
}

/** What clients do before a restart of the node. */
export async function groupsOf(client) {
  const ids = { t: await client.createTopic('t', 2), u: await client.createTopic('u', 1) };
  await client.ready('simple');
  await simpleCommits(client, ids);
  await classicGroups(client);
  await staticMembers(client);
  await consumerGroups(client, ids);
  await regexAndStatic(client);
  await migrations(client);
  await transactions(client);
  await deletedTopics(client);
  await client.commit(2, 'expiring', 't', { 0: 6 }, { retentionTimeMs: 1 });
}

/** What clients do after the restart. The node then looks for expired offsets at short intervals. */
export async function expiryOf(client) {
  await client.ready('simple');
  await new Promise((resolve) => setTimeout(resolve, 4_000));
}
