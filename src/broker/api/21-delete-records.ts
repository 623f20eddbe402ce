/**
 * DeleteRecords (21), v0–v2. Moves the start of partitions forward; -1 means up to the high watermark.
 * Behaviour: answers with the low watermark once every live replica followed. Internal topics and topics that are only compacted are
 *            refused. A time-out leaves the deletion in force, as in Kafka.
 */
import type { Scheduler } from '../../base/clock.ts';
import { topicConfig } from '../../config/topic.ts';
import { Errors, errorRowOf, KafkaError } from '../../protocol/errors.ts';
import { DeleteRecordsRequest, DeleteRecordsResponse } from '../../protocol/messages/21-delete-records.ts';
import type { Init } from '../../protocol/schema/fields.ts';
import { defineHandler, type Handler, type RequestContext } from '../handler.ts';
import { waitMsMax } from '../limits.ts';
import type { BrokerServices } from '../services.ts';
import { isInternalTopic } from './topics.ts';

type PartitionResult = Init<typeof DeleteRecordsResponse>['topics'][number]['partitions'][number];
type Asked = DeleteRecordsRequest['topics'][number]['partitions'][number];

export function createDeleteRecordsHandler(services: BrokerServices): Handler {
  return defineHandler(DeleteRecordsRequest, DeleteRecordsResponse, {
    versions: '0-2',
    listeners: ['broker'],
    async handle(request, context) {
      const timeoutMs = Math.min(Math.max(0, request.timeoutMs), waitMsMax);
      const topics = request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map((asked) => trim(services, name, asked, timeoutMs, context)),
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
  name: string,
  asked: Asked,
  timeoutMs: number,
  context: RequestContext,
): Promise<PartitionResult> {
  const { partitionIndex } = asked;
  try {
    const deletion = startDeletion(services, name, asked, context);
    const lowWatermark = await withTimeout(services.scheduler, deletion, timeoutMs);
    return { partitionIndex, lowWatermark, errorCode: 0 };
  } catch (error) {
    return { partitionIndex, lowWatermark: -1, errorCode: errorRowOf(error).code };
  }
}

function startDeletion(
  services: BrokerServices,
  name: string,
  asked: Asked,
  context: RequestContext,
): Promise<number> {
  if (isInternalTopic(name)) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION);
  const topic = context.image.topics.byName(name);
  if (topic?.partitions[asked.partitionIndex] === undefined)
    throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  const { cleanupPolicy } = topicConfig(context.image.configs.topic(name), services.config);
  if (cleanupPolicy.compact && !cleanupPolicy.delete) throw new KafkaError(Errors.POLICY_VIOLATION);
  const replica = services.replicas.partition(topic.id, asked.partitionIndex);
  if (replica === null) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
  return replica.deleteRecords(asked.offset);
}

function withTimeout<T>(scheduler: Scheduler, work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = scheduler.after(timeoutMs, () => reject(new KafkaError(Errors.REQUEST_TIMED_OUT)));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
