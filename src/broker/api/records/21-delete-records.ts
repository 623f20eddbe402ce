/**
 * DeleteRecords (21), v0–v2. Advances the log start offset of partitions; an offset of -1 means the high watermark.
 * Behaviour: The response is sent when every live replica has advanced its log start offset; it has the lowest of these (the
 *            low watermark). Internal topics, and topics with cleanup.policy=compact only, are refused. After a time-out the
 *            deletion continues, as in Kafka.
 */
import { mark } from '../../../base/mark.ts';
import { topicConfig } from '../../../config/topic.ts';
import { isInternalTopic } from '../../../metadata/internal-topics.ts';
import { Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from '../../../protocol/messages/records/21-delete-records.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import { waitMsMax } from '../../limits.ts';
import { DelayedOperation, type Purgatory } from '../../purgatory/delayed-operation.ts';
import type { BrokerServices, PartitionReplica } from '../../services.ts';
import { partitionsByTopic } from '../partitions-by-topic.ts';

type PartitionResult = Init<typeof DeleteRecordsResponse>['topics'][number]['partitions'][number];
type Asked = DeleteRecordsRequest['topics'][number]['partitions'][number];

export function createDeleteRecordsHandler(services: BrokerServices, purgatory: Purgatory): Handler {
  return defineHandler(DeleteRecordsRequest, DeleteRecordsResponse, {
    versions: '0-2',
    listeners: ['broker'],
    async handle(request, context) {
      const timeoutMs = Math.min(Math.max(0, request.timeoutMs), waitMsMax);
      const named = partitionsByTopic(request.topics, ({ partitionIndex }) => partitionIndex);
      const topics = named.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map((asked) => trim(services, purgatory, name, asked, timeoutMs, context)),
        ),
      }));
      return { topics: await Promise.all(topics) };
    },
    failed: (request, error) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          lowWatermark: -1,
          errorCode: error.code,
        })),
      })),
    }),
  });
}

async function trim(
  services: BrokerServices,
  purgatory: Purgatory,
  name: string,
  asked: Asked,
  timeoutMs: number,
  context: RequestContext,
): Promise<PartitionResult> {
  const { partitionIndex } = asked;
  try {
    const replica = replicaOf(services, name, asked, context);
    const startOffset = await replica.deleteRecords(asked.offset);
    const lowWatermark = await lowWatermarkAt(purgatory, replica, startOffset, timeoutMs);
    return { partitionIndex, lowWatermark, errorCode: 0 };
  } catch (error) {
    return { partitionIndex, lowWatermark: -1, errorCode: errorRowOf(error).code };
  }
}

function replicaOf(
  services: BrokerServices,
  name: string,
  asked: Asked,
  context: RequestContext,
): PartitionReplica {
  if (isInternalTopic(name)) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION);
  const topic = context.image.topics.byName(name);
  if (topic?.partitions[asked.partitionIndex] === undefined)
    throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  const { cleanupPolicy } = topicConfig(context.image.configs.topic(name), services.config);
  if (cleanupPolicy.compact && !cleanupPolicy.delete) throw new KafkaError(Errors.POLICY_VIOLATION);
  const replica = services.replicas.partition(topic.id, asked.partitionIndex);
  if (replica === null) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
  return replica;
}

/** Waits until the logs of all live replicas begin at `startOffset` or later, and returns their low watermark. */
function lowWatermarkAt(
  purgatory: Purgatory,
  replica: PartitionReplica,
  startOffset: number,
  timeoutMs: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let lowWatermark = -1;
    let failure: unknown = null;
    const operation = new DelayedOperation({
      purgatory,
      timeoutMs,
      tryComplete: () => {
        try {
          lowWatermark = replica.lowWatermark();
        } catch (error) {
          failure = error;
        }
        const isDone = failure !== null || lowWatermark >= startOffset;
        if (!isDone) mark('broker.delete-records-waits');
        return isDone;
      },
      onComplete: (isExpired) => {
        if (isExpired) reject(new KafkaError(Errors.REQUEST_TIMED_OUT));
        else if (failure !== null) reject(failure as Error);
        else resolve(lowWatermark);
      },
    });
    operation.start([replica.lowWatermarkChanges]);
  });
}
