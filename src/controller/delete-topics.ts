/** DeleteTopics, by topic name or topic id. */
import type { Uuid } from '../base/uuid.ts';
import { uuidZero } from '../base/uuid.ts';
import { record } from '../metadata/records.ts';
import type {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../protocol/messages/topics/20-delete-topics.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { ControllerState, Operation, PartitionMutations } from './state.ts';

type TopicResult = DeleteTopicsResponse['responses'][number];

interface Target {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export function* deleteTopics(
  state: ControllerState,
  request: DeleteTopicsRequest,
  mutations: PartitionMutations,
): Operation<DeleteTopicsResponse> {
  if (!state.settings.deleteTopicEnable) {
    throw new KafkaError(Errors.TOPIC_DELETION_DISABLED);
  }
  const targets: Target[] = [
    ...request.topics,
    ...request.topicNames.map((name) => ({ name, topicId: uuidZero })),
  ];
  const responses: TopicResult[] = [];
  const [names, ids] = [new Map<string, number>(), new Map<Uuid, number>()];
  for (const target of targets) {
    const { name, topicId } = target;
    const hasId = topicId !== uuidZero;
    if (hasId === (name !== null)) {
      const message = hasId
        ? 'You may not specify both topic name and topic id.'
        : 'Neither topic name nor id were specified.';
      responses.push(outcome(target, Errors.INVALID_REQUEST, message));
    } else if (name === null) ids.set(topicId, (ids.get(topicId) ?? 0) + 1);
    else names.set(name, (names.get(name) ?? 0) + 1);
  }
  const named = new Set<Uuid>();
  for (const [name, count] of names) {
    const result = byName(state, name, count, ids);
    if (result.topicId !== uuidZero) named.add(result.topicId);
    responses.push(result);
  }
  for (const [topicId, count] of ids) {
    // The request names this topic also by its topic name. That is an error, which the result for the name reports.
    if (count === 1 && named.has(topicId)) continue;
    responses.push(byId(state, topicId, count));
  }
  for (const [at, response] of responses.entries()) {
    if (response.errorCode !== 0) continue;
    try {
      mutations.record(state.image.topics.byId(response.topicId)?.partitions.length ?? 0);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      responses[at] = outcome(response, error.error, error.ownMessage);
      continue;
    }
    yield [record('RemoveTopicRecord', { topicId: response.topicId })];
  }
  return { throttleTimeMs: mutations.throttleTimeMs, responses };
}

function outcome(target: Target, error: ErrorRow, message: string | null = error.message): TopicResult {
  return { name: target.name, topicId: target.topicId, errorCode: error.code, errorMessage: message };
}

/**
 * The result for a topic that the request gives by name. `ids` counts how often the request gives each topic id: a topic that
 * is given both by name and by id is not deleted.
 */
function byName(
  state: ControllerState,
  name: string,
  count: number,
  ids: ReadonlyMap<Uuid, number>,
): TopicResult {
  const target = { name, topicId: uuidZero };
  if (count > 1) return outcome(target, Errors.INVALID_REQUEST, 'Duplicate topic name.');
  const topic = state.image.topics.byName(name);
  if (topic === undefined) return outcome(target, Errors.UNKNOWN_TOPIC_OR_PARTITION);
  if (!ids.has(topic.id)) return { name, topicId: topic.id, errorCode: 0, errorMessage: null };
  const message = 'The provided topic name maps to an ID that was already supplied.';
  return outcome({ name, topicId: topic.id }, Errors.INVALID_REQUEST, message);
}

function byId(state: ControllerState, topicId: Uuid, count: number): TopicResult {
  const target = { name: null, topicId };
  if (count > 1) return outcome(target, Errors.INVALID_REQUEST, 'Duplicate topic id.');
  const topic = state.image.topics.byId(topicId);
  if (topic === undefined) return outcome(target, Errors.UNKNOWN_TOPIC_ID);
  return { name: topic.name, topicId, errorCode: 0, errorMessage: null };
}
