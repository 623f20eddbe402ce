/**
 * DescribeConfigs (32), v1–v4. The configuration of topics, of this broker, the dynamic defaults of all brokers, groups, client
 * metrics subscriptions, and loggers.
 * Versions:  v1 synonyms and sources · v3 types and documentation.
 * Behaviour: A broker describes only itself. The empty broker name stands for the dynamic defaults of all brokers. An empty
 *            list of keys means all keys. The value of a sensitive property is null.
 */
import {
  belowGroup,
  type ConfigEntry,
  ConfigSource,
  configTypeCode,
  describeBroker,
  describeClusterDefaults,
  describeEntity,
  describeTopic,
} from '../../../config/describe.ts';
import { clientMetricsProperties, groupProperties } from '../../../config/tables/entities.ts';
import { resourceType } from '../../../metadata/configs-image.ts';
import type { MetadataImage } from '../../../metadata/image.ts';
import { Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from '../../../protocol/messages/configs/32-describe-configs.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';
import { topicNameProblem } from '../topics.ts';

type Result = Init<typeof DescribeConfigsResponse>['results'][number];
type Resource = DescribeConfigsRequest['resources'][number];
type Keys = readonly string[] | null;

export function createDescribeConfigsHandler(services: NodeServices): Handler {
  return defineHandler(DescribeConfigsRequest, DescribeConfigsResponse, {
    versions: '1-4',
    listeners: ['broker', 'controller'],
    handle: (request, { image }) => ({
      results: request.resources.map((resource) => describe(services, request, resource, image)),
    }),
    failed: (request, error, _context, message) => ({
      results: request.resources.map((resource) => failure(resource, error.code, message)),
    }),
  });
}

function describe(
  services: NodeServices,
  request: DescribeConfigsRequest,
  resource: Resource,
  image: MetadataImage,
): Result {
  try {
    const keys = resource.configurationKeys;
    const entries = entriesOf(services, resource, keys === null || keys.length === 0 ? null : keys, image);
    return {
      errorCode: 0,
      errorMessage: '',
      resourceType: resource.resourceType,
      resourceName: resource.resourceName,
      configs: entries.map((entry) => toWire(entry, request)),
    };
  } catch (error) {
    const row = errorRowOf(error);
    if (row === Errors.UNKNOWN_SERVER_ERROR) {
      services.logger.error('unexpected error while describing a configuration', {
        resource: resource.resourceName,
        error,
      });
    }
    return failure(resource, row.code, textOf(error));
  }
}

/** The error message. As in Kafka, there is none if a topic does not exist; nor for an unexpected error. */
function textOf(error: unknown): string {
  if (!(error instanceof KafkaError) || error.error === Errors.UNKNOWN_TOPIC_OR_PARTITION) return '';
  return error.message;
}

function failure(resource: Resource, errorCode: number, errorMessage: string | null): Result {
  const { resourceType: type, resourceName } = resource;
  return { errorCode, errorMessage, resourceType: type, resourceName, configs: [] };
}

function toWire(entry: ConfigEntry, request: DescribeConfigsRequest): Result['configs'][number] {
  return {
    name: entry.name,
    value: entry.value,
    readOnly: entry.readOnly,
    configSource: entry.source,
    isSensitive: entry.isSensitive,
    synonyms: request.includeSynonyms ? entry.synonyms : [],
    configType: entry.type,
    documentation: request.includeDocumentation ? entry.documentation : null,
  };
}

function entriesOf(
  services: NodeServices,
  resource: Resource,
  keys: Keys,
  image: MetadataImage,
): readonly ConfigEntry[] {
  const name = resource.resourceName;
  switch (resource.resourceType) {
    case resourceType.topic:
      return topicEntries(services, name, keys, image);
    case resourceType.broker:
      if (name === '') return describeClusterDefaults(image.configs.brokerDefault(), keys);
      requireOwnId(services, name);
      return describeBroker(services.config, keys);
    case resourceType.brokerLogger:
      if (name === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Broker id must not be empty');
      requireOwnId(services, name);
      return loggerEntries(services, keys);
    case resourceType.clientMetrics:
      if (name === '')
        throw new KafkaError(Errors.INVALID_REQUEST, 'Client metrics subscription name must not be empty');
      return describeEntity(
        clientMetricsProperties,
        image.configs.get(resourceType.clientMetrics, name),
        ConfigSource.clientMetrics,
        keys,
      );
    case resourceType.group:
      if (name === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Group name must not be empty');
      return describeEntity(
        groupProperties,
        image.configs.get(resourceType.group, name),
        ConfigSource.group,
        keys,
        (key) => belowGroup(services.config, key),
      );
    default:
      throw new KafkaError(Errors.INVALID_REQUEST);
  }
}

function topicEntries(
  services: NodeServices,
  name: string,
  keys: Keys,
  image: MetadataImage,
): readonly ConfigEntry[] {
  const problem = topicNameProblem(name);
  if (problem !== null) throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, problem);
  if (image.topics.byName(name) === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  return describeTopic(image.configs.topic(name), services.config, keys);
}

function requireOwnId(services: NodeServices, name: string): void {
  if (!/^-?\d+$/.test(name)) {
    throw new KafkaError(Errors.INVALID_REQUEST, `Broker id must be an integer, but it is: ${name}`);
  }
  if (Number(name) === services.nodeId) return;
  throw new KafkaError(
    Errors.INVALID_REQUEST,
    `Unexpected broker id, expected ${services.nodeId} or empty string, but received ${name}`,
  );
}

function loggerEntries({ logger }: NodeServices, keys: Keys): readonly ConfigEntry[] {
  const entries = logger.levels?.all() ?? [['root', 'INFO'] as const];
  return entries
    .filter(([name]) => keys === null || keys.includes(name))
    .map(([name, value]) => ({
      name,
      value,
      readOnly: false,
      source: ConfigSource.brokerLogger,
      isSensitive: false,
      synonyms: [],
      type: configTypeCode.STRING,
      documentation: '',
    }));
}
