/**
 * The admin requests that the active controller handles: CreateTopics (19), DeleteTopics (20), CreatePartitions (37),
 * ElectLeaders (43), AlterPartitionReassignments (45), ListPartitionReassignments (46), AlterClientQuotas (49),
 * AlterUserScramCredentials (51), UpdateFeatures (57), UnregisterBroker (64). Every node forwards them to the controller; each
 * has a row below.
 *
 * Behaviour: After a successful change the response waits until this node's own image has the change, at most
 *            `readYourWriteMs`. So a client can use a new topic at once through the same broker. (Elections and reassignments
 *            do not wait.) When no controller responds in time, the response has REQUEST_TIMED_OUT, for every item if items
 *            have errors.
 */
import { sameElements } from '../../base/collections.ts';
import { uuidZero } from '../../base/uuid.ts';
import { kraftVersionFeature, kraftVersionOf } from '../../metadata/feature-versions.ts';
import { featureLevel, type MetadataImage } from '../../metadata/image.ts';
import { quotaKey, scramKey } from '../../metadata/security-image.ts';
import { type ErrorRow, Errors } from '../../protocol/errors.ts';
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from '../../protocol/messages/security/49-alter-client-quotas.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/messages/topics/19-create-topics.ts';
import {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../protocol/messages/topics/20-delete-topics.ts';
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from '../../protocol/messages/topics/37-create-partitions.ts';
import {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../protocol/messages/topics/43-elect-leaders.ts';
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../../protocol/messages/topics/45-alter-partition-reassignments.ts';
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../../protocol/messages/topics/46-list-partition-reassignments.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../../protocol/messages/cluster/57-update-features.ts';
import {
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
} from '../../protocol/messages/cluster/64-unregister-broker.ts';
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '../../protocol/messages/security/51-alter-user-scram-credentials.ts';
import type { Infer, Init, Message, Shape } from '../../protocol/schema/fields.ts';
import type { VoterStatus } from '../../raft/api.ts';
import type { NodeId } from '../../base/ids.ts';
import { defineHandler, type Handler, type ListenerKind, type RequestContext } from '../handler.ts';
import { readYourWriteMs } from '../limits.ts';
import type { NodeServices } from '../services.ts';

/** Whether an image has the change of the request. */
export type Shows = (image: MetadataImage) => boolean;

interface Forwarding<Q extends Shape, S extends Shape> {
  readonly versions: string;
  readonly listeners: readonly ListenerKind[];
  /** The condition that the response waits for; null if it waits for none. */
  shows?(request: Infer<Message<Q>>, response: Infer<Message<S>>, context: RequestContext): Shows | null;
  failed(
    request: Infer<Message<Q>>,
    error: ErrorRow,
    message: string | null,
    version: number,
  ): Init<Message<S>>;
}

const everywhere: readonly ListenerKind[] = ['broker', 'controller'];
/** The controller must respond within this time, even if the client allows more. */
const deadlineMsMax = 60_000;

function forward<Q extends Shape, S extends Shape>(
  services: NodeServices,
  request: Message<Q>,
  response: Message<S>,
  row: Forwarding<Q, S>,
): Handler {
  return defineHandler(request, response, {
    versions: row.versions,
    listeners: row.listeners,
    async handle(body, context) {
      const answer = await forwardToController(services, request, response, body, context);
      const { throttleTimeMs } = answer as { throttleTimeMs?: number };
      context.throttle('ControllerMutation', throttleTimeMs ?? 0);
      const shows = row.shows?.(body, answer, context) ?? null;
      if (shows !== null) await services.imageWatch.until(shows, readYourWriteMs);
      return answer as Init<Message<S>>;
    },
    failed: (body, error, context, message) => row.failed(body, error, message, context.apiVersion),
  });
}

/** Forwards a client's request to the active controller. Rejects with `KafkaError`. */
export function forwardToController<Q extends Shape, S extends Shape>(
  services: NodeServices,
  request: Message<Q>,
  response: Message<S>,
  body: Infer<Message<Q>>,
  context: RequestContext,
): Promise<Infer<Message<S>>> {
  const { timeoutMs } = body as { timeoutMs?: number };
  const deadline =
    timeoutMs === undefined || timeoutMs <= 0 ? {} : { deadlineMs: Math.min(timeoutMs, deadlineMsMax) };
  return services.controller.request(request, response, context.apiVersion, body as Init<Message<Q>>, {
    principal: context.connection.principal,
    clientId: context.clientId,
    ...deadline,
  });
}

export function createForwardedHandlers(services: NodeServices): Handler[] {
  return [
    ...topicHandlers(services),
    ...partitionHandlers(services),
    scramHandler(services),
    forward(services, AlterClientQuotasRequest, AlterClientQuotasResponse, {
      versions: '0-1',
      listeners: everywhere,
      shows: (request, response) => (request.validateOnly ? null : quotasShow(request, response)),
      failed: (request, { code }, errorMessage) => ({
        entries: request.entries.map(({ entity }) => ({ errorCode: code, errorMessage, entity })),
      }),
    }),
    forward(services, UpdateFeaturesRequest, UpdateFeaturesResponse, {
      versions: '0-2',
      listeners: everywhere,
      shows: (request, response) =>
        request.validateOnly || response.errorCode !== 0
          ? null
          : (image) =>
              request.featureUpdates.every(
                ({ feature, maxVersionLevel }) =>
                  levelOf(feature, image, services.quorum().voters) === maxVersionLevel,
              ),
      failed: (_request, { code }, errorMessage) => ({ errorCode: code, errorMessage, results: [] }),
    }),
    forward(services, UnregisterBrokerRequest, UnregisterBrokerResponse, {
      versions: '0',
      listeners: everywhere,
      shows: (request, response) =>
        response.errorCode === 0 ? (image) => !image.cluster.brokers.has(request.brokerId as NodeId) : null,
      failed: (_request, { code }, errorMessage) => ({ errorCode: code, errorMessage }),
    }),
  ];
}

function quotasShow(
  { entries }: AlterClientQuotasRequest,
  response: Infer<typeof AlterClientQuotasResponse>,
): Shows {
  const failed = new Set(
    response.entries.filter(({ errorCode }) => errorCode !== 0).map(({ entity }) => quotaKey(entity)),
  );
  const changed = entries
    .map(({ entity, ops }) => ({ key: quotaKey(entity), ops }))
    .filter(({ key }) => !failed.has(key));
  return ({ security }) =>
    changed.every(({ key, ops }) => {
      const values = security.clientQuotas.get(key)?.values;
      return ops.every((op) => (values?.get(op.key) ?? null) === (op.remove ? null : op.value));
    });
}

function scramHandler(services: NodeServices): Handler {
  return forward(services, AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, {
    versions: '0',
    listeners: everywhere,
    shows(request, { results }) {
      const changed = new Set(results.filter(({ errorCode }) => errorCode === 0).map(({ user }) => user));
      const upserted = request.upsertions.filter(({ name }) => changed.has(name));
      const deleted = request.deletions.filter(({ name }) => changed.has(name));
      return ({ security: { scram } }) =>
        upserted.every(({ mechanism, name, iterations, salt }) => {
          const known = scram.get(scramKey(mechanism, name));
          return known?.iterations === iterations && sameElements(known.salt, salt);
        }) && deleted.every(({ mechanism, name }) => !scram.has(scramKey(mechanism, name)));
    },
    failed: (request, { code }, errorMessage) => ({
      results: [...new Set([...request.deletions, ...request.upsertions].map(({ name }) => name))].map(
        (user) => ({ user, errorCode: code, errorMessage }),
      ),
    }),
  });
}

/**
 * The finalized level of a feature. kraft.version follows from the voters in the part of the quorum's log that this node has
 * received.
 */
function levelOf(feature: string, image: MetadataImage, voters: readonly VoterStatus[]): number {
  return feature === kraftVersionFeature ? kraftVersionOf(voters) : featureLevel(image, feature);
}

function topicHandlers(services: NodeServices): Handler[] {
  return [
    forward(services, CreateTopicsRequest, CreateTopicsResponse, {
      versions: '2-7',
      listeners: everywhere,
      shows(request, response) {
        for (const { name, errorCode, errorMessage } of response.topics)
          if (errorCode === Errors.INVALID_REPLICATION_FACTOR.code)
            services.logger.warn(
              'a topic could not be created: there are not enough brokers for its replication factor',
              { topic: name, reason: errorMessage },
            );
        const created = response.topics.filter((topic) => topic.errorCode === 0);
        if (request.validateOnly || created.length === 0) return null;
        return (image) => created.every(({ name }) => image.topics.byName(name) !== undefined);
      },
      failed: (request, { code }, errorMessage) => ({
        topics: request.topics.map(({ name }) => ({ name, errorCode: code, errorMessage, configs: [] })),
      }),
    }),
    forward(services, DeleteTopicsRequest, DeleteTopicsResponse, {
      versions: '1-6',
      listeners: everywhere,
      shows: (_request, response, context) => deletionShows(response, context),
      failed: (request, { code }, errorMessage) => ({
        responses: [
          ...request.topics.map(({ name, topicId }) => ({ name, topicId, errorCode: code, errorMessage })),
          ...request.topicNames.map((name) => ({ name, errorCode: code, errorMessage })),
        ],
      }),
    }),
    forward(services, CreatePartitionsRequest, CreatePartitionsResponse, {
      versions: '0-3',
      listeners: everywhere,
      shows(request, response) {
        const failed = new Set(
          response.results.filter(({ errorCode }) => errorCode !== 0).map(({ name }) => name),
        );
        if (request.validateOnly) return null;
        const grown = request.topics.filter(({ name }) => !failed.has(name));
        return (image) =>
          grown.every(({ name, count }) => (image.topics.byName(name)?.partitions.length ?? count) >= count);
      },
      failed: (request, { code }, errorMessage) => ({
        results: request.topics.map(({ name }) => ({ name, errorCode: code, errorMessage })),
      }),
    }),
  ];
}

/**
 * Whether the topics are deleted. Compares the ids that they had when the request came: another topic with the same name may
 * exist by now.
 */
function deletionShows(response: Infer<typeof DeleteTopicsResponse>, context: RequestContext): Shows | null {
  const ids: string[] = [];
  for (const { errorCode, name, topicId } of response.responses) {
    const id = topicId === uuidZero && name !== null ? context.image.topics.byName(name)?.id : topicId;
    if (errorCode === 0 && id !== undefined) ids.push(id);
  }
  return ids.length === 0 ? null : (image) => ids.every((id) => image.topics.byId(id) === undefined);
}

function partitionHandlers(services: NodeServices): Handler[] {
  return [
    forward(services, ElectLeadersRequest, ElectLeadersResponse, {
      versions: '0-2',
      listeners: everywhere,
      failed: (request, { code }, errorMessage, version) => ({
        errorCode: version === 0 ? 0 : code,
        replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode: code, errorMessage })),
        })),
      }),
    }),
    forward(services, AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, {
      versions: '0-1',
      listeners: everywhere,
      failed: (_request, { code }, errorMessage) => ({ errorCode: code, errorMessage, responses: [] }),
    }),
    forward(services, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, {
      versions: '0',
      listeners: everywhere,
      failed: (_request, { code }, errorMessage) => ({ errorCode: code, errorMessage, topics: [] }),
    }),
  ];
}
