/** Parses the command line of kafka-acls. Error messages are Kafka's. */
import type { AclOperation } from '../../protocol/acl-operations.ts';
import { checkInvalid, type Options } from '../arguments/options.ts';
import { ToolError } from '../tool.ts';
import {
  operationNamed,
  type PatternType,
  patternTypes,
  type PermissionType,
  type ResourceType,
  supportedOperations,
} from './acl-names.ts';

/** A resource, or a filter for resources. When `name` is null, it stands for all resources of the type. */
export interface Resource {
  readonly type: ResourceType;
  readonly name: string | null;
  readonly pattern: PatternType;
}

export interface Acl {
  readonly principal: string;
  readonly host: string;
  readonly operation: AclOperation;
  readonly permission: PermissionType;
}

const actions = ['list', 'add', 'remove'];
const resourceOptions: readonly [option: string, type: Exclude<ResourceType, 'ANY'>][] = [
  ['topic', 'TOPIC'],
  ['group', 'GROUP'],
  ['cluster', 'CLUSTER'],
  ['transactional-id', 'TRANSACTIONAL_ID'],
  ['delegation-token', 'DELEGATION_TOKEN'],
  ['user-principal', 'USER'],
];
const clusterName = 'kafka-cluster';

export function checkCommand(options: Options): void {
  const has = (name: string): boolean => options.has(name);
  if (has('bootstrap-server') && has('bootstrap-controller'))
    throw new ToolError('Only one of --bootstrap-server or --bootstrap-controller must be specified');
  if (!has('bootstrap-server') && !has('bootstrap-controller')) {
    if (actions.some(has))
      throw new ToolError('One of --bootstrap-server or --bootstrap-controller must be specified');
  }
  if (actions.filter(has).length !== 1)
    throw new ToolError('Command must include exactly one action: --list, --add, --remove. ');
  const named = ['allow-host', 'allow-principal', 'deny-host', 'deny-principal'];
  checkInvalid(options, 'list', 'producer', 'consumer', ...named);
  checkInvalid(options, 'producer', 'operation', 'deny-principal', 'deny-host');
  checkInvalid(options, 'consumer', 'operation', 'deny-principal', 'deny-host');
  if (has('list') === false && has('principal'))
    throw new ToolError('The --principal option is only available if --list is set');
  if (has('producer') && !has('topic')) throw new ToolError('With --producer you must specify a --topic');
  if (has('idempotent') && !has('producer'))
    throw new ToolError('The --idempotent option is only available if --producer is set');
  if (
    has('consumer') &&
    (!has('topic') || !has('group') || (!has('producer') && (has('cluster') || has('transactional-id'))))
  )
    throw new ToolError(
      'With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.',
    );
}

function patternOf(options: Options): PatternType {
  const text = (options.text('resource-pattern-type') ?? 'LITERAL').toUpperCase();
  if (!Object.hasOwn(patternTypes, text)) {
    const known = Object.keys(patternTypes).join('|');
    throw new ToolError(
      `Cannot parse argument '${options.text('resource-pattern-type')}' of option resource-pattern-type: The resource-pattern-type argument can take only: ${known}`,
    );
  }
  return text as PatternType;
}

/** Returns the resources that the command line names. */
export function resourcesOf(options: Options): Resource[] {
  const pattern = patternOf(options);
  return resourceOptions.flatMap(([option, type]): Resource[] => {
    if (!options.has(option)) return [];
    if (type === 'CLUSTER') return [{ type, name: clusterName, pattern: 'LITERAL' }];
    return options.all(option).map((name) => ({ type, name: name.trim(), pattern }));
  });
}

function demandResources(resources: readonly Resource[]): void {
  if (resources.length === 0)
    throw new ToolError(
      'You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>',
    );
}

/**
 * Returns the ACLs for one resource: one for each combination of a principal and a host of the options (`--allow-…`,
 * `--deny-…`) with an operation of `names`.
 */
function aclsWith(options: Options, names: readonly AclOperation[]): Acl[] {
  const acls = (permission: PermissionType): Acl[] => {
    const word = permission.toLowerCase();
    const principals = options.all(`${word}-principal`);
    const given = options.all(`${word}-host`);
    const hosts = given.length > 0 ? given : ['*'];
    return principals.flatMap((principal) =>
      hosts.flatMap((host) =>
        names.map((operation) => ({ principal: checkedPrincipal(principal), host, operation, permission })),
      ),
    );
  };
  return [...acls('ALLOW'), ...acls('DENY')];
}

function checkedPrincipal(text: string): string {
  const trimmed = text.trim();
  if (!/^[^:]+:/.test(trimmed)) {
    throw new MalformedPrincipal(
      `expected a string in format principalType:principalName but got ${trimmed}`,
    );
  }
  return trimmed;
}

/**
 * A principal is not of the form type:name. Kafka's tool finds this only when it executes the command, so the error is printed
 * without the help.
 */
export class MalformedPrincipal extends Error {
  override readonly name = 'MalformedPrincipal';
}

function checkSupported({ type }: Resource, names: readonly AclOperation[]): void {
  const known = ['ALL', ...supportedOperations[type as Exclude<ResourceType, 'ANY'>]];
  if (names.some((name) => !known.includes(name)))
    throw new ToolError(`ResourceType ${type} only supports operations [${known.join(', ')}]`);
}

/** Returns the operations that --producer and --consumer allow on a resource; none when they do not concern its type. */
function roleOperations(options: Options, { type }: Resource): AclOperation[] {
  const producer: Partial<Record<ResourceType, AclOperation[]>> = {
    TOPIC: ['WRITE', 'DESCRIBE', 'CREATE'],
    TRANSACTIONAL_ID: ['WRITE', 'DESCRIBE'],
  };
  const consumer: Partial<Record<ResourceType, AclOperation[]>> = {
    TOPIC: ['READ', 'DESCRIBE'],
    GROUP: ['READ'],
  };
  return [
    ...new Set([
      ...(options.has('producer') ? (producer[type] ?? []) : []),
      ...(options.has('consumer') ? (consumer[type] ?? []) : []),
    ]),
  ];
}

export type ResourceAcls = readonly (readonly [Resource, readonly Acl[]])[];

/** Returns the ACLs of --add or --remove for each resource. For --remove, an empty list means all ACLs of the resource. */
export function resourceAcls(options: Options): ResourceAcls {
  const resources = resourcesOf(options);
  demandResources(resources);
  const isRole = options.has('producer') || options.has('consumer');
  const given = options.all('operation');
  const names = (given.length > 0 ? given : ['All']).map((name) => operationNamed(name.trim()));
  const all = resources.map((resource): [Resource, Acl[]] => {
    if (isRole) return [resource, aclsWith(options, roleOperations(options, resource))];
    checkSupported(resource, names);
    return [resource, aclsWith(options, names)];
  });
  if (!isRole || !options.has('idempotent')) return all;
  const cluster: Resource = { type: 'CLUSTER', name: clusterName, pattern: 'LITERAL' };
  return [...all, [cluster, aclsWith(options, ['IDEMPOTENT_WRITE'])]];
}

export function checkAdd(options: Options): void {
  const pattern = patternOf(options);
  if (pattern === 'ANY' || pattern === 'MATCH')
    throw new ToolError(`A '--resource-pattern-type' value of '${pattern}' is not valid when adding acls.`);
  if (!options.has('allow-principal') && !options.has('deny-principal')) {
    demandResources(resourcesOf(options));
    throw new ToolError(
      'You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.',
    );
  }
}
