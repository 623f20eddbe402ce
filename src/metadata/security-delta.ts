/**
 * Collects the changes that records make to ACLs, SCRAM credentials, delegation tokens and client quotas, and applies them to a
 * `SecurityImage`.
 */
import type { Uuid } from '../base/uuid.ts';
import { MapDelta } from './map-delta.ts';
import type { MetadataRecord } from './records.ts';
import type {
  AclImage,
  ClientQuotaImage,
  DelegationTokenImage,
  ScramImage,
  SecurityImage,
} from './security-image.ts';
import { quotaKey, scramKey, sortedEntity } from './security-image.ts';

export class SecurityDelta {
  readonly #base: SecurityImage;
  readonly #acls: MapDelta<Uuid, AclImage>;
  readonly #scram: MapDelta<string, ScramImage>;
  readonly #tokens: MapDelta<string, DelegationTokenImage>;
  readonly #quotas: MapDelta<string, ClientQuotaImage>;

  constructor(base: SecurityImage) {
    this.#base = base;
    this.#acls = new MapDelta(base.acls);
    this.#scram = new MapDelta(base.scram);
    this.#tokens = new MapDelta(base.delegationTokens);
    this.#quotas = new MapDelta(base.clientQuotas);
  }

  /** Replays a record. Returns false when it belongs to another section. */
  replay(record: MetadataRecord): boolean {
    switch (record.type) {
      case 'AccessControlEntryRecord': {
        const { type: _, ...acl } = record;
        this.#acls.set(record.id, acl);
        return true;
      }
      case 'RemoveAccessControlEntryRecord':
        this.#acls.remove(record.id);
        return true;
      case 'UserScramCredentialRecord':
        this.#scram.set(scramKey(record.mechanism, record.name), {
          name: record.name,
          mechanism: record.mechanism,
          // Copies: the record's fields are views, which would keep the whole payload in memory.
          salt: new Uint8Array(record.salt),
          storedKey: new Uint8Array(record.storedKey),
          serverKey: new Uint8Array(record.serverKey),
          iterations: record.iterations,
        });
        return true;
      case 'RemoveUserScramCredentialRecord':
        this.#scram.remove(scramKey(record.mechanism, record.name));
        return true;
      case 'DelegationTokenRecord': {
        const { type: _, ...token } = record;
        this.#tokens.set(record.tokenId, token);
        return true;
      }
      case 'RemoveDelegationTokenRecord':
        this.#tokens.remove(record.tokenId);
        return true;
      case 'ClientQuotaRecord': {
        const key = quotaKey(record.entity);
        const values = new Map(this.#quotas.get(key)?.values ?? []);
        if (record.remove) values.delete(record.key);
        else values.set(record.key, record.value);
        if (values.size === 0) this.#quotas.remove(key);
        else this.#quotas.set(key, { entity: sortedEntity(record.entity), values });
        return true;
      }
      default:
        return false;
    }
  }

  apply(): SecurityImage {
    const base = this.#base;
    const next = {
      acls: this.#acls.applyTo(base.acls),
      scram: this.#scram.applyTo(base.scram),
      delegationTokens: this.#tokens.applyTo(base.delegationTokens),
      clientQuotas: this.#quotas.applyTo(base.clientQuotas),
    };
    const unchanged =
      next.acls === base.acls &&
      next.scram === base.scram &&
      next.delegationTokens === base.delegationTokens &&
      next.clientQuotas === base.clientQuotas;
    return unchanged ? base : next;
  }
}
