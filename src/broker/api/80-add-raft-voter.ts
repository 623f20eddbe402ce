/**
 * AddRaftVoter (80), v0–v1. Takes a controller among the voters of the metadata quorum.
 * Not done:  changing the voters of a running quorum; refused with UNSUPPORTED_VERSION by any node.
 */
import { AddRaftVoterRequest, AddRaftVoterResponse } from '../../protocol/messages/80-add-raft-voter.ts';
import { defineHandler, type Handler } from '../handler.ts';
import type { NodeServices } from '../services.ts';
import { refuseVoterChange } from './raft-voters.ts';

export function createAddRaftVoterHandler({ quorum }: NodeServices): Handler {
  return defineHandler(AddRaftVoterRequest, AddRaftVoterResponse, {
    versions: '0-1',
    listeners: ['broker', 'controller'],
    handle: () => refuseVoterChange(quorum(), 'adding'),
    failed: (_request, error, _context, message) => ({ errorCode: error.code, errorMessage: message }),
  });
}
