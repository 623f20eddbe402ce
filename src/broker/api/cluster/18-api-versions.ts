/**
 * ApiVersions (18), v0–v4, v5 unstable. Lists the APIs that this listener serves, derived from the table of handlers, and the
 * features of the cluster.
 * Versions:  v3 flexible, features, client software name · v4 also features whose lowest supported level is 0 ·
 *            v5 (Kafka 4.4) the request names the cluster and node that the client expects; another node responds
 *            REBOOTSTRAP_REQUIRED (KIP-1242).
 * Behaviour: A request in an unsupported version gets a version 0 response with UNSUPPORTED_VERSION and the list of APIs
 *            (KIP-511). The response header always has version 0 (`protocol/frames.ts`). The first response on a connection
 *            leaves out a feature if this broker does not serve the feature's API, because the client would then use that API.
 *            A second request on the same connection comes from Admin.describeFeatures, and gets all features. The telemetry
 *            APIs (71, 72) are listed only while there are client metrics subscriptions; otherwise clients would request
 *            subscriptions that do not exist.
 */
import { kraftVersionFeature, kraftVersionOf } from '../../../metadata/feature-versions.ts';
import { type ConfigsImage, resourceType } from '../../../metadata/configs-image.ts';
import type { MetadataImage } from '../../../metadata/image.ts';
import { Errors } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/messages/api-keys.ts';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../../protocol/messages/cluster/18-api-versions.ts';
import { defineHandler, type Handler, type ListenerKind, type RequestContext } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const softwareNameLengthMax = 256;

// APIs without a schema here.
const shareGroupHeartbeatKey = 76;
const streamsGroupHeartbeatKey = 88;

/** For each feature an API that clients call when they use it. The broker hides a feature whose API it does not serve. */
const apiOfFeature: ReadonlyMap<string, number> = new Map([
  ['transaction.version', ApiKey.EndTxn],
  ['group.version', ApiKey.ConsumerGroupHeartbeat],
  ['share.version', shareGroupHeartbeatKey],
  ['streams.version', streamsGroupHeartbeatKey],
]);

const telemetryKeys: readonly number[] = [ApiKey.GetTelemetrySubscriptions, ApiKey.PushTelemetry];

interface ApiVersion {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** For each connection the name and version of the client software, as the client sent them. */
export type ClientSoftware = WeakMap<
  RequestContext['connection'],
  { readonly name: string; readonly version: string }
>;

/** The APIs of a kind of listener. */
interface ApiList {
  readonly all: readonly ApiVersion[];
  readonly withoutTelemetry: readonly ApiVersion[];
}

/**
 * The APIs of each kind of listener. Each list is made at its first use, because the table of handlers is not complete before.
 */
class ServedApis {
  readonly #handlers: (kind: ListenerKind) => readonly Handler[];
  readonly #lists = new Map<ListenerKind, ApiList>();

  constructor(handlers: (kind: ListenerKind) => readonly Handler[]) {
    this.#handlers = handlers;
  }

  has(kind: ListenerKind, apiKey: number): boolean {
    return this.#of(kind).all.some((row) => row.apiKey === apiKey);
  }

  list({ connection, image }: RequestContext): readonly ApiVersion[] {
    const { all, withoutTelemetry } = this.#of(connection.listenerKind);
    return hasSubscriptions(image.configs) ? all : withoutTelemetry;
  }

  #of(kind: ListenerKind): ApiList {
    const known = this.#lists.get(kind);
    if (known !== undefined) return known;
    const all = this.#handlers(kind).map((handler) => ({
      apiKey: handler.apiKey,
      minVersion: handler.advertisedMinVersion,
      maxVersion: handler.maxVersion,
    }));
    const list = { all, withoutTelemetry: all.filter(({ apiKey }) => !telemetryKeys.includes(apiKey)) };
    this.#lists.set(kind, list);
    return list;
  }
}

/** `handlers` is a function because the table does not exist yet: this handler is part of it. */
export function createApiVersionsHandler(
  services: NodeServices,
  handlers: (kind: ListenerKind) => readonly Handler[],
  software: ClientSoftware,
): Handler {
  const served = new ServedApis(handlers);
  /** Connections that have got a successful response. */
  const negotiated = new WeakSet<RequestContext['connection']>();
  const isShown = (feature: string, { listenerKind: kind }: RequestContext['connection']): boolean => {
    const apiKey = apiOfFeature.get(feature);
    return apiKey === undefined || kind === 'controller' || served.has(kind, apiKey);
  };
  return defineHandler(ApiVersionsRequest, ApiVersionsResponse, {
    versions: '0-4',
    unstableTo: 5,
    listeners: ['broker', 'controller'],
    handle(request, context) {
      if (context.apiVersion >= 3 && !isSoftware(request.clientSoftwareName, request.clientSoftwareVersion)) {
        return { errorCode: Errors.INVALID_REQUEST.code, apiKeys: [], throttleTimeMs: 0 };
      }
      const { clusterId, nodeId } = request;
      if (clusterId !== null && (clusterId !== services.clusterId || nodeId !== services.nodeId)) {
        return { errorCode: Errors.REBOOTSTRAP_REQUIRED.code, apiKeys: [], throttleTimeMs: 0 };
      }
      const { connection } = context;
      const isAll = negotiated.has(connection);
      negotiated.add(connection);
      const { clientSoftwareName: name, clientSoftwareVersion: version } = request;
      if (context.apiVersion >= 3) software.set(connection, { name, version });
      return {
        errorCode: 0,
        apiKeys: served.list(context),
        throttleTimeMs: 0,
        ...features(services, context, (feature) => isAll || isShown(feature, connection)),
      };
    },
    unsupportedVersion: (context) => ({
      errorCode: Errors.UNSUPPORTED_VERSION.code,
      apiKeys: served.list(context),
      throttleTimeMs: 0,
    }),
  });
}

/** Whether an image has client metrics subscriptions. Cached, because the search goes over all configurations. */
const subscribed = new WeakMap<ConfigsImage, boolean>();

function hasSubscriptions(configs: ConfigsImage): boolean {
  let found = subscribed.get(configs);
  if (found === undefined) {
    found = [...configs.all()].some(({ type }) => type === resourceType.clientMetrics);
    subscribed.set(configs, found);
  }
  return found;
}

function isSoftware(name: string, version: string): boolean {
  return [name, version].every((text) => text.length <= softwareNameLengthMax && softwareName.test(text));
}

function features(services: NodeServices, context: RequestContext, isShown: (feature: string) => boolean) {
  const supportedFeatures = [];
  for (const [name, range] of services.supportedFeatures) {
    // Older clients reject a response in which the lowest level of a feature is 0 (KAFKA-17011).
    if ((range.min === 0 && context.apiVersion < 4) || !isShown(name)) continue;
    supportedFeatures.push({ name, minVersion: range.min, maxVersion: range.max });
  }
  return {
    supportedFeatures,
    finalizedFeatures: finalized(services, context.image, isShown),
    finalizedFeaturesEpoch: context.image.offset,
  };
}

/** The finalized features. kraft.version is not in the image: it follows from the voters in the log of the quorum. */
function finalized(services: NodeServices, image: MetadataImage, isShown: (feature: string) => boolean) {
  const list = [];
  const kraftVersion = kraftVersionOf(services.quorum().voters);
  for (const [name, level] of [...image.features.levels, [kraftVersionFeature, kraftVersion] as const]) {
    if (level > 0 && isShown(name)) list.push({ name, maxVersionLevel: level, minVersionLevel: level });
  }
  return list;
}
