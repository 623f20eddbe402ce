/**
 * ListConfigResources (74), v0–v1. The names of resources that have a configuration. kafka-configs and kafka-client-metrics
 * send it before they describe these resources.
 * Versions:  v0 only client metrics subscriptions · v1 the requested types; an empty list means all types (KIP-1142).
 * Behaviour: Topics and brokers are always listed; groups and client metrics subscriptions only if they have dynamic values.
 */
import { resourceType } from '../../../metadata/configs-image.ts';
import type { MetadataImage } from '../../../metadata/image.ts';
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from '../../../protocol/messages/configs/74-list-config-resources.ts';
import { defineHandler, type Handler } from '../../handler.ts';

const allTypes: readonly number[] = Object.values(resourceType);

export function createListConfigResourcesHandler(): Handler {
  return defineHandler(ListConfigResourcesRequest, ListConfigResourcesResponse, {
    versions: '0-1',
    listeners: ['broker'],
    handle(request, { apiVersion, image }) {
      const asked = apiVersion === 0 ? [resourceType.clientMetrics] : request.resourceTypes;
      const types = new Set<number>(asked.length === 0 ? allTypes : asked);
      for (const type of types) {
        if (!allTypes.includes(type)) throw new KafkaError(Errors.UNSUPPORTED_VERSION);
      }
      const configResources = [...types].flatMap((type) =>
        namesOf(type, image).map((resourceName) => ({ resourceName, resourceType: type })),
      );
      return { errorCode: 0, configResources };
    },
  });
}

function namesOf(type: number, image: MetadataImage): string[] {
  if (type === resourceType.topic) return image.topics.names();
  if (type === resourceType.broker || type === resourceType.brokerLogger) {
    return [...image.cluster.brokers.keys()].map(String);
  }
  return [...image.configs.all()].filter((resource) => resource.type === type).map(({ name }) => name);
}
