/**
 * RemoveRaftVoter (81), v0. Removes a controller from the voters of the metadata quorum.
 * Behaviour: Every node forwards it to the active controller. When the active controller itself is removed, it leads until the
 *            removal is committed, and then resigns in favour of another voter.
 */
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../../../protocol/messages/quorum/81-remove-raft-voter.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';
import { forwardToController } from '../forwarded.ts';
import { wrongCluster } from './raft-voters.ts';

export function createRemoveRaftVoterHandler(services: NodeServices): Handler {
  return defineHandler(RemoveRaftVoterRequest, RemoveRaftVoterResponse, {
    versions: '0',
    listeners: ['broker', 'controller'],
    async handle(request, context) {
      const wrong = wrongCluster(request.clusterId, services.clusterId);
      if (wrong !== null) return { errorCode: wrong.error.code, errorMessage: wrong.message };
      return forwardToController(services, RemoveRaftVoterRequest, RemoveRaftVoterResponse, request, context);
    },
    failed: (_request, error, _context, message) => ({ errorCode: error.code, errorMessage: message }),
  });
}
