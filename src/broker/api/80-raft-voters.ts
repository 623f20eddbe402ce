/**
 * AddRaftVoter (80), v0–v1, and RemoveRaftVoter (81), v0. Changing the voters of a running metadata quorum.
 * Behaviour: a quorum whose voters stand in the configuration of its nodes (controller.quorum.voters, kraft.version 0) can't be
 *            changed; any node knows that and says so in Kafka's words.
 * Not done:  changing the voters of a quorum that was formatted with them; answered UNSUPPORTED_VERSION too.
 */
import { uuidZero } from '../../base/uuid.ts';
import { Errors } from '../../protocol/errors.ts';
import { AddRaftVoterRequest, AddRaftVoterResponse } from '../../protocol/messages/80-add-raft-voter.ts';
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../../protocol/messages/81-remove-raft-voter.ts';
import { defineHandler, type Handler } from '../handler.ts';
import type { NodeServices } from '../services.ts';

export function createRaftVoterHandlers({ quorum }: NodeServices): Handler[] {
  const refuse = (verb: string) => ({
    errorCode: Errors.UNSUPPORTED_VERSION.code,
    errorMessage: quorum().voters.every(({ directoryId }) => directoryId === uuidZero)
      ? `Cluster doesn't support ${verb} voter because the kraft.version feature is 0`
      : `This version doesn't support ${verb} voters of a running cluster`,
  });
  return [
    defineHandler(AddRaftVoterRequest, AddRaftVoterResponse, {
      versions: '0-1',
      listeners: ['broker', 'controller'],
      handle: () => refuse('adding'),
      failed: (_request, error, _context, message) => ({ errorCode: error.code, errorMessage: message }),
    }),
    defineHandler(RemoveRaftVoterRequest, RemoveRaftVoterResponse, {
      versions: '0',
      listeners: ['broker', 'controller'],
      handle: () => refuse('removing'),
      failed: (_request, error, _context, message) => ({ errorCode: error.code, errorMessage: message }),
    }),
  ];
}
