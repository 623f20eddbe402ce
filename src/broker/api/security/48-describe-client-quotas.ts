/**
 * DescribeClientQuotas (48), v0–v1: the quotas of this broker's metadata image that match a filter (KIP-546). A component of
 * the filter names a type of entity and matches one name, the default entity, or every entity of the type. With `strict`, an
 * entity that has further types does not match.
 */
import type { ClientQuotaImage } from '../../../metadata/security-image.ts';
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../../protocol/messages/security/48-describe-client-quotas.ts';
import { defineHandler, type Handler } from '../../handler.ts';

const entityTypes: readonly string[] = ['user', 'client-id', 'ip'];
const matchExact = 0;
const matchDefault = 1;
const matchAny = 2;

export function createDescribeClientQuotasHandler(): Handler {
  return defineHandler(DescribeClientQuotasRequest, DescribeClientQuotasResponse, {
    versions: '0-1',
    listeners: ['broker'],
    handle({ components, strict }, { image }) {
      checkFilter(components);
      const found = [...image.security.clientQuotas.values()].filter(({ entity }) =>
        matches(entity, components, strict),
      );
      const entries = found.map(({ entity, values }) => ({
        entity,
        values: [...values].map(([key, value]) => ({ key, value })),
      }));
      return { errorCode: 0, errorMessage: '', entries };
    },
    failed: (_request, error, _context, message) => ({
      errorCode: error.code,
      errorMessage: message ?? error.message,
      entries: null,
    }),
  });
}

type Components = DescribeClientQuotasRequest['components'];

function matches(entity: ClientQuotaImage['entity'], components: Components, strict: boolean): boolean {
  if (strict && entity.length !== components.length) return false;
  return components.every(({ entityType, matchType, match }) => {
    const part = entity.find((candidate) => candidate.entityType === entityType);
    return part !== undefined && (matchType === matchAny || part.entityName === match);
  });
}

function checkFilter(components: Components): void {
  const seen = new Set<string>();
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') refuse('Invalid empty entity type.');
    if (seen.has(entityType)) refuse(`Entity type ${entityType} cannot appear more than once in the filter.`);
    if (!entityTypes.includes(entityType)) {
      throw new KafkaError(Errors.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`);
    }
    checkMatch(matchType, match);
    seen.add(entityType);
  }
  if (seen.has('ip') && seen.size > 1) {
    refuse(
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    );
  }
}

function checkMatch(matchType: number, match: string | null): void {
  if (matchType < matchExact || matchType > matchAny) refuse(`Unknown match type ${matchType}`);
  if (matchType === matchExact && match === null)
    refuse('Request specified MATCH_TYPE_EXACT, but set match string to null.');
  if (matchType === matchDefault && match !== null)
    refuse('Request specified MATCH_TYPE_DEFAULT, but also specified a match string.');
  if (matchType === matchAny && match !== null)
    refuse('Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.');
}

function refuse(message: string): never {
  throw new KafkaError(Errors.INVALID_REQUEST, message);
}
