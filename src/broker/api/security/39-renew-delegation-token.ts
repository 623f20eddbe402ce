/**
 * RenewDelegationToken (39), v1–v2. Refuses every request, as Kafka does on a PLAINTEXT listener, because a token needs an
 * authenticated connection (KIP-48).
 * Not done: delegation tokens.
 */
import { Errors, type ErrorRow } from '../../../protocol/errors.ts';
import {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '../../../protocol/messages/security/39-renew-delegation-token.ts';
import { defineHandler, type Handler } from '../../handler.ts';

function answer({ code }: ErrorRow) {
  return {
    errorCode: code,
    expiryTimestampMs: -1,
    throttleTimeMs: 0,
  };
}

export function createRenewDelegationTokenHandler(): Handler {
  return defineHandler(RenewDelegationTokenRequest, RenewDelegationTokenResponse, {
    versions: '1-2',
    listeners: ['broker', 'controller'],
    handle: () => answer(Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
    failed: (_request, error) => answer(error),
  });
}
