/** Access control lists, SCRAM credentials, delegation tokens and client quotas: small tables, each with a unique key. */
import { PersistentMap } from '../base/persistent-map.ts';
import type { Uuid } from '../base/uuid.ts';

export interface AclImage {
  readonly id: Uuid;
  readonly resourceType: number;
  readonly resourceName: string;
  /** 3: LITERAL, 4: PREFIXED. */
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  /** 2: DENY, 3: ALLOW. */
  readonly permissionType: number;
}

export interface ScramImage {
  readonly name: string;
  /** 1: SCRAM-SHA-256, 2: SCRAM-SHA-512. */
  readonly mechanism: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
  readonly iterations: number;
}

export interface DelegationTokenImage {
  readonly tokenId: string;
  readonly owner: string;
  readonly requester: string;
  readonly renewers: readonly string[];
  readonly issueTimestamp: number;
  readonly maxTimestamp: number;
  readonly expirationTimestamp: number;
}

export interface QuotaEntityPart {
  /** `user`, `client-id` or `ip`. */
  readonly entityType: string;
  /** Null: the default for all entities of this type. */
  readonly entityName: string | null;
}

export interface ClientQuotaImage {
  /** The parts of the entity, ordered by type. */
  readonly entity: readonly QuotaEntityPart[];
  /** Quota name (such as `producer_byte_rate`) → value. */
  readonly values: ReadonlyMap<string, number>;
}

export interface SecurityImage {
  readonly acls: PersistentMap<Uuid, AclImage>;
  /** Keyed by `scramKey`. */
  readonly scram: PersistentMap<string, ScramImage>;
  readonly delegationTokens: PersistentMap<string, DelegationTokenImage>;
  /** Keyed by `quotaKey`. */
  readonly clientQuotas: PersistentMap<string, ClientQuotaImage>;
}

export function emptySecurityImage(): SecurityImage {
  return {
    acls: PersistentMap.empty(),
    scram: PersistentMap.empty(),
    delegationTokens: PersistentMap.empty(),
    clientQuotas: PersistentMap.empty(),
  };
}

export function scramKey(mechanism: number, name: string): string {
  return `${mechanism}:${name}`;
}

/** The parts of an entity, ordered by type. Of several parts with one type the last counts, as in Kafka. */
export function sortedEntity(entity: readonly QuotaEntityPart[]): QuotaEntityPart[] {
  const names = new Map(entity.map((part) => [part.entityType, part.entityName]));
  return [...names]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([entityType, entityName]) => ({ entityType, entityName }));
}

export function quotaKey(entity: readonly QuotaEntityPart[]): string {
  return JSON.stringify(sortedEntity(entity).map((part) => [part.entityType, part.entityName]));
}
