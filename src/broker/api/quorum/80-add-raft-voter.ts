/**
 * AddRaftVoter (80), v0–v1. Adds a controller to the voters of the metadata quorum.
 * Versions:  v1 lets the client request a response before the commit.
 * Behaviour: Every node forwards it to the active controller. The controller to be added must be an observer of the quorum and
 *            must have caught up with its log.
 */
import {
  AddRaftVoterRequest,
  AddRaftVoterResponse,
} from '../../../protocol/messages/quorum/80-add-raft-voter.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';
import { forwardToController } from '../forwarded.ts';
import { wrongCluster } from './raft-voters.ts';

export function createAddRaftVoterHandler(services: NodeServices): Handler {
  return defineHandler(AddRaftVoterRequest, AddRaftVoterResponse, {
    versions: '0-1',
    listeners: ['broker', 'controller'],
    async handle(request, context) {
      const wrong = wrongCluster(request.clusterId, services.clusterId);
      if (wrong !== null) return { errorCode: wrong.error.code, errorMessage: wrong.message };
      return forwardToController(services, AddRaftVoterRequest, AddRaftVoterResponse, request, context);
    },
    failed: (_request, error, _context, message) => ({ errorCode: error.code, errorMessage: message }),
  });
}
