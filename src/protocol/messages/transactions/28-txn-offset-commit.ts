/**
 * TxnOffsetCommit: commits offsets of a group in a transaction. Version 6 is Kafka 4.4's: it identifies topics by id
 * (KIP-1319).
 */
import { array, int16, int32, int64, message, string, uuid, type Infer } from '../../schema/fields.ts';

export const TxnOffsetCommitRequest = message(
  'TxnOffsetCommitRequest',
  { key: 28, versions: '0-6', flexible: '3+', latestVersionUnstable: true, listeners: ['broker'] },
  {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32('3+', { default: -1 }),
    memberId: string('3+', { default: '' }),
    groupInstanceId: string('3+', { nullable: '0+', default: null }),
    topics: array({
      name: string('0-5'),
      topicId: uuid('6+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
);
export type TxnOffsetCommitRequest = Infer<typeof TxnOffsetCommitRequest>;

export const TxnOffsetCommitResponse = message(
  'TxnOffsetCommitResponse',
  { key: 28, versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string('0-5'),
      topicId: uuid('6+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
);
export type TxnOffsetCommitResponse = Infer<typeof TxnOffsetCommitResponse>;
