/**
 * DescribeClientQuotas (48), v0–v1. Quotas cannot be set here (AlterClientQuotas is not supported), so the result is empty. Filters
 * are validated as by Kafka.
 * Not done:  quotas.
 */
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../../protocol/messages/security/48-describe-client-quotas.ts';
import { defineHandler, type Handler } from '../../handler.ts';

const entityTypes: readonly string[] = ['user', 'client-id', 'ip'];
const matchExact = 0;
const matchTypeMax = 2;

export function createDescribeClientQuotasHandler(): Handler {
  return defineHandler(DescribeClientQuotasRequest, DescribeClientQuotasResponse, {
    versions: '0-1',
    listeners: ['broker'],
    handle({ components }) {
      checkFilter(components);
      return { errorCode: 0, errorMessage: '', entries: [] };
    },
    failed: (_request, error, _context, message) => ({
      errorCode: error.code,
      errorMessage: message ?? error.message,
      entries: null,
    }),
  });
}

function checkFilter(components: DescribeClientQuotasRequest['components']): void {
  const seen = new Set<string>();
  for (const { entityType, matchType, match } of components) {
    if (matchType < 0 || matchType > matchTypeMax) refuse(`Unknown match type ${matchType}`);
    if (matchType === matchExact && match === null) {
      refuse('Request specified MATCH_TYPE_EXACT, but set match string to null.');
    }
    if (entityType === '') refuse('Invalid empty entity type.');
    if (seen.has(entityType)) refuse(`Entity type ${entityType} cannot appear more than once in the filter.`);
    if (!entityTypes.includes(entityType)) {
      throw new KafkaError(Errors.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`);
    }
    seen.add(entityType);
  }
  if (seen.has('ip') && seen.size > 1) {
    refuse(
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    );
  }
}

function refuse(message: string): never {
  throw new KafkaError(Errors.INVALID_REQUEST, message);
}
