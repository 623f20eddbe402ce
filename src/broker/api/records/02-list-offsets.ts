/**
 * ListOffsets (2), v1–v11. The offset for a timestamp: that of the first record with this timestamp or a later one. Special
 * timestamps: -1 latest, -2 earliest, -3 the record with the largest timestamp, -4 earliest in the local log.
 * Versions:  v2 isolation level · v4 leader epochs · v5 OFFSET_NOT_AVAILABLE · v7 timestamp -3 · v8 -4 · v9 -5 (last in tiered
 *            storage) · v11 -6 (first that is not in tiered storage yet).
 * Behaviour: Latest is the high watermark, or with read_committed the last stable offset; for a debugging tool (replica id -2),
 *            which may ask followers too, it is the log end offset. If all records are older than the timestamp,
 *            the offset is -1 without an error. A partition that the request names twice has one result: INVALID_REQUEST.
 * Not done:  Tiered storage: the timestamps -5 and -6 find nothing.
 */
import { type ErrorRow, Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../../protocol/messages/records/02-list-offsets.ts';
import { ApiKey } from '../../../protocol/messages/api-keys.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { FoundOffset, Isolation } from '../../../replication/types.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { BrokerServices } from '../../services.ts';
import { errorCode } from '../errors.ts';
import { partitionsByTopic } from '../partitions-by-topic.ts';
import { consumer, debuggingConsumer } from './replica-ids.ts';

type Response = Init<typeof ListOffsetsResponse>;
type PartitionResult = Response['topics'][number]['partitions'][number];
type Asked = ListOffsetsRequest['topics'][number]['partitions'][number];

/** The first version that supports each special timestamp. */
const specialTimestamps: ReadonlyMap<number, number> = new Map([
  [-1, 0],
  [-2, 0],
  [-3, 7],
  [-4, 8],
  [-5, 9],
  [-6, 11],
]);
const leaderEpochVersion = 4;
const latestTiered = -5;
const earliestPendingUpload = -6;

export function createListOffsetsHandler(services: BrokerServices): Handler {
  return defineHandler(ListOffsetsRequest, ListOffsetsResponse, {
    versions: '1-11',
    listeners: ['broker'],
    async handle(request, context) {
      const twice = namedTwice(request);
      const asked = partitionsByTopic(request.topics, ({ partitionIndex }) => partitionIndex);
      const topics = asked.map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          topic.partitions.map((one) => lookUp(services, request, topic.name, one, context, twice)),
        ),
      }));
      return { throttleTimeMs: 0, topics: await Promise.all(topics) };
    },
    failed: (request, error) => ({
      topics: request.topics.map((topic) => ({
        name: topic.name,
        partitions: topic.partitions.map((asked) => ({
          partitionIndex: asked.partitionIndex,
          errorCode: error.code,
        })),
      })),
    }),
  });
}

const partitionKey = (topic: string, partition: number): string => `${topic}-${partition}`;

/** The partitions that the request names more than once. They are refused; the others get their results. */
function namedTwice(request: ListOffsetsRequest): ReadonlySet<string> {
  const [seen, twice] = [new Set<string>(), new Set<string>()];
  for (const topic of request.topics) {
    for (const { partitionIndex } of topic.partitions) {
      const key = partitionKey(topic.name, partitionIndex);
      (seen.has(key) ? twice : seen).add(key);
    }
  }
  return twice;
}

async function lookUp(
  services: BrokerServices,
  request: ListOffsetsRequest,
  name: string,
  asked: Asked,
  context: RequestContext,
  twice: ReadonlySet<string>,
): Promise<PartitionResult> {
  try {
    if (twice.has(partitionKey(name, asked.partitionIndex))) throw new KafkaError(Errors.INVALID_REQUEST);
    const found = await find(services, request, name, asked, context);
    return {
      partitionIndex: asked.partitionIndex,
      errorCode: 0,
      timestamp: found?.timestamp ?? -1,
      offset: found?.offset ?? -1,
      leaderEpoch: context.apiVersion >= leaderEpochVersion ? (found?.leaderEpoch ?? -1) : -1,
    };
  } catch (error) {
    const row = errorRowOf(error);
    if (row === Errors.UNKNOWN_SERVER_ERROR) {
      services.logger.error('unexpected error while looking up an offset', {
        topic: name,
        partition: asked.partitionIndex,
        error,
      });
    }
    return {
      partitionIndex: asked.partitionIndex,
      errorCode: errorCode(ApiKey.ListOffsets, context.apiVersion, row),
    };
  }
}

function find(
  services: BrokerServices,
  request: ListOffsetsRequest,
  name: string,
  asked: Asked,
  context: RequestContext,
): FoundOffset | null | Promise<FoundOffset | null> {
  const refused = refusal(request, asked, context.apiVersion);
  if (refused !== null) throw new KafkaError(refused);
  const topic = context.image.topics.byName(name);
  if (topic?.partitions[asked.partitionIndex] === undefined)
    throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  const replica = services.replicas.partition(topic.id, asked.partitionIndex);
  if (replica === null) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER);
  if (asked.timestamp === latestTiered || asked.timestamp === earliestPendingUpload) return null;
  return replica.listOffset({
    timestamp: asked.timestamp,
    isolation: isolationOf(request),
    currentLeaderEpoch: asked.currentLeaderEpoch,
    allowFollower: request.replicaId === debuggingConsumer,
  });
}

/** The offsets of consumers are limited as their reads are; those of all other readers are not, as in Kafka. */
function isolationOf({ replicaId, isolationLevel }: ListOffsetsRequest): Isolation {
  if (replicaId !== consumer) return 'log_end';
  return isolationLevel === 1 ? 'txn_committed' : 'high_watermark';
}

function refusal(request: ListOffsetsRequest, asked: Asked, version: number): ErrorRow | null {
  if (request.isolationLevel < 0 || request.isolationLevel > 1) return Errors.INVALID_REQUEST;
  if (asked.timestamp >= 0) return null;
  const since = specialTimestamps.get(asked.timestamp);
  return since === undefined || version < since ? Errors.UNSUPPORTED_VERSION : null;
}
