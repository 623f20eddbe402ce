/**
 * DescribeQuorum (55), v0–v2. The leader, the voters and the observers of the metadata quorum, with the log end offset of each.
 * Versions:  v1 timestamps · v2 directory ids, error messages, endpoints of the voters.
 * Behaviour: Other nodes forward the request to the quorum leader, because only the leader knows the log end offsets of all of
 *            them. It responds after a majority has confirmed that it still leads. Soon after the response it writes a record,
 *            so that two requests in a row show a growing log end offset. If the leader does not respond, the node responds
 *            with what it knows itself.
 */
import { uuidZero } from '../../../base/uuid.ts';
import { Errors } from '../../../protocol/errors.ts';
import {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from '../../../protocol/messages/quorum/55-describe-quorum.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { QuorumStatus, ReplicaStatus, VoterStatus } from '../../../raft/api.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';

type Response = Init<typeof DescribeQuorumResponse>;
type PartitionResult = Response['topics'][number]['partitions'][number];

const metadataTopic = '__cluster_metadata';
const directoryIdVersion = 2;
/** How long a node waits for the response of the quorum leader before it responds itself. */
const leaderAnswersMs = 3000;

export function createDescribeQuorumHandler(services: NodeServices): Handler {
  return defineHandler(DescribeQuorumRequest, DescribeQuorumResponse, {
    versions: '0-2',
    listeners: ['broker', 'controller'],
    async handle(request, context) {
      const status = services.quorum();
      const own = describeQuorum(request, context.apiVersion, status);
      try {
        return await services.controller.request(
          DescribeQuorumRequest,
          DescribeQuorumResponse,
          context.apiVersion,
          request,
          { deadlineMs: leaderAnswersMs, clientId: context.clientId ?? '' },
        );
      } catch {
        return own;
      }
    },
  });
}

/**
 * The response from the state of the quorum as one node knows it. The active controller uses it for forwarded requests, too.
 */
export function describeQuorum(
  request: DescribeQuorumRequest,
  version: number,
  status: QuorumStatus,
): Response {
  // When a request names another topic besides, all its topics get an error.
  const isQuorum =
    request.topics.length === 1 &&
    request.topics.every(
      ({ topicName, partitions }) =>
        topicName === metadataTopic && partitions.every(({ partitionIndex }) => partitionIndex === 0),
    );
  return {
    errorCode: 0,
    errorMessage: '',
    topics: request.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        isQuorum ? describe(status, version) : unknown(partitionIndex),
      ),
    })),
    nodes: version >= directoryIdVersion ? status.voters.map(toNode) : [],
  };
}

function toNode({ id, endpoints }: VoterStatus): NonNullable<Response['nodes']>[number] {
  return { nodeId: id, listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })) };
}

function describe(status: QuorumStatus, version: number): PartitionResult {
  const toWire = (replica: ReplicaStatus) => replicaState(replica, version);
  return {
    partitionIndex: 0,
    errorCode: 0,
    errorMessage: '',
    leaderId: status.leaderId ?? -1,
    leaderEpoch: status.epoch,
    highWatermark: status.highWatermark,
    currentVoters: status.voters.map(toWire),
    observers: status.observers.map(toWire),
  };
}

function replicaState(replica: ReplicaStatus, version: number): PartitionResult['currentVoters'][number] {
  return {
    replicaId: replica.id,
    replicaDirectoryId: version >= directoryIdVersion ? replica.directoryId : uuidZero,
    logEndOffset: replica.logEndOffset,
    lastFetchTimestamp: replica.lastFetchMs,
    lastCaughtUpTimestamp: replica.lastCaughtUpMs,
  };
}

function unknown(partitionIndex: number): PartitionResult {
  const { code, message } = Errors.UNKNOWN_TOPIC_OR_PARTITION;
  return {
    partitionIndex,
    errorCode: code,
    errorMessage: message,
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  };
}
