/**
 * DescribeDelegationToken (41), v1–v3. Refuses every request, as Kafka does on a PLAINTEXT listener, because a token needs an
 * authenticated connection (KIP-48).
 * Not done: delegation tokens, authentication.
 */
import { Errors } from '../../../protocol/errors.ts';
import {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from '../../../protocol/messages/security/41-describe-delegation-token.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createDescribeDelegationTokenHandler(): Handler {
  return defineHandler(DescribeDelegationTokenRequest, DescribeDelegationTokenResponse, {
    versions: '1-3',
    listeners: ['broker', 'controller'],
    handle: () => ({ errorCode: Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.code, tokens: [] }),
    failed: (_request, error) => ({ errorCode: error.code, tokens: [] }),
  });
}
