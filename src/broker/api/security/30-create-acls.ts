/**
 * CreateAcls (30), v1–v3. Without an authorizer every ACL is refused with SECURITY_DISABLED.
 * Not done:  an authorizer.
 */
import { type ErrorRow, Errors } from '../../../protocol/errors.ts';
import { CreateAclsRequest, CreateAclsResponse } from '../../../protocol/messages/security/30-create-acls.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createCreateAclsHandler(): Handler {
  return defineHandler(CreateAclsRequest, CreateAclsResponse, {
    versions: '1-3',
    listeners: ['broker', 'controller'],
    handle: (request) => refused(request, Errors.SECURITY_DISABLED, 'No Authorizer is configured.'),
    failed: (request, error, _context, message) => refused(request, error, message),
  });
}

function refused({ creations }: CreateAclsRequest, error: ErrorRow, errorMessage: string | null) {
  return { results: creations.map(() => ({ errorCode: error.code, errorMessage })) };
}
