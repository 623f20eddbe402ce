/** The names of resource types and other parts of an ACL, and their codes in requests. */
import { type AclOperation, aclOperations } from '../../protocol/acl-operations.ts';

export const resourceTypes = {
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const;
export type ResourceType = keyof typeof resourceTypes;

export const patternTypes = { ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const;
export type PatternType = keyof typeof patternTypes;

export const permissionTypes = { ANY: 1, DENY: 2, ALLOW: 3 } as const;
export type PermissionType = keyof typeof permissionTypes;

/** For each resource type the operations that an ACL can name, in addition to ALL. */
export const supportedOperations: Readonly<Record<Exclude<ResourceType, 'ANY'>, readonly AclOperation[]>> = {
  TOPIC: ['ALTER', 'ALTER_CONFIGS', 'CREATE', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'READ', 'WRITE'],
  GROUP: ['ALTER_CONFIGS', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'READ'],
  CLUSTER: [
    'ALTER',
    'ALTER_CONFIGS',
    'CLUSTER_ACTION',
    'CREATE',
    'DESCRIBE',
    'DESCRIBE_CONFIGS',
    'IDEMPOTENT_WRITE',
  ],
  TRANSACTIONAL_ID: ['DESCRIBE', 'TWO_PHASE_COMMIT', 'WRITE'],
  DELEGATION_TOKEN: ['DESCRIBE'],
  USER: ['CREATE_TOKENS', 'DESCRIBE_TOKENS'],
};

/**
 * Returns the operation that `text` names, in any of the forms `DescribeConfigs`, `describe_configs` and `DESCRIBE_CONFIGS`;
 * UNKNOWN when there is none.
 */
export function operationNamed(text: string): AclOperation {
  const name = text.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
  return Object.hasOwn(aclOperations, name) ? (name as AclOperation) : 'UNKNOWN';
}

export function nameOf<Name extends string>(table: Readonly<Record<Name, number>>, code: number): string {
  return Object.keys(table).find((name) => table[name as Name] === code) ?? 'UNKNOWN';
}
