/** The topics of a member: look-ups that overlap, and a pattern that matches another topic while the member joins. */
import { expect, test } from 'vitest';
import { sleep } from '../../src/base/clock.ts';
import { GroupMember } from '../../src/client/group-member.ts';
import type { ClusterInfo, KafkaClient } from '../../src/client/kafka-client.ts';
import { groupDefaults } from '../../src/client/group-membership.ts';
import { SubscribedTopics } from '../../src/client/subscribed-topics.ts';
import { JoinGroupRequest } from '../../src/protocol/messages/groups/11-join-group.ts';
import { inMacrotask, SimulatedHost, World } from '../../src/testing/index.ts';

const everything = { matches: () => true };
const maxAgeMs = 300_000;

function clusterOf(names: readonly string[]): ClusterInfo {
  const topics = names.map((name) => ({ name, id: name, isInternal: false, errorCode: 0, partitions: [] }));
  return {
    clusterId: 'c',
    controllerId: 1,
    brokers: new Map(),
    topics: new Map(topics.map((topic) => [topic.name, topic])),
  };
}

/** A cluster that answers the look-ups of metadata one after the other with these topics, each after its delay. */
function clusterThat(...answers: readonly { names: readonly string[]; afterMs: number }[]) {
  const world = new World(1);
  const life = new SimulatedHost(world, 'client').boot();
  let lookUps = 0;
  let joins = 0;
  const request = async ({ key }: { key: number }, _response: unknown, init: object) => {
    await sleep(life, 1);
    if (key !== JoinGroupRequest.key) return { errorCode: 0, assignment: new Uint8Array(0) };
    joins++;
    const [{ metadata }] = (init as { protocols: [{ metadata: Uint8Array }] }).protocols;
    return {
      errorCode: 0,
      memberId: 'm',
      leader: 'm',
      generationId: 1,
      members: [{ memberId: 'm', metadata }],
    };
  };
  const client = {
    ports: { clock: life, scheduler: life },
    coordinator: async () => 1,
    broker: async () => ({ request }),
    metadata: async () => {
      const { names, afterMs } = answers[Math.min(lookUps++, answers.length - 1)] as (typeof answers)[number];
      await sleep(life, afterMs);
      return clusterOf(names);
    },
  };
  return { world, client: client as unknown as KafkaClient, joins: () => joins };
}

test('the answer to the later of two look-ups is kept, whichever comes last', () =>
  inMacrotask(() => {
    for (const delays of [
      [5, 20],
      [20, 5],
    ] as const) {
      const { world, client } = clusterThat(
        { names: ['a'], afterMs: delays[0] },
        { names: ['a', 'b'], afterMs: delays[1] },
      );
      const topics = new SubscribedTopics(client, everything, maxAgeMs);
      void topics.lookUp();
      void topics.lookUp();
      world.run(100);
      expect(topics.names).toEqual(['a', 'b']);
    }
  }));

test('a group leader that sees another topic while it assigns soon joins again with it', () =>
  inMacrotask(() => {
    const { world, client, joins } = clusterThat(
      { names: ['a'], afterMs: 1 },
      { names: ['a', 'b'], afterMs: 1 },
    );
    const member = new GroupMember(client, everything, { ...groupDefaults, groupId: 'g' });
    void member.join();
    world.run(50);
    expect([joins(), member.needsJoin]).toEqual([1, false]);
    world.run(1_000);
    member.refresh(false);
    world.run(1_100);
    expect(member.needsJoin).toBe(true);
  }));
