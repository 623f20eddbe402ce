import { describe, expect, test } from 'vitest';
import { uuidZero } from '../../src/base/uuid.ts';
import { readRecord } from '../../src/group/records.ts';
import type { JoinResponse } from '../../src/group/types.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { ConsumerWorld, idOf } from './consumer/harness.ts';
import { durable, replayed, text, World } from './harness.ts';

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

describe('records', () => {
  // Bytes that Kafka 4.3.1 wrote for the same requests; only times and ids differ.
  const offset258 = '0000000000000102';
  const atStart = '0000018bcfe56800';

  test('an offset is written as OffsetCommitKey v1 and OffsetCommitValue v4, with the topic id', () => {
    const world = new ConsumerWorld({}, { t: 1 });
    world.commit(258, { metadata: 'm' });
    const record = world.log[0] as { key: Uint8Array; value: Uint8Array };
    expect(hex(record.key)).toBe('0001' + '000167' + '000174' + '00000000');
    const tagged = `010010${hex(Buffer.from(idOf('t'), 'base64url'))}`;
    expect(hex(record.value)).toBe(`0004${offset258}00000003026d${atStart}${tagged}`);
  });

  test('an offset with an expiry time from the client is written as v1', () => {
    const world = new World();
    world.commit(258, { metadata: 'm', retentionTimeMs: 256 }, 4);
    const inTime = '0000018bcfe56900';
    expect(hex(world.log[0]?.value ?? null)).toBe(`0001${offset258}00016d${atStart}${inTime}`);
  });

  test('offsets written as v3 can be read', () => {
    const world = new World();
    world.commit(1);
    const { key } = world.log[0] as { key: Uint8Array };
    const value = Uint8Array.from(Buffer.from(`0003${offset258}0000000300016d${atStart}`, 'hex'));
    expect(readRecord({ key, value })).toMatchObject({
      value: { offset: 258, leaderEpoch: 3, metadata: 'm', expireMs: -1, topicId: uuidZero },
    });
  });

  test('the first JoinGroup writes the group to the log, without a generation', () => {
    const world = new World();
    world.joinNow();
    const { key, value } = world.log[0] as { key: Uint8Array; value: Uint8Array };
    expect(hex(key)).toBe('0002' + '000167');
    expect(hex(value)).toBe(`0003${'0000'}${'00000000'}${'ffff'}${'ffff'}${atStart}${'00000000'}`);
    world.joinNow();
    expect(world.log).toHaveLength(1);
    world.failOver();
    expect(world.group()).toMatchObject({ state: 'Empty', generation: 0, protocolType: null });
    world.advance(world.config.offsetsRetentionCheckIntervalMs);
    expect(world.log.at(-1)).toEqual({ key, value: null });
    expect(world.shard.groups.size).toBe(0);
  });

  test('a group whose first write fails is removed', () => {
    const world = new World();
    world.autoWrite = false;
    world.joinNow();
    world.failed(Errors.NOT_ENOUGH_REPLICAS);
    world.advance(world.config.offsetsRetentionCheckIntervalMs);
    expect([world.shard.groups.size, world.writes.length]).toEqual([0, 0]);
  });

  test('a record with an unknown key type is skipped', () => {
    expect(readRecord({ key: Uint8Array.of(0, 3, 0, 0), value: null })).toEqual({
      type: 'unknown',
      keyType: 3,
    });
  });

  test('key version 0 is read like version 1', () => {
    const world = new World();
    world.commit(1);
    const { key, value } = world.log[0] as { key: Uint8Array; value: Uint8Array };
    key[1] = 0;
    expect(readRecord({ key, value })).toMatchObject({
      type: 'offset',
      group: 'g',
      topic: 't',
      partition: 0,
    });
  });
});

describe('fail-over', () => {
  test('the group keeps generation, members and assignments; sessions begin again', () => {
    const world = new World();
    const { ids, generation } = world.stable(2);
    world.commit(9, { memberId: ids[0] as string, generationIdOrMemberEpoch: generation });
    world.advance(9_000);
    world.failOver();
    world.advance(9_000);
    for (const id of ids) expect(world.heartbeat(id, generation)).toBe('NONE');
    const again = world.syncAnswer(world.sync(ids[1] as string, generation));
    expect(text(again?.assignment as Uint8Array)).toBe('a1');
    const rejoined = world.join({ memberId: ids[0] as string });
    expect(world.response(rejoined)).toBeUndefined();
    const answer = world.joinNow({ memberId: ids[1] as string });
    expect(answer.generationId).toBe(generation + 1);
    expect(world.response<JoinResponse>(rejoined)?.leader).toBe(ids[0]);
  });

  test('a group above the current group.max.size must rebalance', () => {
    const world = new World();
    world.stable(2);
    Object.assign(world.config, { maxSize: 1 });
    world.failOver();
    expect(world.group().state).toBe('PreparingRebalance');
  });

  test('a group that was deleted and created again has its new offsets only', () => {
    const world = new World();
    world.commit(1);
    world.commit(1, { partition: 1 });
    world.send((token) => ({ type: 'deleteGroup', token, groupId: 'g' }));
    world.commit(5);
    world.failOver();
    expect([...(world.group().offsets.get('t')?.keys() ?? [])]).toEqual([0]);
  });

  test('a compacted log gives the same state as the whole log', () => {
    const world = new World();
    const { ids, generation } = world.stable(3);
    const member = { memberId: ids[0] as string, generationIdOrMemberEpoch: generation };
    for (let i = 0; i < 5; i++) world.commit(i, { ...member, partition: i % 2 });
    world.commit(4, { groupId: 'h', partition: 3 });
    world.commit(5, { groupId: 'i' });
    world.send((token) => ({ type: 'deleteGroup', token, groupId: 'i' }));
    const last = new Map(world.log.map((record) => [record.key.join(), record]));
    const compacted = world.log.filter((record) => last.get(record.key.join()) === record);
    expect(compacted.length).toBeLessThan(world.log.length);
    expect(durable(replayed(compacted, world.config, world.random, world.now))).toEqual(durable(world.shard));
  });
});
