/**
 * SaslAuthenticate (36), v0–v2. Refused on listeners without SASL, as in Kafka: their clients count as authenticated.
 * Not done: SASL.
 */
import { Errors } from '../../../protocol/errors.ts';
import {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from '../../../protocol/messages/security/36-sasl-authenticate.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createSaslAuthenticateHandler(): Handler {
  return defineHandler(SaslAuthenticateRequest, SaslAuthenticateResponse, {
    versions: '0-2',
    listeners: ['broker', 'controller'],
    handle: () => ({
      errorCode: Errors.ILLEGAL_SASL_STATE.code,
      errorMessage: 'SaslAuthenticate request received after successful authentication',
      authBytes: new Uint8Array(0),
    }),
    failed: (_request, { code }) => ({ errorCode: code, errorMessage: null, authBytes: new Uint8Array(0) }),
  });
}
