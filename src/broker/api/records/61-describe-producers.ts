/** DescribeProducers (61), v0. The state of the producers in partitions of which this broker has a replica. */
import type { ProducerStateEntry } from '../../../log/producers/producer-state.ts';
import { Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from '../../../protocol/messages/records/61-describe-producers.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { BrokerServices } from '../../services.ts';
import { topicNameProblem } from '../topics.ts';

type PartitionResult = Init<typeof DescribeProducersResponse>['topics'][number]['partitions'][number];

export function createDescribeProducersHandler(services: BrokerServices): Handler {
  return defineHandler(DescribeProducersRequest, DescribeProducersResponse, {
    versions: '0',
    listeners: ['broker'],
    handle: (request, context) => ({
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => describe(services, name, index, context)),
      })),
    }),
    failed: (request, error) => ({
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => failure(index, error.code, null)),
      })),
    }),
  });
}

function failure(partitionIndex: number, errorCode: number, errorMessage: string | null): PartitionResult {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}

function describe(
  services: BrokerServices,
  name: string,
  index: number,
  context: RequestContext,
): PartitionResult {
  try {
    const problem = topicNameProblem(name);
    if (problem !== null) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, problem);
    const topic = context.image.topics.byName(name);
    if (topic === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    if (topic.partitions[index] === undefined)
      return failure(index, Errors.UNKNOWN_TOPIC_OR_PARTITION.code, null);
    const replica = services.replicas.partition(topic.id, index);
    if (replica === null) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
    const producers = replica.describeProducers() as readonly ProducerStateEntry[];
    return {
      partitionIndex: index,
      errorCode: 0,
      errorMessage: null,
      activeProducers: producers.map(toWire),
    };
  } catch (error) {
    return failure(index, errorRowOf(error).code, error instanceof KafkaError ? error.message : null);
  }
}

function toWire(entry: ProducerStateEntry): PartitionResult['activeProducers'][number] {
  return {
    producerId: entry.producerId,
    producerEpoch: entry.producerEpoch,
    lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: entry.lastTimestampMs,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.currentTxnFirstOffset ?? -1,
  };
}
