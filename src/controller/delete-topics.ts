/** DeleteTopics, by name or by id. */
import type { Uuid } from '../base/uuid.ts';
import { uuidZero } from '../base/uuid.ts';
import { record } from '../metadata/records.ts';
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/messages/20-delete-topics.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { ControllerState, Operation } from './state.ts';

type TopicResult = DeleteTopicsResponse['responses'][number];

interface Target {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export function* deleteTopics(
  state: ControllerState,
  request: DeleteTopicsRequest,
): Operation<DeleteTopicsResponse> {
  if (!state.settings.deleteTopicEnable) {
    throw new KafkaError(Errors.TOPIC_DELETION_DISABLED);
  }
  const targets: Target[] = [
    ...request.topics,
    ...request.topicNames.map((name) => ({ name, topicId: uuidZero })),
  ];
  const seen = new Map<string, number>();
  for (const target of targets) {
    const key = target.name ?? `id:${target.topicId}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  const responses: TopicResult[] = [];
  for (const target of targets) {
    const key = target.name ?? `id:${target.topicId}`;
    const count = seen.get(key) ?? 0;
    if (count === 0) continue;
    if (count > 1) seen.set(key, 0);
    const result = count > 1 ? duplicate(target) : resolve(state, target);
    responses.push(result);
    if (result.errorCode === 0) yield [record('RemoveTopicRecord', { topicId: result.topicId })];
  }
  return { throttleTimeMs: 0, responses };
}

function outcome(target: Target, error: ErrorRow, message: string | null = error.message): TopicResult {
  return { name: target.name, topicId: target.topicId, errorCode: error.code, errorMessage: message };
}

function duplicate(target: Target): TopicResult {
  const what = target.name === null ? 'topic id' : 'topic name';
  return outcome(target, Errors.INVALID_REQUEST, `Duplicate ${what}.`);
}

function resolve(state: ControllerState, target: Target): TopicResult {
  const byId = target.topicId !== uuidZero;
  if (byId && target.name !== null) {
    return outcome(target, Errors.INVALID_REQUEST, 'You may not specify both topic name and topic id.');
  }
  if (!byId && target.name === null) {
    return outcome(target, Errors.INVALID_REQUEST, 'Neither topic name nor id were specified.');
  }
  const topics = state.image.topics;
  const topic = byId ? topics.byId(target.topicId) : topics.byName(target.name as string);
  if (topic === undefined) {
    return outcome(target, byId ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION);
  }
  return { name: topic.name, topicId: topic.id, errorCode: 0, errorMessage: null };
}
