/**
 * RemoveRaftVoter (81), v0. Takes a controller out of the voters of the metadata quorum.
 * Not done:  changing the voters of a running quorum; refused with UNSUPPORTED_VERSION by any node.
 */
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../../protocol/messages/81-remove-raft-voter.ts';
import { defineHandler, type Handler } from '../handler.ts';
import type { NodeServices } from '../services.ts';
import { refuseVoterChange } from './raft-voters.ts';

export function createRemoveRaftVoterHandler({ quorum }: NodeServices): Handler {
  return defineHandler(RemoveRaftVoterRequest, RemoveRaftVoterResponse, {
    versions: '0',
    listeners: ['broker', 'controller'],
    handle: () => refuseVoterChange(quorum(), 'removing'),
    failed: (_request, error, _context, message) => ({ errorCode: error.code, errorMessage: message }),
  });
}
