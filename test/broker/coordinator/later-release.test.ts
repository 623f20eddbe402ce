/**
 * Partitions of the coordinators' topics with records that a later release has written. As in Kafka, records of unknown types
 * are ignored with a warning, and known types of a later version are read, because such a version only adds tagged fields.
 */
import { expect, test } from 'vitest';
import { uuidZero } from '../../../src/base/uuid.ts';
import { loadShard } from '../../../src/broker/coordinator/shard-loader.ts';
import type { CoordinatorRecord, StateMachine } from '../../../src/coordinator/types.ts';
import { groupMachine } from '../../../src/group/machine.ts';
import { fetchOffsets } from '../../../src/group/offsets.ts';
import { offsetRecord } from '../../../src/group/records.ts';
import { emptyImage } from '../../../src/metadata/image.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { txnMachine } from '../../../src/txn/machine.ts';
import { listTransactions } from '../../../src/txn/describe.ts';
import { partitionsOf } from '../../../src/txn/partitions.ts';
import { transactionRecord } from '../../../src/txn/records.ts';
import type { Transaction } from '../../../src/txn/transaction.ts';
import { config as groupConfig, seededRandom } from '../../group/harness.ts';
import { config as txnConfig } from '../../txn/harness.ts';
import { ManualTime, RecordingLogger } from '../harness.ts';
import { MemoryLog, MemoryReplica } from './memory-replica.ts';

const unknownKey = (type: number): CoordinatorRecord => ({
  key: Uint8Array.of(0, type, 0, 1, 103),
  value: Uint8Array.of(0, 9, 1, 2, 3),
});

/** The record with the version of its value replaced, and with a tagged field that no release knows yet. */
function later(record: CoordinatorRecord, version: number): CoordinatorRecord {
  const value = record.value as Uint8Array;
  // The tagged fields are at the end, and their number in front of them. The record has none, so its last byte is 0.
  expect(value.at(-1)).toBe(0);
  return {
    key: record.key,
    value: Uint8Array.of(...value.subarray(0, -1).with(1, version), 1, 120, 2, 8, 9),
  };
}

async function loaded<Shard>(
  machine: Pick<StateMachine<Shard, never>, 'create' | 'replay' | 'replayEnd'>,
  records: readonly CoordinatorRecord[],
): Promise<{ shard: Shard; lines: RecordingLogger['lines'] }> {
  const memory = new MemoryLog();
  memory.append(buildBatch({ records: records.map((record) => ({ ...record, timestamp: 1 })) }));
  const time = new ManualTime();
  const logger = new RecordingLogger();
  const shard = machine.create({ nowMs: 0, wallMs: 0, image: emptyImage(), leaderEpoch: 0 });
  await loadShard({
    partition: new MemoryReplica(memory),
    machine,
    shard,
    clock: time,
    scheduler: time,
    logger,
    bufferBytes: 300,
    isWanted: () => true,
  });
  return { shard, lines: logger.lines };
}

const warning = (keyType: number, count: number, firstOffset: number) => ({
  level: 'warn',
  message: 'a coordinator ignores records of an unknown type',
  fields: { partition: '__consumer_offsets-0', keyType, count, firstOffset },
});

test('a group has its offsets, of whatever version; there is one warning for each unknown type', async () => {
  const offset = (value: number) => ({
    offset: value,
    leaderEpoch: 3,
    metadata: 'm',
    commitMs: 1,
    expireMs: -1,
    topicId: uuidZero,
  });
  const { shard, lines } = await loaded(groupMachine(groupConfig, seededRandom(1)), [
    unknownKey(77),
    offsetRecord('g', 't', 0, offset(10)),
    unknownKey(78),
    later(offsetRecord('g', 't', 1, offset(11)), 5),
    { ...unknownKey(77), value: null },
  ]);
  const topics = [{ name: 't', topicId: uuidZero, partitionIndexes: [0, 1] }];
  const [topic] = fetchOffsets(shard, { groupId: 'g', topics, requireStable: true }).topics;
  expect(topic?.partitions.map(({ committedOffset, metadata }) => [committedOffset, metadata])).toEqual([
    [10, 'm'],
    [11, 'm'],
  ]);
  expect(lines).toEqual([warning(77, 2, 0), warning(78, 1, 2)]);
});

test('a transaction is found, of whatever version; there is a warning for an unknown type', async () => {
  const ongoing: Transaction = {
    producerId: 7,
    previousProducerId: -1,
    nextProducerId: -1,
    producerEpoch: 2,
    lastProducerEpoch: -1,
    timeoutMs: 60_000,
    state: 'Ongoing',
    partitions: partitionsOf([{ topic: 't', partitions: [0] }]),
    startMs: 1,
    lastUpdateMs: 1,
    clientVersion: 0,
  };
  const { shard, lines } = await loaded(txnMachine(txnConfig), [
    unknownKey(5),
    later(transactionRecord('a', ongoing, 2), 2),
    transactionRecord('b', { ...ongoing, producerId: 8 }, 2),
  ]);
  const all = { states: new Set<string>(), producerIds: new Set<number>(), durationMs: -1, matches: null };
  expect(
    listTransactions(shard, all, 1).map(({ transactionalId, producerId }) => [transactionalId, producerId]),
  ).toEqual([
    ['a', 7],
    ['b', 8],
  ]);
  expect(lines).toEqual([warning(5, 1, 0)]);
});
