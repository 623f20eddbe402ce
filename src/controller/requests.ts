/**
 * The requests that the active controller handles with control functions, by API key. Brokers forward those of clients to it,
 * and send some for themselves. Requests about the quorum are not here (`server/quorum-answers.ts`,
 * `server/voter-requests.ts`).
 */
import { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/messages/topics/19-create-topics.ts';
import { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/messages/topics/20-delete-topics.ts';
import { CreateAclsRequest, CreateAclsResponse } from '../protocol/messages/security/30-create-acls.ts';
import { DeleteAclsRequest, DeleteAclsResponse } from '../protocol/messages/security/31-delete-acls.ts';
import { AlterConfigsRequest, AlterConfigsResponse } from '../protocol/messages/configs/33-alter-configs.ts';
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from '../protocol/messages/topics/37-create-partitions.ts';
import { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/messages/topics/43-elect-leaders.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../protocol/messages/configs/44-incremental-alter-configs.ts';
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/messages/topics/45-alter-partition-reassignments.ts';
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/messages/topics/46-list-partition-reassignments.ts';
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from '../protocol/messages/security/49-alter-client-quotas.ts';
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '../protocol/messages/security/51-alter-user-scram-credentials.ts';
import {
  AlterPartitionRequest,
  AlterPartitionResponse,
} from '../protocol/messages/brokers/56-alter-partition.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../protocol/messages/cluster/57-update-features.ts';
import {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from '../protocol/messages/brokers/62-broker-registration.ts';
import {
  BrokerHeartbeatRequest,
  BrokerHeartbeatResponse,
} from '../protocol/messages/brokers/63-broker-heartbeat.ts';
import {
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
} from '../protocol/messages/cluster/64-unregister-broker.ts';
import {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from '../protocol/messages/brokers/67-allocate-producer-ids.ts';
import {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from '../protocol/messages/brokers/70-controller-registration.ts';
import {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/messages/brokers/73-assign-replicas-to-dirs.ts';

export const controllerRequests = {
  19: { request: CreateTopicsRequest, response: CreateTopicsResponse },
  20: { request: DeleteTopicsRequest, response: DeleteTopicsResponse },
  30: { request: CreateAclsRequest, response: CreateAclsResponse },
  31: { request: DeleteAclsRequest, response: DeleteAclsResponse },
  33: { request: AlterConfigsRequest, response: AlterConfigsResponse },
  37: { request: CreatePartitionsRequest, response: CreatePartitionsResponse },
  43: { request: ElectLeadersRequest, response: ElectLeadersResponse },
  44: { request: IncrementalAlterConfigsRequest, response: IncrementalAlterConfigsResponse },
  45: { request: AlterPartitionReassignmentsRequest, response: AlterPartitionReassignmentsResponse },
  46: { request: ListPartitionReassignmentsRequest, response: ListPartitionReassignmentsResponse },
  49: { request: AlterClientQuotasRequest, response: AlterClientQuotasResponse },
  51: { request: AlterUserScramCredentialsRequest, response: AlterUserScramCredentialsResponse },
  56: { request: AlterPartitionRequest, response: AlterPartitionResponse },
  57: { request: UpdateFeaturesRequest, response: UpdateFeaturesResponse },
  62: { request: BrokerRegistrationRequest, response: BrokerRegistrationResponse },
  63: { request: BrokerHeartbeatRequest, response: BrokerHeartbeatResponse },
  64: { request: UnregisterBrokerRequest, response: UnregisterBrokerResponse },
  67: { request: AllocateProducerIdsRequest, response: AllocateProducerIdsResponse },
  70: { request: ControllerRegistrationRequest, response: ControllerRegistrationResponse },
  73: { request: AssignReplicasToDirsRequest, response: AssignReplicasToDirsResponse },
} as const;

export type ControllerRequests = typeof controllerRequests;
export type ControllerApiKey = keyof ControllerRequests;

export function isControllerRequest(apiKey: number): apiKey is ControllerApiKey {
  return Object.hasOwn(controllerRequests, apiKey);
}
