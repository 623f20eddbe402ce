/**
 * The table of all requests that have a schema, by API key. Which of them a node serves is decided by its handlers, not by this
 * table.
 */
import type { Message } from '../schema/fields.ts';
import { ProduceRequest, ProduceResponse } from './records/00-produce.ts';
import { FetchRequest, FetchResponse } from './records/01-fetch.ts';
import { ListOffsetsRequest, ListOffsetsResponse } from './records/02-list-offsets.ts';
import { MetadataRequest, MetadataResponse } from './cluster/03-metadata.ts';
import { OffsetCommitRequest, OffsetCommitResponse } from './groups/08-offset-commit.ts';
import { OffsetFetchRequest, OffsetFetchResponse } from './groups/09-offset-fetch.ts';
import { FindCoordinatorRequest, FindCoordinatorResponse } from './groups/10-find-coordinator.ts';
import { JoinGroupRequest, JoinGroupResponse } from './groups/11-join-group.ts';
import { HeartbeatRequest, HeartbeatResponse } from './groups/12-heartbeat.ts';
import { LeaveGroupRequest, LeaveGroupResponse } from './groups/13-leave-group.ts';
import { SyncGroupRequest, SyncGroupResponse } from './groups/14-sync-group.ts';
import { DescribeGroupsRequest, DescribeGroupsResponse } from './groups/15-describe-groups.ts';
import { ListGroupsRequest, ListGroupsResponse } from './groups/16-list-groups.ts';
import { SaslHandshakeRequest, SaslHandshakeResponse } from './security/17-sasl-handshake.ts';
import { ApiVersionsRequest, ApiVersionsResponse } from './cluster/18-api-versions.ts';
import { CreateTopicsRequest, CreateTopicsResponse } from './topics/19-create-topics.ts';
import { DeleteTopicsRequest, DeleteTopicsResponse } from './topics/20-delete-topics.ts';
import { DeleteRecordsRequest, DeleteRecordsResponse } from './records/21-delete-records.ts';
import { InitProducerIdRequest, InitProducerIdResponse } from './transactions/22-init-producer-id.ts';
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from './records/23-offset-for-leader-epoch.ts';
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from './transactions/24-add-partitions-to-txn.ts';
import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from './transactions/25-add-offsets-to-txn.ts';
import { EndTxnRequest, EndTxnResponse } from './transactions/26-end-txn.ts';
import { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from './transactions/27-write-txn-markers.ts';
import { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from './transactions/28-txn-offset-commit.ts';
import { DescribeAclsRequest, DescribeAclsResponse } from './security/29-describe-acls.ts';
import { CreateAclsRequest, CreateAclsResponse } from './security/30-create-acls.ts';
import { DeleteAclsRequest, DeleteAclsResponse } from './security/31-delete-acls.ts';
import { DescribeConfigsRequest, DescribeConfigsResponse } from './configs/32-describe-configs.ts';
import { AlterConfigsRequest, AlterConfigsResponse } from './configs/33-alter-configs.ts';
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from './log-directories/34-alter-replica-log-dirs.ts';
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from './log-directories/35-describe-log-dirs.ts';
import { SaslAuthenticateRequest, SaslAuthenticateResponse } from './security/36-sasl-authenticate.ts';
import { CreatePartitionsRequest, CreatePartitionsResponse } from './topics/37-create-partitions.ts';
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from './security/38-create-delegation-token.ts';
import {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from './security/39-renew-delegation-token.ts';
import {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from './security/40-expire-delegation-token.ts';
import {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from './security/41-describe-delegation-token.ts';
import { DeleteGroupsRequest, DeleteGroupsResponse } from './groups/42-delete-groups.ts';
import { ElectLeadersRequest, ElectLeadersResponse } from './topics/43-elect-leaders.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from './configs/44-incremental-alter-configs.ts';
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from './topics/45-alter-partition-reassignments.ts';
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from './topics/46-list-partition-reassignments.ts';
import { OffsetDeleteRequest, OffsetDeleteResponse } from './groups/47-offset-delete.ts';
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from './security/48-describe-client-quotas.ts';
import { AlterClientQuotasRequest, AlterClientQuotasResponse } from './security/49-alter-client-quotas.ts';
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from './security/50-describe-user-scram-credentials.ts';
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from './security/51-alter-user-scram-credentials.ts';
import { DescribeQuorumRequest, DescribeQuorumResponse } from './quorum/55-describe-quorum.ts';
import { AlterPartitionRequest, AlterPartitionResponse } from './brokers/56-alter-partition.ts';
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from './cluster/57-update-features.ts';
import { DescribeClusterRequest, DescribeClusterResponse } from './cluster/60-describe-cluster.ts';
import { DescribeProducersRequest, DescribeProducersResponse } from './records/61-describe-producers.ts';
import { BrokerRegistrationRequest, BrokerRegistrationResponse } from './brokers/62-broker-registration.ts';
import { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from './brokers/63-broker-heartbeat.ts';
import { UnregisterBrokerRequest, UnregisterBrokerResponse } from './cluster/64-unregister-broker.ts';
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from './transactions/65-describe-transactions.ts';
import { ListTransactionsRequest, ListTransactionsResponse } from './transactions/66-list-transactions.ts';
import {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from './brokers/67-allocate-producer-ids.ts';
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from './groups/68-consumer-group-heartbeat.ts';
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from './groups/69-consumer-group-describe.ts';
import {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from './brokers/70-controller-registration.ts';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from './telemetry/71-get-telemetry-subscriptions.ts';
import { PushTelemetryRequest, PushTelemetryResponse } from './telemetry/72-push-telemetry.ts';
import {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from './brokers/73-assign-replicas-to-dirs.ts';
import {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from './configs/74-list-config-resources.ts';
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from './cluster/75-describe-topic-partitions.ts';
import { AddRaftVoterRequest, AddRaftVoterResponse } from './quorum/80-add-raft-voter.ts';
import { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from './quorum/81-remove-raft-voter.ts';
import { UpdateRaftVoterRequest, UpdateRaftVoterResponse } from './quorum/82-update-raft-voter.ts';

export const ApiKey = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  DescribeGroups: 15,
  ListGroups: 16,
  SaslHandshake: 17,
  ApiVersions: 18,
  CreateTopics: 19,
  DeleteTopics: 20,
  DeleteRecords: 21,
  InitProducerId: 22,
  OffsetForLeaderEpoch: 23,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  WriteTxnMarkers: 27,
  TxnOffsetCommit: 28,
  DescribeAcls: 29,
  CreateAcls: 30,
  DeleteAcls: 31,
  DescribeConfigs: 32,
  AlterConfigs: 33,
  AlterReplicaLogDirs: 34,
  DescribeLogDirs: 35,
  SaslAuthenticate: 36,
  CreatePartitions: 37,
  CreateDelegationToken: 38,
  RenewDelegationToken: 39,
  ExpireDelegationToken: 40,
  DescribeDelegationToken: 41,
  DeleteGroups: 42,
  ElectLeaders: 43,
  IncrementalAlterConfigs: 44,
  AlterPartitionReassignments: 45,
  ListPartitionReassignments: 46,
  OffsetDelete: 47,
  DescribeClientQuotas: 48,
  AlterClientQuotas: 49,
  DescribeUserScramCredentials: 50,
  AlterUserScramCredentials: 51,
  DescribeQuorum: 55,
  AlterPartition: 56,
  UpdateFeatures: 57,
  DescribeCluster: 60,
  DescribeProducers: 61,
  BrokerRegistration: 62,
  BrokerHeartbeat: 63,
  UnregisterBroker: 64,
  DescribeTransactions: 65,
  ListTransactions: 66,
  AllocateProducerIds: 67,
  ConsumerGroupHeartbeat: 68,
  ConsumerGroupDescribe: 69,
  ControllerRegistration: 70,
  GetTelemetrySubscriptions: 71,
  PushTelemetry: 72,
  AssignReplicasToDirs: 73,
  ListConfigResources: 74,
  DescribeTopicPartitions: 75,
  AddRaftVoter: 80,
  RemoveRaftVoter: 81,
  UpdateRaftVoter: 82,
} as const;
export type ApiName = keyof typeof ApiKey;

export interface Api {
  readonly key: number;
  readonly name: ApiName;
  readonly request: Message;
  readonly response: Message;
}

function api(name: ApiName, request: Message, response: Message): Api {
  return { key: ApiKey[name], name, request, response };
}

/** All APIs in the order of their keys. */
export const apis: readonly Api[] = [
  api('Produce', ProduceRequest, ProduceResponse),
  api('Fetch', FetchRequest, FetchResponse),
  api('ListOffsets', ListOffsetsRequest, ListOffsetsResponse),
  api('Metadata', MetadataRequest, MetadataResponse),
  api('OffsetCommit', OffsetCommitRequest, OffsetCommitResponse),
  api('OffsetFetch', OffsetFetchRequest, OffsetFetchResponse),
  api('FindCoordinator', FindCoordinatorRequest, FindCoordinatorResponse),
  api('JoinGroup', JoinGroupRequest, JoinGroupResponse),
  api('Heartbeat', HeartbeatRequest, HeartbeatResponse),
  api('LeaveGroup', LeaveGroupRequest, LeaveGroupResponse),
  api('SyncGroup', SyncGroupRequest, SyncGroupResponse),
  api('DescribeGroups', DescribeGroupsRequest, DescribeGroupsResponse),
  api('ListGroups', ListGroupsRequest, ListGroupsResponse),
  api('SaslHandshake', SaslHandshakeRequest, SaslHandshakeResponse),
  api('ApiVersions', ApiVersionsRequest, ApiVersionsResponse),
  api('CreateTopics', CreateTopicsRequest, CreateTopicsResponse),
  api('DeleteTopics', DeleteTopicsRequest, DeleteTopicsResponse),
  api('DeleteRecords', DeleteRecordsRequest, DeleteRecordsResponse),
  api('InitProducerId', InitProducerIdRequest, InitProducerIdResponse),
  api('OffsetForLeaderEpoch', OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse),
  api('AddPartitionsToTxn', AddPartitionsToTxnRequest, AddPartitionsToTxnResponse),
  api('AddOffsetsToTxn', AddOffsetsToTxnRequest, AddOffsetsToTxnResponse),
  api('EndTxn', EndTxnRequest, EndTxnResponse),
  api('WriteTxnMarkers', WriteTxnMarkersRequest, WriteTxnMarkersResponse),
  api('TxnOffsetCommit', TxnOffsetCommitRequest, TxnOffsetCommitResponse),
  api('DescribeAcls', DescribeAclsRequest, DescribeAclsResponse),
  api('CreateAcls', CreateAclsRequest, CreateAclsResponse),
  api('DeleteAcls', DeleteAclsRequest, DeleteAclsResponse),
  api('DescribeConfigs', DescribeConfigsRequest, DescribeConfigsResponse),
  api('AlterConfigs', AlterConfigsRequest, AlterConfigsResponse),
  api('AlterReplicaLogDirs', AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse),
  api('DescribeLogDirs', DescribeLogDirsRequest, DescribeLogDirsResponse),
  api('SaslAuthenticate', SaslAuthenticateRequest, SaslAuthenticateResponse),
  api('CreatePartitions', CreatePartitionsRequest, CreatePartitionsResponse),
  api('CreateDelegationToken', CreateDelegationTokenRequest, CreateDelegationTokenResponse),
  api('RenewDelegationToken', RenewDelegationTokenRequest, RenewDelegationTokenResponse),
  api('ExpireDelegationToken', ExpireDelegationTokenRequest, ExpireDelegationTokenResponse),
  api('DescribeDelegationToken', DescribeDelegationTokenRequest, DescribeDelegationTokenResponse),
  api('DeleteGroups', DeleteGroupsRequest, DeleteGroupsResponse),
  api('ElectLeaders', ElectLeadersRequest, ElectLeadersResponse),
  api('IncrementalAlterConfigs', IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse),
  api('AlterPartitionReassignments', AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse),
  api('ListPartitionReassignments', ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse),
  api('OffsetDelete', OffsetDeleteRequest, OffsetDeleteResponse),
  api('DescribeClientQuotas', DescribeClientQuotasRequest, DescribeClientQuotasResponse),
  api('AlterClientQuotas', AlterClientQuotasRequest, AlterClientQuotasResponse),
  api(
    'DescribeUserScramCredentials',
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
  ),
  api('AlterUserScramCredentials', AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse),
  api('DescribeQuorum', DescribeQuorumRequest, DescribeQuorumResponse),
  api('AlterPartition', AlterPartitionRequest, AlterPartitionResponse),
  api('UpdateFeatures', UpdateFeaturesRequest, UpdateFeaturesResponse),
  api('DescribeCluster', DescribeClusterRequest, DescribeClusterResponse),
  api('DescribeProducers', DescribeProducersRequest, DescribeProducersResponse),
  api('BrokerRegistration', BrokerRegistrationRequest, BrokerRegistrationResponse),
  api('BrokerHeartbeat', BrokerHeartbeatRequest, BrokerHeartbeatResponse),
  api('UnregisterBroker', UnregisterBrokerRequest, UnregisterBrokerResponse),
  api('DescribeTransactions', DescribeTransactionsRequest, DescribeTransactionsResponse),
  api('ListTransactions', ListTransactionsRequest, ListTransactionsResponse),
  api('AllocateProducerIds', AllocateProducerIdsRequest, AllocateProducerIdsResponse),
  api('ConsumerGroupHeartbeat', ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse),
  api('ConsumerGroupDescribe', ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse),
  api('ControllerRegistration', ControllerRegistrationRequest, ControllerRegistrationResponse),
  api('GetTelemetrySubscriptions', GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse),
  api('PushTelemetry', PushTelemetryRequest, PushTelemetryResponse),
  api('AssignReplicasToDirs', AssignReplicasToDirsRequest, AssignReplicasToDirsResponse),
  api('ListConfigResources', ListConfigResourcesRequest, ListConfigResourcesResponse),
  api('DescribeTopicPartitions', DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse),
  api('AddRaftVoter', AddRaftVoterRequest, AddRaftVoterResponse),
  api('RemoveRaftVoter', RemoveRaftVoterRequest, RemoveRaftVoterResponse),
  api('UpdateRaftVoter', UpdateRaftVoterRequest, UpdateRaftVoterResponse),
];

const byKey: readonly (Api | undefined)[] = apis.reduce<(Api | undefined)[]>((table, entry) => {
  table[entry.key] = entry;
  return table;
}, []);

/** Returns undefined for a key that has no schema. */
export function apiOf(key: number): Api | undefined {
  return byKey[key];
}

/** Like `apiOf`, but throws for a key that has no schema. */
export function messageOf(key: number): Api {
  const entry = byKey[key];
  if (entry === undefined) throw new RangeError(`no API has the key ${key}`);
  return entry;
}
