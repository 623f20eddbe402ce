/**
 * SaslHandshake (17), v0–v1. Listeners without SASL refuse it, as in Kafka. It is listed in ApiVersions because some clients
 * expect it there.
 * Not done: SASL.
 */
import { Errors } from '../../../protocol/errors.ts';
import {
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '../../../protocol/messages/security/17-sasl-handshake.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createSaslHandshakeHandler(): Handler {
  return defineHandler(SaslHandshakeRequest, SaslHandshakeResponse, {
    versions: '0-1',
    listeners: ['broker', 'controller'],
    handle: () => ({ errorCode: Errors.ILLEGAL_SASL_STATE.code, mechanisms: [] }),
    failed: (_request, error) => ({ errorCode: error.code, mechanisms: [] }),
  });
}
