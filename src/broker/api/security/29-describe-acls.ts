/**
 * DescribeAcls (29), v1–v3. Without an authorizer the response is SECURITY_DISABLED, as from Kafka.
 * Not done:  an authorizer.
 */
import { Errors } from '../../../protocol/errors.ts';
import {
  DescribeAclsRequest,
  DescribeAclsResponse,
} from '../../../protocol/messages/security/29-describe-acls.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createDescribeAclsHandler(): Handler {
  return defineHandler(DescribeAclsRequest, DescribeAclsResponse, {
    versions: '1-3',
    listeners: ['broker', 'controller'],
    handle: () => ({
      errorCode: Errors.SECURITY_DISABLED.code,
      errorMessage: 'No Authorizer is configured on the broker',
      resources: [],
    }),
    failed: (_request, error, _context, errorMessage) => ({
      errorCode: error.code,
      errorMessage,
      resources: [],
    }),
  });
}
