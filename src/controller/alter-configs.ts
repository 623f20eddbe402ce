/** IncrementalAlterConfigs and AlterConfigs: the dynamic configuration of topics, brokers, groups and client metrics. */
import type { NodeId } from '../base/ids.ts';
import { resourceKey, resourceType } from '../metadata/configs-image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type {
  AlterConfigsRequest,
  AlterConfigsResponse,
} from '../protocol/messages/configs/33-alter-configs.ts';
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../protocol/messages/configs/44-incremental-alter-configs.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { elrEnabled } from './lookups.ts';
import type { ControllerState, Operation } from './state.ts';
import { checkTopicName } from './topic-names.ts';

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

type Values = ReadonlyMap<string, string>;

export function* incrementalAlterConfigs(
  state: ControllerState,
  request: IncrementalAlterConfigsRequest,
): Operation<IncrementalAlterConfigsResponse> {
  type Change = IncrementalAlterConfigsRequest['resources'][number];
  const responses = yield* alterEach(
    state,
    request.resources,
    request.validateOnly,
    (change: Change, before) => {
      const after = new Map(before);
      const keys = new Set<string>();
      for (const { name, configOperation, value } of change.configs) {
        if (keys.has(name))
          throw new KafkaError(Errors.INVALID_REQUEST, 'Error due to duplicate config keys');
        keys.add(name);
        const next = nextValue(state, change.resourceType, name, configOperation, value, after.get(name));
        if (next === null) after.delete(name);
        else after.set(name, next);
      }
      return after;
    },
  );
  return { throttleTimeMs: 0, responses };
}

/** AlterConfigs: replaces all dynamic values of a resource. */
export function* alterConfigs(
  state: ControllerState,
  request: AlterConfigsRequest,
): Operation<AlterConfigsResponse> {
  type Change = AlterConfigsRequest['resources'][number];
  const responses = yield* alterEach(state, request.resources, request.validateOnly, (change: Change) => {
    const after = new Map<string, string>();
    for (const { name, value } of change.configs) {
      if (after.has(name)) throw new KafkaError(Errors.INVALID_REQUEST, 'Error due to duplicate config keys');
      if (value === null)
        throw new KafkaError(Errors.INVALID_REQUEST, `Null value not supported for : ${name}`);
      after.set(name, value);
    }
    return after;
  });
  return { throttleTimeMs: 0, responses };
}

interface ResourceResult extends Resource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

function* alterEach<C extends Resource>(
  state: ControllerState,
  changes: readonly C[],
  validateOnly: boolean,
  change: (change: C, before: Values) => Values,
): Operation<ResourceResult[]> {
  const results: ResourceResult[] = [];
  const counts = new Map<string, number>();
  for (const one of changes) {
    const key = resourceKey(one.resourceType, one.resourceName);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const one of changes) {
    const key = resourceKey(one.resourceType, one.resourceName);
    const count = counts.get(key) ?? 0;
    const about = { resourceType: one.resourceType, resourceName: one.resourceName };
    try {
      if (count > 1) throw new KafkaError(Errors.INVALID_REQUEST, 'Each resource must appear at most once.');
      checkResource(state, about);
      const before = state.image.configs.get(about.resourceType, about.resourceName);
      const after = change(one, before);
      checkValues(state, about, before, after);
      const records = differences(about, before, after);
      if (!validateOnly && records.length > 0) yield records;
      results.push({ ...about, errorCode: 0, errorMessage: null });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      results.push({ ...about, errorCode: error.code, errorMessage: error.message });
    }
  }
  return results;
}

function nextValue(
  state: ControllerState,
  type: number,
  name: string,
  operation: number,
  value: string | null,
  current: string | undefined,
): string | null {
  if (operation === operations.delete) return null;
  if (value === null) throw new KafkaError(Errors.INVALID_REQUEST, `Null value not supported for : ${name}`);
  if (operation === operations.set) return value;
  if (operation === operations.append || operation === operations.subtract) {
    const verb = operation === operations.append ? 'APPEND' : 'SUBTRACT';
    return state.rules.alterList(type, name, current ?? state.rules.defaultOf(type, name), verb, value);
  }
  throw new KafkaError(Errors.INVALID_REQUEST, `Unknown operation type ${operation} for config ${name}.`);
}

function checkResource(state: ControllerState, resource: Resource): void {
  const { resourceType: type, resourceName: name } = resource;
  switch (type) {
    case resourceType.topic: {
      if (name === '')
        throw new KafkaError(Errors.INVALID_REQUEST, 'Default topic resources are not allowed.');
      checkTopicName(name);
      if (state.image.topics.byName(name) === undefined) {
        throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
      }
      return;
    }
    case resourceType.broker: {
      if (name === '') return;
      if (!/^\d+$/.test(name)) {
        throw new KafkaError(Errors.INVALID_REQUEST, `Node id must be an integer, but it is: ${name}`);
      }
      const id = Number(name) as NodeId;
      const known = state.image.cluster.brokers.has(id) || state.image.cluster.controllers.has(id);
      if (!known) throw new KafkaError(Errors.BROKER_ID_NOT_REGISTERED, `No node with id ${id} found.`);
      return;
    }
    case resourceType.clientMetrics:
    case resourceType.group:
      if (name !== '') return;
      throw new KafkaError(
        Errors.INVALID_REQUEST,
        type === resourceType.group
          ? 'Default group resources are not allowed.'
          : "Subscription name can't be empty",
      );
    default:
      throw new KafkaError(Errors.INVALID_REQUEST, `Unknown resource type ${type}`);
  }
}

function checkValues(state: ControllerState, resource: Resource, before: Values, after: Values): void {
  const { resourceType: type, resourceName: name } = resource;
  if (type === resourceType.topic) return state.rules.checkTopic(after);
  if (type !== resourceType.broker) return state.rules.checkOther(type, name, after);
  state.rules.checkBroker(name, after);
  const key = 'min.insync.replicas';
  if (!elrEnabled(state.image) || before.get(key) === after.get(key)) return;
  // The controller computes eligible leader replicas with the topic's or the cluster's min.insync.replicas, so no single broker
  // may have its own value.
  if (name !== '') {
    throw new KafkaError(
      Errors.INVALID_CONFIG,
      'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
    );
  }
  if (!after.has(key)) {
    throw new KafkaError(
      Errors.INVALID_CONFIG,
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    );
  }
}

function differences(resource: Resource, before: Values, after: Values): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const [name, value] of after) {
    if (before.get(name) !== value) records.push(record('ConfigRecord', { ...resource, name, value }));
  }
  for (const name of before.keys()) {
    if (!after.has(name)) records.push(record('ConfigRecord', { ...resource, name, value: null }));
  }
  // KIP-966: eligible leader replicas that were computed with the previous min.insync.replicas are no longer valid.
  if (before.get('min.insync.replicas') !== after.get('min.insync.replicas')) {
    if (resource.resourceType === resourceType.topic) {
      records.push(record('ClearElrRecord', { topicName: resource.resourceName }));
    } else if (resource.resourceType === resourceType.broker) {
      records.push(record('ClearElrRecord', { topicName: '' }));
    }
  }
  return records;
}
