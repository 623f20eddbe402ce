/** The operations that an ACL can allow or deny, with their codes in messages. */

export const aclOperations = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const;
export type AclOperation = keyof typeof aclOperations;

/** A set of operations as the bit field `authorizedOperations` of responses. */
export function operationBits(operations: readonly AclOperation[]): number {
  return operations.reduce((bits, operation) => bits | (1 << aclOperations[operation]), 0);
}
