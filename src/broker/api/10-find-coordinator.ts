/**
 * FindCoordinator (10), v0–v6. The broker that coordinates a group or a transactional id; the internal topic is created at the first
 * question.
 * Versions:  v1 key types, messages · v4 several keys · v6 share groups.
 * Behaviour: COORDINATOR_NOT_AVAILABLE while the topic is being created or its partition has no leader; clients ask again.
 * Not done:  share coordinators: their keys get UNSUPPORTED_VERSION with a message.
 */
import type { MetadataImage } from '../../metadata/image.ts';
import { type ErrorRow, Errors, KafkaError } from '../../protocol/errors.ts';
import {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../protocol/messages/10-find-coordinator.ts';
import { type ConnectionInfo, defineHandler, type Handler, type RequestContext } from '../handler.ts';
import type { BrokerEndpoint } from './endpoints.ts';

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
  readonly errorMessage: string | null;
}

const severalKeysSince = 4;
const shareKeysSince = 6;
export const keyType = { group: 0, transaction: 1, share: 2 } as const;

const names: ReadonlyMap<number, string> = new Map([
  [keyType.group, 'Group'],
  [keyType.transaction, 'Transaction'],
  [keyType.share, 'Share group'],
]);

/** `finders`: by key type. */
export function createFindCoordinatorHandler(finders: ReadonlyMap<number, CoordinatorFinder>): Handler {
  return defineHandler(FindCoordinatorRequest, FindCoordinatorResponse, {
    versions: '0-6',
    listeners: ['broker'],
    handle(request, context) {
      const keys = context.apiVersion < severalKeysSince ? [request.key] : request.coordinatorKeys;
      const found = keys.map((key) => findOne(finders, request.keyType, key, context));
      return answer(found, context.apiVersion);
    },
    failed(request, error, { apiVersion }, message) {
      const keys = apiVersion < severalKeysSince ? [request.key] : request.coordinatorKeys;
      return answer(
        keys.map((key) => failed(key, error, message ?? error.message)),
        apiVersion,
      );
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
  const name = names.get(type);
  if (name === undefined || (type === keyType.share && apiVersion < shareKeysSince)) {
    return failed(key, Errors.INVALID_REQUEST, `Unknown coordinator key type ${type}.`);
  }
  const finder = finders.get(type);
  if (finder === undefined)
    return failed(key, Errors.UNSUPPORTED_VERSION, `${name} coordinators are not supported by this broker.`);
  try {
    const { nodeId, host, port } = finder.find(key, image, connection);
    return { key, nodeId, host, port, errorCode: Errors.NONE.code, errorMessage: null };
  } catch (error) {
    if (error instanceof KafkaError) return failed(key, error.error, error.message);
    throw error;
  }
}

function failed(key: string, error: ErrorRow, errorMessage: string): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode: error.code, errorMessage };
}
