/**
 * FindCoordinator (10), v0–v6. The broker that coordinates a group or a transactional id. The first request creates the
 * internal topic.
 * Versions:  v1 key types, messages · v4 several keys · v6 share groups.
 * Messages:  Below v4 the response has the message of the error, or "NONE" without an error. From v4 on the message of
 *            each key is empty, as in Kafka, unless the whole request fails: then each key has the message of the error.
 * Behaviour: COORDINATOR_NOT_AVAILABLE while the internal topic is being created or its partition has no leader; clients retry.
 * Not done:  Share coordinators. Valid keys get COORDINATOR_NOT_AVAILABLE, as from a Kafka broker that does not serve share
 *            groups.
 */
import type { MetadataImage } from '../../../metadata/image.ts';
import { type ErrorRow, errorOf, Errors, KafkaError } from '../../../protocol/errors.ts';
import {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../../protocol/messages/groups/10-find-coordinator.ts';
import { type ConnectionInfo, defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { BrokerEndpoint } from '../endpoints.ts';

/** Finds the coordinator of a key, or throws `KafkaError`. */
export interface CoordinatorFinder {
  find(key: string, image: MetadataImage, connection: ConnectionInfo): BrokerEndpoint;
}

interface Coordinator {
  readonly key: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string;
}

const severalKeysSince = 4;
const shareKeysSince = 6;
export const keyType = { group: 0, transaction: 1, share: 2 } as const;

const keyTypes: ReadonlySet<number> = new Set(Object.values(keyType));

/** `finders`: by key type (group, transaction). */
export function createFindCoordinatorHandler(finders: ReadonlyMap<number, CoordinatorFinder>): Handler {
  return defineHandler(FindCoordinatorRequest, FindCoordinatorResponse, {
    versions: '0-6',
    listeners: ['broker'],
    handle(request, context) {
      const keys = context.apiVersion < severalKeysSince ? [request.key] : request.coordinatorKeys;
      const found = keys.map((key) => findOne(finders, request.keyType, key, context));
      return answer(found, context.apiVersion);
    },
    failed(request, error, { apiVersion }) {
      const keys = apiVersion < severalKeysSince ? [request.key] : request.coordinatorKeys;
      const coordinators = keys.map((key) => ({ ...failed(key, error), errorMessage: error.message }));
      return answer(coordinators, apiVersion);
    },
  });
}

function answer(found: readonly Coordinator[], version: number) {
  if (version >= severalKeysSince) return { coordinators: [...found] };
  const { nodeId, host, port, errorCode, errorMessage } = found[0] as Coordinator;
  return { nodeId, host, port, errorCode, errorMessage };
}

function findOne(
  finders: ReadonlyMap<number, CoordinatorFinder>,
  type: number,
  key: string,
  { apiVersion, image, connection }: RequestContext,
): Coordinator {
  if (!keyTypes.has(type)) throw new KafkaError(Errors.INVALID_REQUEST);
  const answer = (found: Coordinator): Coordinator =>
    apiVersion < severalKeysSince ? { ...found, errorMessage: textOf(errorOf(found.errorCode)) } : found;
  if (type === keyType.share) {
    const error = apiVersion < shareKeysSince ? Errors.INVALID_REQUEST : shareKeyError(key);
    return answer(failed(key, error));
  }
  const finder = finders.get(type);
  if (finder === undefined) return answer(failed(key, Errors.UNSUPPORTED_VERSION));
  try {
    const { nodeId, host, port } = finder.find(key, image, connection);
    return answer({ key, nodeId, host, port, errorCode: Errors.NONE.code, errorMessage: '' });
  } catch (error) {
    if (error instanceof KafkaError) return answer(failed(key, error.error));
    throw error;
  }
}

/** A key of a share coordinator is `group:topic id:partition`. This broker has no share coordinators. */
function shareKeyError(key: string): ErrorRow {
  return /^.+:[\w-]{22}:\d+$/.test(key) ? Errors.COORDINATOR_NOT_AVAILABLE : Errors.INVALID_REQUEST;
}

/** Kafka uses the name "NONE" as message when there is no error. */
const textOf = (error: ErrorRow): string => (error === Errors.NONE ? error.name : error.message);

function failed(key: string, error: ErrorRow): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode: error.code, errorMessage: '' };
}
