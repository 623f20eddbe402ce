/**
 * CreateDelegationToken (38), v1–v3. Refuses every request, as Kafka does on a PLAINTEXT listener, because a token needs an
 * authenticated connection (KIP-48).
 * Not done: delegation tokens.
 */
import { Errors, type ErrorRow } from '../../../protocol/errors.ts';
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from '../../../protocol/messages/security/38-create-delegation-token.ts';
import { defineHandler, type Handler } from '../../handler.ts';

function answer({ code }: ErrorRow) {
  return {
    errorCode: code,
    principalType: '',
    principalName: '',
    tokenRequesterPrincipalType: '',
    tokenRequesterPrincipalName: '',
    issueTimestampMs: -1,
    expiryTimestampMs: -1,
    maxTimestampMs: -1,
    tokenId: '',
    hmac: new Uint8Array(0),
    throttleTimeMs: 0,
  };
}

export function createCreateDelegationTokenHandler(): Handler {
  return defineHandler(CreateDelegationTokenRequest, CreateDelegationTokenResponse, {
    versions: '1-3',
    listeners: ['broker', 'controller'],
    handle: () => answer(Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
    failed: (_request, error) => answer(error),
  });
}
