/**
 * A partition of `__consumer_offsets` on a real log with the log cleaner: the log stays small, and a coordinator can load its
 * state from what is left.
 */
import { expect, test } from 'vitest';
import { uuidZero } from '../../../src/base/uuid.ts';
import { ShardHost } from '../../../src/broker/coordinator/shard-host.ts';
import { groupMachine } from '../../../src/group/machine.ts';
import type { Shard } from '../../../src/group/group-turn.ts';
import type { GroupInput } from '../../../src/group/types.ts';
import { LogCleaner } from '../../../src/log/compaction/cleaner.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { emptyImage } from '../../../src/metadata/image.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import type { AppendOptions, AppendResult } from '../../../src/replication/types.ts';
import { config, durable, seededRandom } from '../../group/harness.ts';
import { Bench } from '../../log/harness.ts';
import { RecordingLogger } from '../harness.ts';
import { MemoryLog, MemoryReplica } from './memory-replica.ts';

const segmentBytes = 32 * 1024;

/** The only replica of its partition, so records are committed when they are written. */
class LogReplica extends MemoryReplica {
  readonly log: PartitionLog;

  constructor(log: PartitionLog) {
    super(new MemoryLog());
    this.log = log;
  }

  override get logStartOffset(): number {
    return this.log.logStartOffset;
  }

  override get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  override appendAsLeader(records: Uint8Array, _acks: unknown, options: AppendOptions): AppendResult {
    const { info, written } = this.log.appendAsLeader(records, 1, options);
    const acknowledged = written.then(() => {
      this.log.setHighWatermark(this.log.logEndOffset);
      this.highWatermark = this.log.highWatermark;
    });
    return { info, acknowledged };
  }

  override async fetch({ offset, maxBytes }: { offset: number; maxBytes: number }) {
    const { records } = await this.log.read(offset, maxBytes, this.log.logEndOffset, true);
    return { ...(await super.fetch({ offset, maxBytes } as never)), records };
  }
}

async function newHost(log: PartitionLog, bench: Bench): Promise<ShardHost<Shard, GroupInput>> {
  const partition = new LogReplica(log);
  partition.highWatermark = log.logEndOffset;
  const host = new ShardHost<Shard, GroupInput>({
    partition,
    machine: groupMachine(config, seededRandom(3)),
    writeTimeoutMs: 5_000,
    loadBufferBytes: 5_000,
    compression: 'none',
    tooLarge: Errors.INVALID_COMMIT_OFFSET_SIZE,
    metadata: emptyImage,
    clock: bench.clock,
    scheduler: bench.clock,
    logger: new RecordingLogger(),
    onLost: () => expect.unreachable('the leadership is not lost'),
  });
  await host.load();
  return host;
}

/** A commit for a random one of 60 partitions. Every third commit is in a transaction. */
function randomCommit(token: number, pick: (bound: number) => number, committedOffset: number): GroupInput {
  const at = { partitionIndex: pick(20), committedOffset, committedLeaderEpoch: -1, committedMetadata: '' };
  const topics = [{ name: 't', topicId: uuidZero, partitions: [at] }];
  const who = { groupId: `g${pick(3)}`, memberId: '', groupInstanceId: null, topics };
  if (pick(3) > 0) {
    const request = { ...who, generationIdOrMemberEpoch: -1, retentionTimeMs: -1 };
    return { type: 'commit', token, apiVersion: 9, request };
  }
  const producer = { transactionalId: 'x', producerId: pick(3), producerEpoch: 0 };
  return {
    type: 'txnCommit',
    token,
    apiVersion: 5,
    verification: 'off',
    request: { ...who, ...producer, generationId: -1 },
  };
}

test("the log cleaner bounds the size of a coordinator's log, and the state survives", async () => {
  const bench = new Bench();
  const cleanupPolicy = { delete: false, compact: true };
  const log = await bench.create({ cleanupPolicy, segmentBytes });
  const cleaner = new LogCleaner({
    bytesPerSecond: () => Number.MAX_SAFE_INTEGER,
    resources: bench.resources(),
    logs: () => [{ log, directory: '/data' }],
    onProgress: async () => undefined,
  });
  const host = await newHost(log, bench);
  const random = seededRandom(5);
  const pick = (bound: number) => random.u32() % bound;
  let written = 0;
  for (let round = 0; round < 100; round++) {
    const answers: unknown[] = [];
    for (let i = 0; i < 60; i++) {
      answers.push(host.request((token) => randomCommit(token, pick, ++written)));
      if (i % 10 === 9) await answers.at(-1);
    }
    await Promise.all(answers);
    for (const producerId of [0, 1, 2]) {
      const type = pick(4) === 0 ? 'abort' : 'commit';
      const end = { producerId, producerEpoch: 0, coordinatorEpoch: 1, type } as const;
      await host.request((token) => ({ type: 'completeTransaction', token, end }));
    }
    await cleaner.cleanOnce();
    // The log has what the cleaner left, as much again at which it starts to clean, and the active segment.
    expect(log.sizeBytes).toBeLessThan(3 * segmentBytes);
  }
  expect(log.logEndOffset).toBeGreaterThan(6_000);
  const next = await newHost(log, bench);
  expect(durable(next.shard)).toEqual(durable(host.shard));
  expect(bench.failures).toEqual([]);
});
