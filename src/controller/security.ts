/**
 * ACLs and SCRAM credentials. There is no authorizer yet, so `broker/api/security/` refuses the requests of clients about ACLs,
 * and they do not reach this file.
 */
import { randomUuid } from '../base/uuid.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type { AclImage } from '../metadata/security-image.ts';
import { scramKey } from '../metadata/security-image.ts';
import type { CreateAclsRequest, CreateAclsResponse } from '../protocol/messages/security/30-create-acls.ts';
import type { DeleteAclsRequest, DeleteAclsResponse } from '../protocol/messages/security/31-delete-acls.ts';
import type {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '../protocol/messages/security/51-alter-user-scram-credentials.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { ControllerState, Result } from './state.ts';

const anyCode = 1;
const matchPattern = 2;
const literalPattern = 3;
const prefixedPattern = 4;

function problem(error: unknown): { errorCode: number; errorMessage: string } {
  if (!(error instanceof KafkaError)) throw error;
  return { errorCode: error.code, errorMessage: error.message };
}

export function createAcls(state: ControllerState, request: CreateAclsRequest): Result<CreateAclsResponse> {
  const records: MetadataRecord[] = [];
  const known = new Set([...state.image.security.acls.values()].map(aclKey));
  const results = request.creations.map((creation) => {
    try {
      const { resourcePatternType, ...rest } = creation;
      const acl = { ...rest, patternType: resourcePatternType };
      checkAcl(acl);
      if (!known.has(aclKey(acl))) {
        known.add(aclKey(acl));
        records.push(record('AccessControlEntryRecord', { id: randomUuid(state.random), ...acl }));
      }
      return { errorCode: 0, errorMessage: null };
    } catch (error) {
      return problem(error);
    }
  });
  return { records, response: { throttleTimeMs: 0, results } };
}

type NewAcl = Omit<AclImage, 'id'>;

function aclKey(acl: NewAcl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permissionType } = acl;
  return JSON.stringify([
    resourceType,
    resourceName,
    patternType,
    principal,
    host,
    operation,
    permissionType,
  ]);
}

function checkAcl(acl: NewAcl): void {
  const refuse = (message: string): never => {
    throw new KafkaError(Errors.INVALID_REQUEST, message);
  };
  if (acl.resourceType <= anyCode || acl.resourceType > 7) refuse(`Invalid resourceType ${acl.resourceType}`);
  if (acl.patternType !== literalPattern && acl.patternType !== prefixedPattern) {
    refuse(`Invalid patternType ${acl.patternType}`);
  }
  if (acl.resourceName === '') refuse('Resource name should not be empty');
  if (acl.operation <= anyCode || acl.operation > 15) refuse(`Invalid operation ${acl.operation}`);
  if (acl.permissionType <= anyCode || acl.permissionType > 3)
    refuse(`Invalid permissionType ${acl.permissionType}`);
  if (!acl.principal.includes(':')) {
    refuse(
      `Could not parse principal from \`${acl.principal}\` (no colon is present separating the principal type from the principal name)`,
    );
  }
}

export function deleteAcls(state: ControllerState, request: DeleteAclsRequest): Result<DeleteAclsResponse> {
  const gone = new Set<string>();
  const filterResults = request.filters.map((filter) => {
    const matching = [...state.image.security.acls.values()].filter((acl) => matches(acl, filter));
    for (const acl of matching) gone.add(acl.id);
    return {
      errorCode: 0,
      errorMessage: null,
      matchingAcls: matching.map(({ id: _, ...acl }) => ({ errorCode: 0, errorMessage: null, ...acl })),
    };
  });
  const records = [...gone].map((id) => record('RemoveAccessControlEntryRecord', { id }));
  return { records, response: { throttleTimeMs: 0, filterResults } };
}

function matches(acl: AclImage, filter: DeleteAclsRequest['filters'][number]): boolean {
  const code = (wanted: number, value: number): boolean => wanted === anyCode || wanted === value;
  const text = (wanted: string | null, value: string): boolean => wanted === null || wanted === value;
  return (
    code(filter.resourceTypeFilter, acl.resourceType) &&
    patternMatches(acl, filter.patternTypeFilter, filter.resourceNameFilter) &&
    text(filter.principalFilter, acl.principal) &&
    text(filter.hostFilter, acl.host) &&
    code(filter.operation, acl.operation) &&
    code(filter.permissionType, acl.permissionType)
  );
}

/** MATCH finds every ACL that applies to the name: literal, wildcard and prefixed patterns. */
function patternMatches(acl: AclImage, pattern: number, name: string | null): boolean {
  if (pattern !== anyCode && pattern !== matchPattern && pattern !== acl.patternType) return false;
  if (name === null) return true;
  if (pattern !== matchPattern) return acl.resourceName === name;
  if (acl.patternType === prefixedPattern) return name.startsWith(acl.resourceName);
  return acl.resourceName === name || acl.resourceName === '*';
}

const iterationsMin = 4096;
const iterationsMax = 16_384;

/** A request may change each user once. The first error of a user is the result for it, and none of its changes are applied. */
export function alterUserScramCredentials(
  state: ControllerState,
  request: AlterUserScramCredentialsRequest,
): Result<AlterUserScramCredentialsResponse> {
  const changes = [
    ...request.deletions.map((deletion) => ({ ...deletion, upsertion: null })),
    ...request.upsertions.map((upsertion) => ({ ...upsertion, upsertion })),
  ];
  const refusals = new Map<string, ScramRefusal>();
  const records = new Map<string, MetadataRecord>();
  for (const change of changes) {
    const { name } = change;
    if (refusals.has(name)) continue;
    const refusal = records.has(name) ? alteredTwice : scramRefusal(state, change);
    if (refusal === null) records.set(name, scramRecord(state, change));
    else refusals.set(name, refusal);
  }
  for (const name of refusals.keys()) records.delete(name);
  const results = [...new Set(changes.map(({ name }) => name))].map((user) => {
    const refusal = refusals.get(user);
    return { user, errorCode: refusal?.row.code ?? 0, errorMessage: refusal?.message ?? null };
  });
  return { records: [...records.values()], response: { throttleTimeMs: 0, results } };
}

interface ScramRefusal {
  readonly row: ErrorRow;
  readonly message: string;
}

const alteredTwice: ScramRefusal = {
  row: Errors.DUPLICATE_RESOURCE,
  message: 'A user credential cannot be altered twice in the same request',
};

interface ScramChange {
  readonly name: string;
  readonly mechanism: number;
  readonly upsertion: AlterUserScramCredentialsRequest['upsertions'][number] | null;
}

/** Null when the change is valid. */
function scramRefusal(state: ControllerState, change: ScramChange): ScramRefusal | null {
  if (change.name === '') {
    return { row: Errors.UNACCEPTABLE_CREDENTIAL, message: 'Username must not be empty' };
  }
  if (change.mechanism !== 1 && change.mechanism !== 2) {
    return { row: Errors.UNSUPPORTED_SASL_MECHANISM, message: 'Unknown SCRAM mechanism' };
  }
  if (change.upsertion === null) {
    if (state.image.security.scram.has(scramKey(change.mechanism, change.name))) return null;
    const message = 'Attempt to delete a user credential that does not exist';
    return { row: Errors.RESOURCE_NOT_FOUND, message };
  }
  const { iterations } = change.upsertion;
  if (iterations < iterationsMin)
    return { row: Errors.UNACCEPTABLE_CREDENTIAL, message: 'Too few iterations' };
  if (iterations > iterationsMax)
    return { row: Errors.UNACCEPTABLE_CREDENTIAL, message: 'Too many iterations' };
  if (change.upsertion.saltedPassword.length === 0)
    return { row: Errors.UNACCEPTABLE_CREDENTIAL, message: 'Salted password must not be empty' };
  return null;
}

function scramRecord(state: ControllerState, change: ScramChange): MetadataRecord {
  const { name, mechanism, upsertion } = change;
  if (upsertion === null) return record('RemoveUserScramCredentialRecord', { name, mechanism });
  const { salt, saltedPassword, iterations } = upsertion;
  const keys = state.settings.scramKeys(mechanism, saltedPassword);
  return record('UserScramCredentialRecord', { name, mechanism, salt, iterations, ...keys });
}
