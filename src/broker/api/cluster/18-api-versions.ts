/**
 * ApiVersions (18), v0–v4. What this listener serves, derived from the table of handlers, and the cluster's features.
 * Versions:  v3 flexible, features, client software name · v4 sends supported features whose lowest level is 0.
 * A version that isn't served is answered in version 0 with UNSUPPORTED_VERSION and the same list (KIP-511); the response
 * header is version 0 always (`protocol/frames.ts`).
 * Behaviour: a client that opens a connection gets no features whose API this broker lacks, finalized or not: it would use
 *            them. One that asks again on the same connection knows its versions; it wants to see the features (Admin's
 *            describeFeatures) and gets all.
 */
import { kraftVersionFeature, kraftVersionOf } from '../../../metadata/feature-versions.ts';
import type { MetadataImage } from '../../../metadata/image.ts';
import { Errors } from '../../../protocol/errors.ts';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../../protocol/messages/cluster/18-api-versions.ts';
import { defineHandler, type Handler, type ListenerKind, type RequestContext } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const softwareNameLengthMax = 256;

/** The API that a feature is for: a broker without that API does not list the feature. */
const apiOfFeature: ReadonlyMap<string, number> = new Map([
  ['transaction.version', 26],
  ['group.version', 68],
  ['share.version', 76],
  ['streams.version', 88],
]);

interface ApiVersion {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** What the clients of connections said they are. */
export type ClientSoftware = WeakMap<
  RequestContext['connection'],
  { readonly name: string; readonly version: string }
>;

/** `handlers` is asked at request time: this handler is part of the table itself. */
export function createApiVersionsHandler(
  services: NodeServices,
  handlers: (kind: ListenerKind) => readonly Handler[],
  software: ClientSoftware,
): Handler {
  const listed = new Map<ListenerKind, readonly ApiVersion[]>();
  const apiKeys = (kind: ListenerKind): readonly ApiVersion[] => {
    let list = listed.get(kind);
    if (list === undefined) {
      list = handlers(kind).map((handler) => ({
        apiKey: handler.apiKey,
        minVersion: handler.advertisedMinVersion,
        maxVersion: handler.maxVersion,
      }));
      listed.set(kind, list);
    }
    return list;
  };
  /** Connections that have had a useful answer. */
  const negotiated = new WeakSet<RequestContext['connection']>();
  const isShown = (feature: string, { listenerKind: kind }: RequestContext['connection']): boolean => {
    const apiKey = apiOfFeature.get(feature);
    return (
      apiKey === undefined || kind === 'controller' || apiKeys(kind).some((row) => row.apiKey === apiKey)
    );
  };
  return defineHandler(ApiVersionsRequest, ApiVersionsResponse, {
    versions: '0-4',
    listeners: ['broker', 'controller'],
    handle(request, context) {
      if (context.apiVersion >= 3 && !isSoftware(request.clientSoftwareName, request.clientSoftwareVersion)) {
        return { errorCode: Errors.INVALID_REQUEST.code, apiKeys: [], throttleTimeMs: 0 };
      }
      const { connection } = context;
      const isAll = negotiated.has(connection);
      negotiated.add(connection);
      const { clientSoftwareName: name, clientSoftwareVersion: version } = request;
      if (context.apiVersion >= 3) software.set(connection, { name, version });
      return {
        errorCode: 0,
        apiKeys: apiKeys(connection.listenerKind),
        throttleTimeMs: 0,
        ...features(services, context, (feature) => isAll || isShown(feature, connection)),
      };
    },
    unsupportedVersion: (context) => ({
      errorCode: Errors.UNSUPPORTED_VERSION.code,
      apiKeys: apiKeys(context.connection.listenerKind),
      throttleTimeMs: 0,
    }),
  });
}

function isSoftware(name: string, version: string): boolean {
  return [name, version].every((text) => text.length <= softwareNameLengthMax && softwareName.test(text));
}

function features(services: NodeServices, context: RequestContext, isShown: (feature: string) => boolean) {
  const supportedFeatures = [];
  for (const [name, range] of services.supportedFeatures) {
    // Older clients take a lowest level of 0 for a broken response (KAFKA-17011).
    if ((range.min === 0 && context.apiVersion < 4) || !isShown(name)) continue;
    supportedFeatures.push({ name, minVersion: range.min, maxVersion: range.max });
  }
  return {
    supportedFeatures,
    finalizedFeatures: finalized(services, context.image, isShown),
    finalizedFeaturesEpoch: context.image.offset,
  };
}

/** kraft.version is no record of the image: it follows from what the quorum's log says of the voters. */
function finalized(services: NodeServices, image: MetadataImage, isShown: (feature: string) => boolean) {
  const list = [];
  const kraftVersion = kraftVersionOf(services.quorum().voters);
  for (const [name, level] of [...image.features.levels, [kraftVersionFeature, kraftVersion] as const]) {
    if (level > 0 && isShown(name)) list.push({ name, maxVersionLevel: level, minVersionLevel: level });
  }
  return list;
}
