/**
 * AlterClientQuotas: checks a change of client quotas as Kafka's controller does, and computes its records (KIP-546, KIP-599,
 * KIP-612). The operations of an entry are applied together or not at all; entries succeed and fail individually.
 */
import { canonicalAddress } from '../base/ip-address.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import { record } from '../metadata/records.ts';
import type { QuotaEntityPart } from '../metadata/security-image.ts';
import { quotaKey, sortedEntity } from '../metadata/security-image.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from '../protocol/messages/security/49-alter-client-quotas.ts';
import type { ControllerState, Result } from './state.ts';

type Operations = AlterClientQuotasRequest['entries'][number]['ops'];
type EntryResult = AlterClientQuotasResponse['entries'][number];

export function alterClientQuotas(
  state: ControllerState,
  request: AlterClientQuotasRequest,
): Result<AlterClientQuotasResponse> {
  const records: MetadataRecord[] = [];
  /**
   * The result of each entity, by `quotaKey`. If an entity has several entries, the first is applied, and the result is the
   * error of the last.
   */
  const results = new Map<string, EntryResult>();
  for (const { entity, ops } of request.entries) {
    const parts = sortedEntity(entity);
    const key = quotaKey(parts);
    let error: KafkaError | null = null;
    try {
      if (results.has(key) || hasKeyTwice(ops)) refuse(`Ignoring duplicate entity ${javaText(parts)}`);
      records.push(...quotaRecords(state, parts, ops));
    } catch (thrown) {
      if (!(thrown instanceof KafkaError)) throw thrown;
      error = thrown;
    }
    results.set(key, { errorCode: error?.code ?? 0, errorMessage: error?.message ?? null, entity: parts });
  }
  const response = { throttleTimeMs: 0, entries: [...results.values()] };
  return { records: request.validateOnly ? [] : records, response };
}

function refuse(message: string): never {
  throw new KafkaError(Errors.INVALID_REQUEST, message);
}

function hasKeyTwice(ops: Operations): boolean {
  return new Set(ops.map(({ key }) => key)).size < ops.length;
}

/** The entity as Java prints it. */
function javaText(entity: readonly QuotaEntityPart[]): string {
  const entries = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`);
  return `ClientQuotaEntity(entries={${entries.join(', ')}})`;
}

interface QuotaKey {
  /**
   * For a key whose value is a whole number: the largest value, and Kafka's name of the type, as in `a LONG`. Null: the
   * value may be a fraction.
   */
  readonly whole: { readonly max: number; readonly type: string } | null;
}

const long: QuotaKey = { whole: { max: 2 ** 63, type: 'a LONG' } };
const int: QuotaKey = { whole: { max: 2 ** 31 - 1, type: 'an INT' } };
const double: QuotaKey = { whole: null };
const clientKeys: ReadonlyMap<string, QuotaKey> = new Map([
  ['producer_byte_rate', long],
  ['consumer_byte_rate', long],
  ['request_percentage', double],
  ['controller_mutation_rate', double],
]);
const ipKeys: ReadonlyMap<string, QuotaKey> = new Map([['connection_creation_rate', int]]);
const entityTypes: readonly string[] = ['user', 'client-id', 'ip'];

function quotaRecords(
  state: ControllerState,
  entity: readonly QuotaEntityPart[],
  ops: Operations,
): MetadataRecord[] {
  checkEntity(entity);
  const keys = entity[0]?.entityType === 'ip' ? ipKeys : clientKeys;
  const current = state.image.security.clientQuotas.get(quotaKey(entity))?.values;
  const records: MetadataRecord[] = [];
  for (const { key, value, remove } of ops) {
    if (!remove) {
      checkValue(keys, key, value);
      records.push(record('ClientQuotaRecord', { entity, key, value, remove }));
    } else if (current?.has(key) === true) {
      records.push(record('ClientQuotaRecord', { entity, key, value: 0, remove }));
    }
  }
  return records;
}

function checkEntity(entity: readonly QuotaEntityPart[]): void {
  if (entity.length === 0) refuse('Invalid empty client quota entity');
  for (const { entityType, entityName } of entity) {
    if (!entityTypes.includes(entityType)) refuse(`Unhandled client quota entity type: ${entityType}`);
    if (entityName === '') refuse(`Empty ${entityType} not supported`);
  }
  const ip = entity.find(({ entityType }) => entityType === 'ip');
  if (ip === undefined) return;
  if (entity.length > 1)
    refuse('Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId');
  if (ip.entityName !== null && canonicalAddress(ip.entityName) === null)
    refuse(`${ip.entityName} is not a valid IP or resolvable host.`);
}

/** How far a value that must be a whole number may be from one. */
const wholeTolerance = 1e-6;

function checkValue(keys: ReadonlyMap<string, QuotaKey>, key: string, value: number): void {
  const kind = keys.get(key);
  if (kind === undefined) refuse(`Invalid configuration key ${key}`);
  // False for NaN too.
  if (!(value > 0)) refuse(`Quota ${key} must be greater than 0`);
  if (kind.whole === null) return;
  if (value > kind.whole.max) refuse(`Proposed value for ${key} is too large for ${kind.whole.type}.`);
  if (Math.abs(value - Math.round(value)) > wholeTolerance) refuse(`${key} cannot be a fractional value.`);
}
