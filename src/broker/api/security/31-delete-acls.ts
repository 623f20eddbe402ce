/**
 * DeleteAcls (31), v1–v3. Without an authorizer every filter is refused with SECURITY_DISABLED.
 * Not done:  an authorizer.
 */
import { type ErrorRow, Errors } from '../../../protocol/errors.ts';
import { DeleteAclsRequest, DeleteAclsResponse } from '../../../protocol/messages/security/31-delete-acls.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createDeleteAclsHandler(): Handler {
  return defineHandler(DeleteAclsRequest, DeleteAclsResponse, {
    versions: '1-3',
    listeners: ['broker', 'controller'],
    handle: (request) => refused(request, Errors.SECURITY_DISABLED, 'No Authorizer is configured.'),
    failed: (request, error, _context, message) => refused(request, error, message),
  });
}

function refused({ filters }: DeleteAclsRequest, error: ErrorRow, errorMessage: string | null) {
  return { filterResults: filters.map(() => ({ errorCode: error.code, errorMessage, matchingAcls: [] })) };
}
