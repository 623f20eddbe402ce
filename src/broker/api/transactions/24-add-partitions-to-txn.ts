/**
 * AddPartitionsToTxn (24), v0–v5. Up to v3 it is a request of a client, for one transaction. From v4 on it is a request of
 * another broker, for several transactions: to add partitions, or only to verify that they were added (KIP-890).
 * Behaviour: If one partition cannot be added, none is: that partition gets its error, the others get OPERATION_NOT_ATTEMPTED.
 * Versions:  v2 PRODUCER_FENCED · v4 several transactions, verifyOnly · v5 TRANSACTION_ABORTABLE.
 */
import type { MetadataImage } from '../../../metadata/image.ts';
import { isInternalTopic } from '../../../metadata/internal-topics.ts';
import { type ErrorRow, Errors, errorOf, errorRowOf } from '../../../protocol/errors.ts';
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../../../protocol/messages/transactions/24-add-partitions-to-txn.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { partitionsOf } from '../../../txn/partitions.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { TxnService } from '../../txn/txn-service.ts';
import { errorCode } from '../errors.ts';

type Transaction = AddPartitionsToTxnRequest['transactions'][number];
type TopicResult = Init<typeof AddPartitionsToTxnResponse>['resultsByTopicV3AndBelow'];
type ErrorAt = (topic: string, partition: number) => ErrorRow;

const betweenBrokersSince = 4;

export function createAddPartitionsToTxnHandler(
  txn: Pick<TxnService, 'addPartitions' | 'verifyPartitions'>,
): Handler {
  return defineHandler(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, {
    versions: '0-5',
    listeners: ['broker'],
    async handle(request, context) {
      const transactions = transactionsOf(request, context.apiVersion);
      return answer(
        context,
        await Promise.all(transactions.map(async (one) => [one, await addOne(txn, one, context)] as const)),
      );
    },
    failed: (request, error, context) =>
      answer(
        context,
        transactionsOf(request, context.apiVersion).map((one) => [one, () => error] as const),
      ),
  });
}

function transactionsOf(request: AddPartitionsToTxnRequest, version: number): readonly Transaction[] {
  if (version >= betweenBrokersSince) return request.transactions;
  return [
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    },
  ];
}

async function addOne(
  txn: Pick<TxnService, 'addPartitions' | 'verifyPartitions'>,
  transaction: Transaction,
  { apiVersion, image }: RequestContext,
): Promise<ErrorAt> {
  const isClient = apiVersion < betweenBrokersSince;
  const impossible: ErrorAt = (topic, partition) => partitionError(image, topic, partition, isClient);
  const isImpossible = transaction.topics.some(({ name, partitions }) =>
    partitions.some((partition) => impossible(name, partition) !== Errors.NONE),
  );
  if (isImpossible) return orNotAttempted(impossible);
  try {
    if (transaction.verifyOnly) return txn.verifyPartitions(transaction);
    const added = await txn.addPartitions({
      ...transaction,
      partitions: partitionsOf(
        transaction.topics.map(({ name: topic, partitions }) => ({ topic, partitions })),
      ),
      clientVersion: isClient ? 0 : 2,
    });
    return () => errorOf(added.errorCode);
  } catch (error) {
    const row = errorRowOf(error);
    if (row === Errors.UNKNOWN_SERVER_ERROR) throw error;
    return () => row;
  }
}

/**
 * The error for a partition that cannot be added, otherwise NONE. Clients must not write to internal topics; for offset commits
 * they send AddOffsetsToTxn.
 */
function partitionError(image: MetadataImage, topic: string, partition: number, isClient: boolean): ErrorRow {
  if (isClient && isInternalTopic(topic)) return Errors.TOPIC_AUTHORIZATION_FAILED;
  const exists = image.topics.byName(topic)?.partitions[partition] !== undefined;
  return exists ? Errors.NONE : Errors.UNKNOWN_TOPIC_OR_PARTITION;
}

function orNotAttempted(impossible: ErrorAt): ErrorAt {
  return (topic, partition) => {
    const error = impossible(topic, partition);
    return error === Errors.NONE ? Errors.OPERATION_NOT_ATTEMPTED : error;
  };
}

function answer(
  { apiKey, apiVersion }: RequestContext,
  results: readonly (readonly [Transaction, ErrorAt])[],
): Init<typeof AddPartitionsToTxnResponse> {
  const codeAt = (errorAt: ErrorAt, topic: string, partition: number): number =>
    errorCode(apiKey, apiVersion, errorAt(topic, partition));
  const topicResults = ([{ topics }, errorAt]: readonly [Transaction, ErrorAt]): TopicResult & {} =>
    topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: codeAt(errorAt, name, partitionIndex),
      })),
    }));
  if (apiVersion < betweenBrokersSince)
    return {
      errorCode: 0,
      resultsByTransaction: [],
      resultsByTopicV3AndBelow: results.flatMap(topicResults),
    };
  return {
    errorCode: 0,
    resultsByTransaction: results.map((result) => ({
      transactionalId: result[0].transactionalId,
      topicResults: topicResults(result),
    })),
    resultsByTopicV3AndBelow: [],
  };
}
