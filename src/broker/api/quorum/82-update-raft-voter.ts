/**
 * UpdateRaftVoter (82), v0. Changes the endpoints of a voter of the metadata quorum.
 * Behaviour: Only controllers serve it, and they do not forward it: a controller that is not active responds with the id and
 *            the address of the active one.
 */
import { Errors } from '../../../protocol/errors.ts';
import {
  UpdateRaftVoterRequest,
  UpdateRaftVoterResponse,
} from '../../../protocol/messages/quorum/82-update-raft-voter.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { QuorumStatus } from '../../../raft/api.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';
import { forwardToController } from '../forwarded.ts';
import { wrongCluster } from './raft-voters.ts';

export function createUpdateRaftVoterHandler(services: NodeServices): Handler {
  return defineHandler(UpdateRaftVoterRequest, UpdateRaftVoterResponse, {
    versions: '0',
    listeners: ['controller'],
    async handle(request, context) {
      const quorum = services.quorum();
      const wrong = wrongCluster(request.clusterId, services.clusterId);
      if (wrong !== null) return updateAnswer(wrong.error.code, quorum);
      if (quorum.leaderId !== services.nodeId)
        return updateAnswer(Errors.NOT_LEADER_OR_FOLLOWER.code, quorum);
      // This node is the active controller: the request reaches the controller in this process.
      return forwardToController(services, UpdateRaftVoterRequest, UpdateRaftVoterResponse, request, context);
    },
    failed: (_request, error) => updateAnswer(error.code, services.quorum()),
  });
}

/**
 * The response. Also with an error it has the id and the address of the quorum leader. When they are unknown, the id is -1, the
 * host '' and the port 0.
 */
export function updateAnswer(errorCode: number, quorum: QuorumStatus): Init<typeof UpdateRaftVoterResponse> {
  const { leaderId, epoch } = quorum;
  const endpoint = quorum.voters.find(({ id }) => id === leaderId)?.endpoints[0];
  return {
    errorCode,
    currentLeader: {
      leaderId: leaderId ?? -1,
      leaderEpoch: epoch,
      host: endpoint?.host ?? '',
      port: endpoint?.port ?? 0,
    },
  };
}
