/**
 * The handlers of all APIs that a node serves: those listed here, the rows of `forwarded.ts`, and the handlers of the
 * coordinators. ApiVersions is derived from them. `README.md` tells how to add one.
 */
import type { FetchSessionCache } from '../fetch-session.ts';
import type { Handler } from '../handler.ts';
import { HandlerTable } from '../pipeline/table.ts';
import type { MemoryBudget } from '../pipeline/memory-budget.ts';
import type { Purgatories } from '../purgatory/purgatories.ts';
import type { BrokerServices, NodeServices } from '../services.ts';
import type { TopicCreator } from '../topic-creator.ts';
import { createProduceHandler } from './records/00-produce.ts';
import { createFetchHandler } from './records/01-fetch.ts';
import { createListOffsetsHandler } from './records/02-list-offsets.ts';
import { createMetadataHandler } from './cluster/03-metadata.ts';
import { createSaslHandshakeHandler } from './security/17-sasl-handshake.ts';
import { type CompleteOffsets, createWriteTxnMarkersHandler } from './transactions/27-write-txn-markers.ts';
import { createDescribeAclsHandler } from './security/29-describe-acls.ts';
import { createCreateAclsHandler } from './security/30-create-acls.ts';
import { createDeleteAclsHandler } from './security/31-delete-acls.ts';
import { createSaslAuthenticateHandler } from './security/36-sasl-authenticate.ts';
import { createCreateDelegationTokenHandler } from './security/38-create-delegation-token.ts';
import { createRenewDelegationTokenHandler } from './security/39-renew-delegation-token.ts';
import { createExpireDelegationTokenHandler } from './security/40-expire-delegation-token.ts';
import { createDescribeDelegationTokenHandler } from './security/41-describe-delegation-token.ts';
import { createDescribeClientQuotasHandler } from './security/48-describe-client-quotas.ts';
import { createDescribeUserScramCredentialsHandler } from './security/50-describe-user-scram-credentials.ts';
import { type ClientSoftware, createApiVersionsHandler } from './cluster/18-api-versions.ts';
import { createDeleteRecordsHandler } from './records/21-delete-records.ts';
import { createOffsetForLeaderEpochHandler } from './records/23-offset-for-leader-epoch.ts';
import { createDescribeConfigsHandler } from './configs/32-describe-configs.ts';
import { createAlterConfigsHandler } from './configs/33-alter-configs.ts';
import { createAlterReplicaLogDirsHandler } from './log-directories/34-alter-replica-log-dirs.ts';
import { createDescribeLogDirsHandler } from './log-directories/35-describe-log-dirs.ts';
import { createIncrementalAlterConfigsHandler } from './configs/44-incremental-alter-configs.ts';
import { createDescribeQuorumHandler } from './quorum/55-describe-quorum.ts';
import { createDescribeClusterHandler } from './cluster/60-describe-cluster.ts';
import { createDescribeProducersHandler } from './records/61-describe-producers.ts';
import { createGetTelemetrySubscriptionsHandler } from './telemetry/71-get-telemetry-subscriptions.ts';
import { createPushTelemetryHandler } from './telemetry/72-push-telemetry.ts';
import { createListConfigResourcesHandler } from './configs/74-list-config-resources.ts';
import { createDescribeTopicPartitionsHandler } from './cluster/75-describe-topic-partitions.ts';
import { createAddRaftVoterHandler } from './quorum/80-add-raft-voter.ts';
import { createRemoveRaftVoterHandler } from './quorum/81-remove-raft-voter.ts';
import { createUpdateRaftVoterHandler } from './quorum/82-update-raft-voter.ts';
import type { TransactionVerifier } from '../txn/transaction-verifier.ts';
import { Endpoints } from './endpoints.ts';
import { createForwardedHandlers } from './forwarded.ts';

/** What the handlers of a broker need; a controller-only node does not have it. */
export interface BrokerHandlerOptions {
  readonly services: BrokerServices;
  readonly creator: TopicCreator;
  readonly sessions: FetchSessionCache;
  readonly fetchBudget: MemoryBudget;
  readonly purgatories: Purgatories;
  readonly verifier: TransactionVerifier;
  readonly completeOffsets: CompleteOffsets;
}

/** The handlers that every node has, with or without the broker role. */
function nodeHandlers(services: NodeServices, endpoints: Endpoints): Handler[] {
  return [
    ...createForwardedHandlers(services),
    createDescribeConfigsHandler(services),
    createAlterConfigsHandler(services),
    createIncrementalAlterConfigsHandler(services),
    createSaslHandshakeHandler(),
    createDescribeAclsHandler(),
    createCreateAclsHandler(),
    createDeleteAclsHandler(),
    createSaslAuthenticateHandler(),
    createCreateDelegationTokenHandler(),
    createRenewDelegationTokenHandler(),
    createExpireDelegationTokenHandler(),
    createDescribeDelegationTokenHandler(),
    createDescribeUserScramCredentialsHandler(),
    createDescribeQuorumHandler(services),
    createDescribeClusterHandler(services, endpoints),
    createAddRaftVoterHandler(services),
    createRemoveRaftVoterHandler(services),
    createUpdateRaftVoterHandler(services),
  ];
}

function brokerHandlers(
  options: BrokerHandlerOptions,
  endpoints: Endpoints,
  software: ClientSoftware,
): Handler[] {
  const { services, creator, sessions, fetchBudget, purgatories, verifier, completeOffsets } = options;
  return [
    createProduceHandler(services, endpoints, purgatories.produce, verifier),
    createFetchHandler({
      services,
      endpoints,
      sessions,
      budget: fetchBudget,
      purgatory: purgatories.fetch,
    }),
    createListOffsetsHandler(services),
    createMetadataHandler(services, endpoints, creator),
    createDeleteRecordsHandler(services, purgatories.deleteRecords),
    createOffsetForLeaderEpochHandler(services),
    createWriteTxnMarkersHandler(services, completeOffsets),
    createAlterReplicaLogDirsHandler(services),
    createDescribeLogDirsHandler(services),
    createDescribeProducersHandler(services),
    createGetTelemetrySubscriptionsHandler(services, software),
    createPushTelemetryHandler(services, software),
    createDescribeClientQuotasHandler(),
    createListConfigResourcesHandler(),
    createDescribeTopicPartitionsHandler(services, endpoints),
  ];
}

/** The same handler, which also serves the versions that Kafka calls unstable. */
function withUnstable(handler: Handler): Handler {
  return { ...handler, maxVersion: handler.unstableMaxVersion };
}

/**
 * Builds the table of a node's handlers. `broker` is null on a controller-only node. `others`: the handlers of the
 * coordinators.
 */
export function createHandlerTable(
  services: NodeServices,
  broker: BrokerHandlerOptions | null,
  others: readonly Handler[],
): HandlerTable {
  const endpoints = new Endpoints(services.nodeId, services.config.advertisesExplicitly);
  const software: ClientSoftware = new WeakMap();
  const handlers = [
    createApiVersionsHandler(services, (kind) => table.list(kind), software),
    ...nodeHandlers(services, endpoints),
    ...(broker === null ? [] : brokerHandlers(broker, endpoints, software)),
    ...others,
  ];
  const isUnstable = services.config.get('unstable.api.versions.enable');
  const table: HandlerTable = new HandlerTable(isUnstable ? handlers.map(withUnstable) : handlers);
  return table;
}
