import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { systemFileSystem } from '../../src/adapters/file-system.ts';
import { storeInMetadataDirectory } from '../../src/adapters/leveldb/raft-store.ts';
import { MetadataDelta } from '../../src/metadata/delta.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import { encodeRecords, record } from '../../src/metadata/records.ts';
import { snapshotBytes } from '../../src/metadata/snapshot.ts';
import {
  RemoteLogSegmentMetadataRecord,
  RemotePartitionDeleteMetadataRecord,
} from '../../src/protocol/messages/stored/remote-log-records.ts';
import { ShareUpdateKey, ShareUpdateValue } from '../../src/protocol/messages/stored/share-state-records.ts';
import {
  TransactionLogKey,
  TransactionLogValue,
} from '../../src/protocol/messages/stored/transaction-records.ts';
import { main } from '../../src/cli/dump-log/kafka-dump-log.ts';
import type { CliIo } from '../../src/cli/tool.ts';
import { encodeProducerSnapshot } from '../../src/log/producers/producer-snapshot.ts';
import { encodeAborted } from '../../src/log/segment/transaction-index.ts';
import { encode } from '../../src/protocol/codec/codec.ts';
import {
  GroupMetadataKey,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../../src/protocol/messages/stored/group-records.ts';
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
} from '../../src/protocol/messages/stored/consumer-group-records.ts';
import { setBaseOffset } from '../../src/protocol/records/batch.ts';
import { buildBatch } from '../../src/protocol/records/builder.ts';
import { endTransactionBatch } from '../../src/protocol/records/control.ts';
import { encodeVersioned } from '../../src/protocol/records/versioned.ts';

const directory = mkdtempSync(join(tmpdir(), 'dump-log-'));
afterAll(() => rmSync(directory, { recursive: true }));

let out = '';
let err = '';
beforeEach(() => {
  out = '';
  err = '';
});
const io = {
  stdout: (text: string) => {
    out += text;
  },
  stderr: (text: string) => {
    err += text;
  },
} as unknown as CliIo;

const log = join(directory, '00000000000000000000.log');
const text = (value: string): Uint8Array => Buffer.from(value);

/** A batch whose last offset is `lastOffset`. */
function batchAt(baseOffset: number, batch: Uint8Array): Uint8Array {
  setBaseOffset(batch, 0, baseOffset);
  return batch;
}

function dataBatch(baseOffset: number, values: readonly string[], compression: 'none' | 'gzip' = 'none') {
  const records = values.map((value, at) => ({
    key: at === 0 ? text('k') : null,
    value: text(value),
    timestamp: 1000 + at,
    headers: at === 0 ? [{ key: 'h', value: text('v') }] : [],
  }));
  return batchAt(baseOffset, buildBatch({ records, compression }));
}

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeInt32BE(value, at * 4));
  return bytes;
}

async function dump(files: readonly string[], ...flags: string[]): Promise<void> {
  expect(await main(['--files', files.join(','), ...flags], io)).toBe(0);
}

/** Without what differs from run to run. */
const lines = (): string[] => out.replaceAll(directory, '').trimEnd().split('\n');

test('batches, their records and markers are printed, and bytes at the end that are no batch are counted', async () => {
  const marker = endTransactionBatch({
    type: 'abort',
    coordinatorEpoch: 3,
    producerId: 7,
    producerEpoch: 1,
    timestamp: 5,
  });
  writeFileSync(
    log,
    Buffer.concat([dataBatch(0, ['a', 'b'], 'gzip'), batchAt(2, marker), Buffer.from('torn')]),
  );
  await dump([log], '--print-data-log');
  expect(lines()[0]).toBe('Dumping /00000000000000000000.log');
  expect(lines()[1]).toBe('Log starting offset: 0');
  expect(lines()[2]).toMatch(
    /^baseOffset: 0 lastOffset: 1 count: 2 .* compresscodec: gzip crc: \d+ isvalid: true$/,
  );
  expect(lines().slice(3, 5)).toEqual([
    '| offset: 0 CreateTime: 1000 keySize: 1 valueSize: 1 sequence: -1 headerKeys: [h] key: k payload: a',
    '| offset: 1 CreateTime: 1001 keySize: -1 valueSize: 1 sequence: -1 headerKeys: [] payload: b',
  ]);
  expect(lines()[6]).toMatch(/headerKeys: \[\] endTxnMarker: ABORT coordinatorEpoch: 3$/);
  expect(lines()[7]).toBe('Found 4 invalid bytes at the end of 00000000000000000000.log');
  expect(err).toBe('');
});

test('a gap between offsets and a wrong checksum are reported', async () => {
  const damaged = dataBatch(0, ['a']);
  damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
  writeFileSync(log, Buffer.concat([damaged, dataBatch(5, ['c'])]));
  await dump([log], '--deep-iteration');
  expect(lines()[2]).toMatch(/isvalid: false$/);
  expect(err).toBe(`Non-consecutive offsets in ${log}\n  0 is followed by 5\n`);
});

test('--max-bytes ends the dump before the first batch that does not fit, and without records no gaps are reported', async () => {
  const first = dataBatch(0, ['a']);
  writeFileSync(log, Buffer.concat([first, dataBatch(5, ['c'])]));
  await dump([log], '--max-bytes', String(first.length + 10));
  expect(lines()).toHaveLength(3);
  expect(err).toBe('');
});

test('an offset index that points to the wrong batch is reported', async () => {
  const first = dataBatch(0, ['a', 'b']);
  writeFileSync(log, Buffer.concat([first, dataBatch(2, ['c'])]));
  const index = log.replace('.log', '.index');
  writeFileSync(index, int32(1, 0, 3, first.length));
  await dump([index]);
  expect(lines().slice(1)).toEqual(['offset: 1 position: 0', `offset: 3 position: ${first.length}`]);
  expect(err).toBe(`Mismatches in :${index}\n  Index offset: 3, log offset: 2\n`);
  out = '';
  await dump([index], '--index-sanity-check');
  expect(lines()[1]).toBe('/00000000000000000000.index passed sanity check.');
  writeFileSync(index, '');
  out = '';
  await dump([index]);
  expect(lines()[1]).toBe('/00000000000000000000.index is empty.');
});

test('a time index is compared with the largest timestamp of the batch', async () => {
  writeFileSync(log, dataBatch(0, ['a', 'b']));
  writeFileSync(log.replace('.log', '.index'), int32(1, 0));
  const timeIndex = log.replace('.log', '.timeindex');
  writeFileSync(timeIndex, int32(0, 1001, 1));
  await dump([timeIndex]);
  expect(lines()[1]).toBe('timestamp: 1001 offset: 1');
  expect(err).toBe('');
  writeFileSync(timeIndex, int32(0, 999, 1));
  await dump([timeIndex], '--verify-index-only');
  expect(err).toBe(
    `Found timestamp mismatch in :${timeIndex}\n  Index timestamp: 999, log timestamp: 1001\n`,
  );
});

test('producer snapshots and aborted transactions are printed, and unknown files ignored', async () => {
  const snapshot = join(directory, '00000000000000000009.snapshot');
  const entry = {
    producerId: 7,
    epoch: 1,
    lastSequence: 9,
    lastOffset: 20,
    offsetDelta: 4,
    timestamp: 1000,
    coordinatorEpoch: -1,
    currentTxnFirstOffset: 16,
  };
  writeFileSync(snapshot, encodeProducerSnapshot([entry]));
  const aborted = join(directory, '00000000000000000009.txnindex');
  writeFileSync(
    aborted,
    encodeAborted([{ producerId: 7, firstOffset: 1, lastOffset: 5, lastStableOffset: 6 }]),
  );
  await dump([snapshot, aborted, 'notes.txt']);
  expect(lines()[1]).toBe(
    'producerId: 7 producerEpoch: 1 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong[16] lastTimestamp: 1000' +
      ' firstSequence: 5 lastSequence: 9 lastOffset: 20 offsetDelta: 4 timestamp: 1000',
  );
  expect(lines()[3]).toBe('version: 0 producerId: 7 firstOffset: 1 lastOffset: 5 lastStableOffset: 6');
  expect(err).toBe('Ignoring unknown file notes.txt\n');
});

test('records of __consumer_offsets are printed as JSON, with tombstones and unknown record types', async () => {
  const key = encodeVersioned(1, encode(OffsetCommitKey, 0, { group: 'g', topic: 't', partition: 0 }));
  const commit = { offset: 5, leaderEpoch: 0, metadata: '', commitTimestamp: 1 };
  const value = encodeVersioned(3, encode(OffsetCommitValue, 3, commit));
  const deleted = encodeVersioned(2, encode(GroupMetadataKey, 0, { group: 'g' }));
  const records = [
    { key, value, timestamp: 1 },
    { key: deleted, value: null, timestamp: 1 },
    { key: encodeVersioned(99, new Uint8Array(0)), value: null, timestamp: 1 },
  ];
  writeFileSync(log, buildBatch({ records }));
  await dump([log], '--offsets-decoder', '--skip-record-metadata');
  expect(lines().slice(3)).toEqual([
    '| key: {"type":"1","data":{"group":"g","topic":"t","partition":0}} payload: {"version":"3","data":{"offset":5,"leaderEpoch":0,"metadata":"","commitTimestamp":1}}',
    '| key: {"type":"2","data":{"group":"g"}} payload: <DELETE>',
    '| key: Unknown record type 99 at offset 2, skipping.',
  ]);
});

test('records of consumer groups (KIP-848) are printed as JSON without tagged fields that have their default', async () => {
  const topicId = 'AAAAAAAAAAAAAAAAAAAABw';
  const group = encode(ConsumerGroupMetadataValue, 0, { epoch: 3, metadataHash: 7 });
  const member = encode(ConsumerGroupMemberMetadataValue, 0, {
    instanceId: null,
    rackId: 'r',
    clientId: 'c',
    clientHost: '/127.0.0.1',
    subscribedTopicNames: ['t'],
    subscribedTopicRegex: null,
    rebalanceTimeoutMs: 300_000,
    serverAssignor: 'uniform',
    classicMemberMetadata: null,
  });
  const current = encode(ConsumerGroupCurrentMemberAssignmentValue, 0, {
    memberEpoch: 3,
    previousMemberEpoch: 2,
    state: 0,
    assignedPartitions: [{ topicId, partitions: [0, 1], assignmentEpochs: [2, 3] }],
    partitionsPendingRevocation: [{ topicId, partitions: [2] }],
  });
  const memberKey = { groupId: 'g', memberId: 'm' };
  const records = [
    { key: encodeVersioned(3, encode(ConsumerGroupMetadataKey, 0, { groupId: 'g' })), value: group },
    { key: encodeVersioned(5, encode(ConsumerGroupMemberMetadataKey, 0, memberKey)), value: member },
    {
      key: encodeVersioned(8, encode(ConsumerGroupCurrentMemberAssignmentKey, 0, memberKey)),
      value: current,
    },
  ].map(({ key, value }) => ({ key, value: encodeVersioned(0, value), timestamp: 1 }));
  writeFileSync(log, buildBatch({ records }));
  await dump([log], '--offsets-decoder', '--skip-record-metadata');
  expect(lines().slice(3)).toEqual([
    '| key: {"type":"3","data":{"groupId":"g"}} payload: {"version":"0","data":{"epoch":3,"metadataHash":7}}',
    '| key: {"type":"5","data":{"groupId":"g","memberId":"m"}} payload: {"version":"0","data":{"instanceId":null,"rackId":"r","clientId":"c","clientHost":"/127.0.0.1","subscribedTopicNames":["t"],"subscribedTopicRegex":null,"rebalanceTimeoutMs":300000,"serverAssignor":"uniform","classicMemberMetadata":null}}',
    `| key: {"type":"8","data":{"groupId":"g","memberId":"m"}} payload: {"version":"0","data":{"memberEpoch":3,"previousMemberEpoch":2,"state":0,"assignedPartitions":[{"topicId":"${topicId}","partitions":[0,1],"assignmentEpochs":[2,3]}],"partitionsPendingRevocation":[{"topicId":"${topicId}","partitions":[2]}]}}`,
  ]);
});

test('integers of 64 bits are printed with all digits', async () => {
  const value = encode(ConsumerGroupMetadataValue, 0, { epoch: 3, metadataHash: 2 ** 62 });
  // The last eight bytes are the hash.
  new DataView(value.buffer, value.byteOffset).setBigInt64(value.length - 8, -881_677_151_471_441_708n);
  const key = encodeVersioned(3, encode(ConsumerGroupMetadataKey, 0, { groupId: 'g' }));
  writeFileSync(log, buildBatch({ records: [{ key, value: encodeVersioned(0, value), timestamp: 1 }] }));
  await dump([log], '--offsets-decoder', '--skip-record-metadata');
  expect(lines().at(-1)).toContain('"metadataHash":-881677151471441708}');
});

test('records of transactions and share groups are printed as JSON', async () => {
  const key = encodeVersioned(0, encode(TransactionLogKey, 0, { transactionalId: 't' }));
  const value = encode(TransactionLogValue, 1, {
    producerId: 5,
    producerEpoch: 1,
    transactionTimeoutMs: 60_000,
    transactionStatus: 0,
    transactionPartitions: null,
    transactionLastUpdateTimestampMs: 7,
    transactionStartTimestampMs: -1,
  });
  const records = [
    { key, value: encodeVersioned(1, value), timestamp: 1 },
    { key, value: null, timestamp: 1 },
  ];
  writeFileSync(log, buildBatch({ records }));
  await dump([log], '--transaction-log-decoder', '--skip-record-metadata');
  expect(lines().slice(3)).toEqual([
    '| key: {"type":"0","data":{"transactionalId":"t"}} payload: {"version":"1","data":{"producerId":5,"producerEpoch":1,"transactionTimeoutMs":60000,"transactionStatus":0,"transactionPartitions":null,"transactionLastUpdateTimestampMs":7,"transactionStartTimestampMs":-1}}',
    '| key: {"type":"0","data":{"transactionalId":"t"}} payload: <DELETE>',
  ]);
  out = '';
  const topicId = 'AAAAAAAAAAAAAAAAAAAABw';
  const shareKey = encode(ShareUpdateKey, 0, { groupId: 's', topicId, partition: 1 });
  const update = encode(ShareUpdateValue, 0, {
    snapshotEpoch: 1,
    leaderEpoch: 2,
    startOffset: 3,
    stateBatches: [{ firstOffset: 3, lastOffset: 4, deliveryState: 2, deliveryCount: 1 }],
  });
  const share = { key: encodeVersioned(1, shareKey), value: encodeVersioned(0, update), timestamp: 1 };
  writeFileSync(log, buildBatch({ records: [share] }));
  await dump([log], '--share-group-state-decoder', '--skip-record-metadata');
  expect(lines().slice(3)).toEqual([
    `| key: {"type":"1","data":{"groupId":"s","topicId":"${topicId}","partition":1}} payload: {"version":"0","data":{"snapshotEpoch":1,"leaderEpoch":2,"startOffset":3,"stateBatches":[{"firstOffset":3,"lastOffset":4,"deliveryState":2,"deliveryCount":1}]}}`,
  ]);
});

test('records about remote segments are printed as by Java’s toString', async () => {
  const topicIdPartition = { name: 't', id: 'AAAAAAAAAAAAAAAAAAAABw', partition: 2 };
  const segmentId = 'AAAAAAAAAAAAAAAAAAAACA';
  const segment = encode(RemoteLogSegmentMetadataRecord, 0, {
    remoteLogSegmentId: { topicIdPartition, id: segmentId },
    startOffset: 0,
    endOffset: 9,
    brokerId: 1,
    maxTimestampMs: 5,
    eventTimestampMs: 6,
    segmentLeaderEpochs: [{ leaderEpoch: 0, offset: 0 }],
    segmentSizeInBytes: 100,
    customMetadata: new Uint8Array(3),
    remoteLogSegmentState: 1,
  });
  const deletion = encode(RemotePartitionDeleteMetadataRecord, 0, {
    topicIdPartition,
    brokerId: 1,
    eventTimestampMs: 6,
    remotePartitionDeleteState: 2,
  });
  const records = [[0, segment] as const, [2, deletion] as const].map(([type, body]) => ({
    value: Uint8Array.of(1, type, 0, ...body),
    timestamp: 1,
  }));
  writeFileSync(log, buildBatch({ records: [...records, { value: text('x'), timestamp: 1 }] }));
  await dump([log], '--remote-log-metadata-decoder', '--skip-record-metadata');
  const partition = 'AAAAAAAAAAAAAAAAAAAABw:t-2';
  expect(lines().slice(3)).toEqual([
    `| payload: RemoteLogSegmentMetadata{remoteLogSegmentId=RemoteLogSegmentId{topicIdPartition=${partition}, id=${segmentId}}, startOffset=0, endOffset=9, brokerId=1, maxTimestampMs=5, eventTimestampMs=6, segmentLeaderEpochs={0=0}, segmentSizeInBytes=100, customMetadata=Optional[CustomMetadata{3 bytes}], state=COPY_SEGMENT_FINISHED, txnIdxEmpty=false}`,
    `| payload: RemotePartitionDeleteMetadata{topicPartition=${partition}, state=DELETE_PARTITION_FINISHED, eventTimestampMs=6, brokerId=1}`,
    '| payload: Error at offset 2, skipping. Could not deserialize metadata record due to unknown frame version 120(only frame version 1 is supported)',
  ]);
});

test('the error names a decoder class that is not Kafka’s', async () => {
  await expect(main(['--files', log, '--value-decoder-class', 'com.example.Mine'], io)).rejects.toThrow(
    'com.example.Mine is a Java class',
  );
});

test('our own metadata log and its snapshots are printed', async () => {
  const id = 'AAAAAAAAAAAAAAAAAAAACA';
  const node = join(directory, 'node');
  mkdirSync(node);
  writeFileSync(join(node, 'meta.properties'), `version=1\ncluster.id=c\nnode.id=1\ndirectory.id=${id}\n`);
  const store = storeInMetadataDirectory(systemFileSystem, { path: node, id });
  await store.open();
  const change = record('ClientQuotaRecord', {
    entity: [{ entityType: 'user', entityName: 'u' }],
    key: 'producer_byte_rate',
    value: 1024,
    remove: false,
  });
  const payload = encodeRecords([change]);
  const entry = { offset: 0, epoch: 1, kind: 'data' as const, payload, appendedMs: 7 };
  const hardState = { epoch: 1, votedFor: null, highWatermark: 1 };
  await store.write([{ seq: 1, hardState, entries: [entry], install: null, compactTo: null }]);
  const delta = new MetadataDelta(emptyImage());
  delta.replay(change);
  await store.saveSnapshot({ endOffset: 1, epoch: 1, voters: [] }, snapshotBytes(delta.apply(0, 1)));
  await store.close();
  const json =
    '{"type":"CLIENT_QUOTA_RECORD","version":0,"data":{"entity":[{"entityType":"user","entityName":"u"}],"key":"producer_byte_rate","value":1024.0,"remove":false}}';
  const snapshot = [
    'Snapshot end offset: 1, epoch: 1',
    `count: 1 size: ${payload.length}`,
    `| payload: ${json}`,
  ];
  await dump([node], '--cluster-metadata-decoder');
  expect(lines()).toEqual([
    'Dumping /node',
    ...snapshot,
    'Log starting offset: 0',
    `baseOffset: 0 lastOffset: 0 count: 1 partitionLeaderEpoch: 1 kind: data CreateTime: 7 size: ${payload.length}`,
    `| offset: 0 CreateTime: 7 payload: ${json}`,
  ]);
  out = '';
  await dump(
    [join(node, '__cluster_metadata-0/raft/00000000000000000001-0000000001.checkpoint')],
    '--cluster-metadata-decoder',
  );
  expect(lines().slice(1)).toEqual(snapshot);
});

test('a batch with damaged records ends the dump with an error that has its position', async () => {
  const damaged = dataBatch(0, ['a']);
  damaged[damaged.length - 2] = (damaged.at(-2) as number) ^ 1;
  writeFileSync(log, damaged);
  await expect(main(['--files', log, '--print-data-log'], io)).rejects.toThrow(
    `${log}: the records of the batch at position 0 can't be read`,
  );
});
