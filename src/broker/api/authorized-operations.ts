/**
 * The field `authorizedOperations` of responses: bits of ACL operations. There is no authorizer, so all operations are allowed.
 */
import { operationBits } from '../../protocol/acl-operations.ts';

/** The value of the field when the client did not request it, or the resource has an error: Int.MIN_VALUE, as in Kafka. */
export const operationsNotAsked = -0x8000_0000;

export const topicOperations = operationBits([
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
]);

export const clusterOperations = operationBits([
  'CREATE',
  'ALTER',
  'DESCRIBE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
]);

export const groupOperations = operationBits([
  'READ',
  'DELETE',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
]);
