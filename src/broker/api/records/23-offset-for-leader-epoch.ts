/**
 * OffsetForLeaderEpoch (23), v2–v4. The end offset of a leader epoch, with which consumers detect a truncation of the log
 * (KIP-320).
 * Behaviour: The result has the largest epoch of the log that is not above the requested one, and the end offset of that epoch.
 *            If there is none, both are -1 without an error.
 */
import { Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '../../../protocol/messages/records/23-offset-for-leader-epoch.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { BrokerServices } from '../../services.ts';

type PartitionResult = Init<typeof OffsetForLeaderEpochResponse>['topics'][number]['partitions'][number];
type Asked = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];

export function createOffsetForLeaderEpochHandler(services: BrokerServices): Handler {
  return defineHandler(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, {
    versions: '2-4',
    listeners: ['broker'],
    handle: (request, context) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((asked) => lookUp(services, topic, asked, context)),
      })),
    }),
    failed: (request, error) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ errorCode: error.code, partition })),
      })),
    }),
  });
}

function lookUp(
  services: BrokerServices,
  name: string,
  asked: Asked,
  context: RequestContext,
): PartitionResult {
  const { partition } = asked;
  try {
    const topic = context.image.topics.byName(name);
    if (topic?.partitions[partition] === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    const replica = services.replicas.partition(topic.id, partition);
    if (replica === null) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
    const { leaderEpoch, endOffset } = replica.offsetForLeaderEpoch(
      asked.currentLeaderEpoch,
      asked.leaderEpoch,
    );
    return { errorCode: 0, partition, leaderEpoch, endOffset };
  } catch (error) {
    return { errorCode: errorRowOf(error).code, partition };
  }
}
