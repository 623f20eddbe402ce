/**
 * The values of one quota key by entity, and Kafka's order of precedence (KIP-55): (user, client id), (user, default client
 * id), user, (default user, client id), (default user, default client id), default user, client id, default client id.
 */
import type { ClientQuotaImage } from '../../metadata/security-image.ts';

/** What determines the quota of a client. */
export interface QuotaClient {
  /** The name of the principal, without its type: `ANONYMOUS`. */
  readonly user: string;
  readonly clientId: string;
}

export function quotaClientOf(context: {
  readonly connection: { readonly principal: string };
  readonly clientId: string;
}): QuotaClient {
  const { principal } = context.connection;
  return { user: principal.slice(principal.indexOf(':') + 1), clientId: context.clientId };
}

export function isSameClient(one: QuotaClient, other: QuotaClient): boolean {
  return one.clientId === other.clientId && one.user === other.user;
}

/** The quota that applies to a client, and which clients share it. */
export interface Quota {
  readonly limit: number;
  /** The user whose clients share it; null: the clients of all users. */
  readonly user: string | null;
  /** The client id that shares it; null: all clients of the user. */
  readonly clientId: string | null;
}

/** The key of the state of the clients that share `quota`. */
export function stateKey({ user, clientId }: Quota): string {
  return JSON.stringify([user, clientId]);
}

/** The quotas of one user: for all its clients, and by client id (the key null: its default client id). */
interface UserQuotas {
  own: number | null;
  readonly byClientId: Map<string | null, number>;
}

export class QuotaTable {
  readonly #users = new Map<string | null, UserQuotas>();
  readonly #clientIds = new Map<string | null, number>();

  /** `key`: the name of the quota, such as `producer_byte_rate`. */
  constructor(images: Iterable<ClientQuotaImage>, key: string) {
    for (const { entity, values } of images) {
      const limit = values.get(key);
      if (limit === undefined) continue;
      const user = entity.find(({ entityType }) => entityType === 'user');
      const client = entity.find(({ entityType }) => entityType === 'client-id');
      if (user !== undefined) {
        const quotas = this.#of(user.entityName);
        if (client === undefined) quotas.own = limit;
        else quotas.byClientId.set(client.entityName, limit);
      } else if (client !== undefined) this.#clientIds.set(client.entityName, limit);
    }
  }

  get isEmpty(): boolean {
    return this.#users.size === 0 && this.#clientIds.size === 0;
  }

  find({ user, clientId }: QuotaClient): Quota | null {
    for (const name of [user, null]) {
      const quotas = this.#users.get(name);
      if (quotas === undefined) continue;
      const limit = quotas.byClientId.get(clientId) ?? quotas.byClientId.get(null);
      if (limit !== undefined) return { limit, user, clientId };
      if (quotas.own !== null) return { limit: quotas.own, user, clientId: null };
    }
    const limit = this.#clientIds.get(clientId) ?? this.#clientIds.get(null);
    return limit === undefined ? null : { limit, user: null, clientId };
  }

  #of(user: string | null): UserQuotas {
    let quotas = this.#users.get(user);
    if (quotas === undefined) {
      quotas = { own: null, byClientId: new Map() };
      this.#users.set(user, quotas);
    }
    return quotas;
  }
}
