/**
 * A partition of `__consumer_offsets` that Apache Kafka 4.3.1 has written, with a committed, an aborted and an open
 * transaction.
 */
import { expect, test } from 'vitest';
import { uuidZero } from '../../../src/base/uuid.ts';
import { loadShard } from '../../../src/broker/coordinator/shard-loader.ts';
import { groupMachine } from '../../../src/group/machine.ts';
import { fetchOffsets } from '../../../src/group/offsets.ts';
import { emptyImage } from '../../../src/metadata/image.ts';
import { errorOf } from '../../../src/protocol/errors.ts';
import { config, seededRandom } from '../../group/harness.ts';
import { ManualTime, RecordingLogger } from '../harness.ts';
import { MemoryLog, MemoryReplica } from './memory-replica.ts';

/**
 * All commits are of group g for topic t. Offsets 5 and 6 for partitions 0 and 1, without a transaction. Producer 0 commits 10
 * and 12 for partitions 0 and 2 in a transaction; producer 1 commits 99 for partition 1 and aborts. Between these, 13 is
 * committed for partition 2 without a transaction. Producer 2 commits 50 for partition 3 and does not end its transaction.
 */
const segment =
  'AAAAAAAAAAAAAABuAAAAAAIOyg4/AAAAAAAAAAABoiHCVlEAAAGiIcJWUf////////////8AAAAAAAAAAXgAAAAYAAEAAWcAAXQA' +
  'AAAAVAAEAAAAAAAAAAX/////AQAAAaIhwlZMAQAQBWIDHVQ6RjGpZxYftL8FlgAAAAAAAAAAAQAAAG4AAAAAAn1H9TIAAAAAAAAA' +
  'AAGiIcJWXgAAAaIhwlZe/////////////wAAAAAAAAABeAAAABgAAQABZwABdAAAAAFUAAQAAAAAAAAABv////8BAAABoiHCVl4B' +
  'ABAFYgMdVDpGMalnFh+0vwWWAAAAAAAAAAACAAAAhwAAAAACbbNIGgAQAAAAAQAAAaIhwlsBAAABoiHCWwEAAAAAAAAAAAAAAAAA' +
  'AAAAAAJUAAAAGAABAAFnAAF0AAAAADAABAAAAAAAAAAK/////wEAAAGiIcJbAAAAVAAAAhgAAQABZwABdAAAAAIwAAQAAAAAAAAA' +
  'DP////8BAAABoiHCWwAAAAAAAAAAAAAEAAAAXAAAAAAC9t96AAAQAAAAAAAAAaIhwlsLAAABoiHCWwsAAAAAAAAAAQAAAAAAAAAA' +
  'AAFUAAAAGAABAAFnAAF0AAAAATAABAAAAAAAAABj/////wEAAAGiIcJbCwAAAAAAAAAAAAUAAABuAAAAAALJ8D/3AAAAAAAAAAAB' +
  'oiHCWxAAAAGiIcJbEP////////////8AAAAAAAAAAXgAAAAYAAEAAWcAAXQAAAACVAAEAAAAAAAAAA3/////AQAAAaIhwlsQAQAQ' +
  'BWIDHVQ6RjGpZxYftL8FlgAAAAAAAAAABgAAAFwAAAAAArLiRWgAEAAAAAAAAAGiIcJbJQAAAaIhwlslAAAAAAAAAAIAAAAAAAAA' +
  'AAABVAAAABgAAQABZwABdAAAAAMwAAQAAAAAAAAAMv////8BAAABoiHCWyUAAAAAAAAAAAAHAAAAQgAAAAACs4sb2gAwAAAAAAAA' +
  'AaIhwls1AAABoiHCWzUAAAAAAAAAAAAA/////wAAAAEgAAAACAAAAAEMAAAAAAAAAAAAAAAAAAAIAAAAQgAAAAACOQ5foQAwAAAA' +
  'AAAAAaIhwls5AAABoiHCWzkAAAAAAAAAAQAA/////wAAAAEgAAAACAAAAAAMAAAAAAAAAA==';

test('a segment of __consumer_offsets that Apache Kafka wrote is loaded with the groups and offsets that Kafka shows', async () => {
  const memory = new MemoryLog();
  memory.append(Buffer.from(segment, 'base64'));
  expect(memory.endOffset).toBe(9);
  const time = new ManualTime();
  const logger = new RecordingLogger();
  const machine = groupMachine(config, seededRandom(1));
  const context = { nowMs: 0, wallMs: 0, image: emptyImage(), leaderEpoch: 0 };
  const shard = machine.create(context);
  const partition = new MemoryReplica(memory);
  const isWanted = () => true;
  await loadShard({
    partition,
    machine,
    shard,
    clock: time,
    scheduler: time,
    logger,
    bufferBytes: 300,
    isWanted,
  });
  const fetch = (requireStable: boolean) => {
    const topics = [{ name: 't', topicId: uuidZero, partitionIndexes: [0, 1, 2, 3] }];
    const [topic] = fetchOffsets(shard, { groupId: 'g', topics, requireStable }).topics;
    return topic?.partitions.map((one) =>
      one.errorCode === 0 ? one.committedOffset : errorOf(one.errorCode).name,
    );
  };
  expect(fetch(false)).toEqual([10, 6, 13, -1]);
  expect(fetch(true)).toEqual([10, 6, 13, 'UNSTABLE_OFFSET_COMMIT']);
  machine.replayEnd(shard, { producerId: 2, producerEpoch: 0, coordinatorEpoch: 0, type: 'commit' });
  expect(fetch(true)).toEqual([10, 6, 13, 50]);
  expect(logger.lines).toEqual([]);
});
