/** Describes and alters quotas of users, clients and addresses, and SCRAM credentials of users. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../protocol/messages/security/48-describe-client-quotas.ts';
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from '../../protocol/messages/security/49-alter-client-quotas.ts';
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '../../protocol/messages/security/50-describe-user-scram-credentials.ts';
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '../../protocol/messages/security/51-alter-user-scram-credentials.ts';
import type { ConfigsCommand } from './kafka-configs-arguments.ts';
import { doubleText } from '../text/java-double.ts';
import { type CliIo, ToolError } from '../tool.ts';

export const clientQuotas: readonly string[] = [
  'consumer_byte_rate',
  'controller_mutation_rate',
  'producer_byte_rate',
  'request_percentage',
];
export const ipQuotas: readonly string[] = ['connection_creation_rate'];
/** By the name of the mechanism: its code in requests, and its hash function. */
export const scramMechanisms: ReadonlyMap<string, { code: number; hash: string }> = new Map([
  ['SCRAM-SHA-256', { code: 1, hash: 'sha256' }],
  ['SCRAM-SHA-512', { code: 2, hash: 'sha512' }],
]);
const iterationsMin = 4096;

const quotaEntity: Readonly<Record<string, { type: string; title: string }>> = {
  users: { type: 'user', title: 'user-principal' },
  clients: { type: 'client-id', title: 'client-id' },
  ips: { type: 'ip', title: 'ip' },
};
const match = { exact: 0, default: 1, any: 2 };

interface Quotas {
  readonly entity: readonly { entityType: string; entityName: string | null }[];
  readonly values: readonly { key: string; value: number }[];
}

async function fetchQuotas(
  client: KafkaClient,
  { types, names }: ConfigsCommand,
): Promise<readonly Quotas[]> {
  if (names.length > types.length) throw new ToolError('More entity names specified than entity types');
  const components = types.map((type, at) => {
    const name = names[at];
    const matchType = name === undefined ? match.any : name === '' ? match.default : match.exact;
    return {
      entityType: quotaEntity[type]?.type ?? type,
      matchType,
      match: matchType === match.exact ? (name ?? null) : null,
    };
  });
  const answer = await client.request(DescribeClientQuotasRequest, DescribeClientQuotasResponse, {
    components,
    strict: true,
  });
  if (answer.errorCode !== 0) {
    throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
  }
  return answer.entries ?? [];
}

export async function describeQuotas(client: KafkaClient, command: ConfigsCommand, io: CliIo): Promise<void> {
  for (const { entity, values } of await fetchQuotas(client, command)) {
    const parts = Object.values(quotaEntity).flatMap(({ type, title }) => {
      const found = entity.find(({ entityType }) => entityType === type);
      if (found === undefined) return [];
      return [found.entityName === null ? `the default ${title}` : `${title} '${found.entityName}'`];
    });
    const quotas = values.map(({ key, value }) => `${key}=${doubleText(value)}`);
    io.stdout(`Quota configs for ${parts.join(', ')} are ${quotas.join(', ')}\n`);
  }
  const isOfUsers = command.types[0] === 'users' && command.types.length === 1;
  if (isOfUsers && !command.names.includes('')) await describeScram(client, command.names, io);
}

async function describeScram(client: KafkaClient, users: readonly string[], io: CliIo): Promise<void> {
  const answer = await client.request(
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    { users: users.length === 0 ? null : users.map((name) => ({ name })) },
  );
  if (answer.errorCode !== 0) {
    throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
  }
  for (const { user, errorCode, errorMessage, credentialInfos } of answer.results) {
    if (errorCode === Errors.RESOURCE_NOT_FOUND.code) continue;
    if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
    const infos = credentialInfos.map(({ mechanism, iterations }) => {
      const name = [...scramMechanisms].find(([, { code }]) => code === mechanism)?.[0] ?? 'UNKNOWN';
      return `${name}=iterations=${iterations}`;
    });
    io.stdout(`SCRAM credential configs for user-principal '${user}' are ${infos.join(', ')}\n`);
  }
}

/**
 * Returns whether the keys are SCRAM credentials; otherwise they are quotas. Throws, with Kafka's message, when a key cannot be
 * set or the keys cannot be combined.
 */
function checkKeys(
  { types, names }: ConfigsCommand,
  added: readonly string[],
  deleted: readonly string[],
): boolean {
  const isScram = (key: string): boolean => scramMechanisms.has(key);
  if (types[0] === 'ips') {
    const unknown = [...added, ...deleted].filter((key) => !ipQuotas.includes(key));
    if (unknown.length === 0) return false;
    throw new ToolError(
      `Only connection quota configs can be added for 'ips' using --bootstrap-server. Unexpected config names: ${unknown.join(',')}`,
    );
  }
  const hasClient = types[0] === 'clients' || types.length === 2;
  const refuse = (keys: readonly string[], done: string): void => {
    const unknown = keys.filter((key) => !clientQuotas.includes(key) && (hasClient || !isScram(key)));
    if (unknown.length === 0) return;
    const [what, type] = hasClient ? ['quota', 'clients'] : ['quota and SCRAM credential', 'users'];
    throw new ToolError(
      `Only ${what} configs can be ${done} for '${type}' using --bootstrap-server. Unexpected config names: Set(${unknown.join(', ')})`,
    );
  };
  refuse(added, 'added');
  refuse(deleted, 'deleted');
  const keys = [...added, ...deleted];
  if (!keys.some(isScram)) return false;
  if (names.includes('')) {
    throw new ToolError(
      'The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.',
    );
  }
  if (!keys.every(isScram)) {
    throw new ToolError(
      "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.",
    );
  }
  return true;
}

export async function alterQuotas(
  client: KafkaClient,
  command: ConfigsCommand,
  added: ReadonlyMap<string, string>,
  deleted: readonly string[],
): Promise<void> {
  if (checkKeys(command, [...added.keys()], deleted)) {
    return alterScram(client, command.names[0] ?? '', added, deleted);
  }
  const known = (await fetchQuotas(client, command)).flatMap(({ values }) => values.map(({ key }) => key));
  const unknown = deleted.filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new ToolError(`Invalid config(s): ${unknown.join(',')}`);
  const entity = command.types.map((type, at) => ({
    entityType: quotaEntity[type]?.type ?? type,
    entityName: command.names[at] === '' ? null : (command.names[at] ?? null),
  }));
  const ops = [
    ...[...added].map(([key, text]) => ({ key, value: parseQuota(key, text), remove: false })),
    ...deleted.map((key) => ({ key, value: 0, remove: true })),
  ];
  const answer = await client.request(AlterClientQuotasRequest, AlterClientQuotasResponse, {
    entries: [{ entity, ops }],
    validateOnly: false,
  });
  for (const { errorCode, errorMessage } of answer.entries) {
    if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
  }
}

function parseQuota(key: string, text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    throw new ToolError(`Cannot parse quota configuration value for ${key}: ${text}`);
  }
  return Number(text);
}

async function alterScram(
  client: KafkaClient,
  user: string,
  added: ReadonlyMap<string, string>,
  deleted: readonly string[],
): Promise<void> {
  const { pbkdf2Sync, randomBytes } = await import('node:crypto');
  const upsertions = [...added].map(([name, text]) => {
    const parsed = /^(?:iterations=(-?\d*),)?password=([\s\S]*)$/.exec(text);
    const { code, hash } = scramMechanisms.get(name) ?? { code: 0, hash: '' };
    if (parsed === null) throw new ToolError(`Invalid credential property ${name}=${text}`);
    const [, given, password = ''] = parsed;
    if (password === '') throw new ToolError('Password must not be empty');
    const iterations = given === undefined || given === '-1' ? iterationsMin : Number(given);
    if (iterations < iterationsMin) {
      throw new ToolError(
        `Iterations ${iterations} is less than the minimum ${iterationsMin} required for ${name}`,
      );
    }
    const salt = randomBytes(24);
    const sizeBytes = hash === 'sha512' ? 64 : 32;
    const saltedPassword = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, sizeBytes, hash);
    return { name: user, mechanism: code, iterations, salt, saltedPassword };
  });
  const deletions = deleted.map((name) => ({ name: user, mechanism: scramMechanisms.get(name)?.code ?? 0 }));
  const answer = await client.request(AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, {
    deletions,
    upsertions,
  });
  for (const { errorCode, errorMessage } of answer.results) {
    if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
  }
}
