/**
 * Parses the command line of kafka-configs: one action on one entity, or on a user and a client together. Throws, with Kafka's
 * message, when the command line is invalid.
 */
import { readFileSync } from 'node:fs';
import { parseProperties } from '../../config/properties-file.ts';
import { CommandFailure } from '../text/command-failure.ts';
import type { Options } from '../arguments/options.ts';
import { ToolError } from '../tool.ts';

export const entityTypes = [
  'topics',
  'clients',
  'users',
  'brokers',
  'ips',
  'client-metrics',
  'groups',
  'broker-loggers',
] as const;
export type EntityType = (typeof entityTypes)[number];

/** Options that name an entity, each with the type of the entity. */
const flags: readonly [option: string, type: EntityType][] = [
  ['topic', 'topics'],
  ['client', 'clients'],
  ['user', 'users'],
  ['broker', 'brokers'],
  ['broker-logger', 'broker-loggers'],
  ['ip', 'ips'],
  ['client-metrics', 'client-metrics'],
  ['group', 'groups'],
];
const defaultFlags: readonly [option: string, type: EntityType][] = [
  ['client-defaults', 'clients'],
  ['user-defaults', 'users'],
  ['broker-defaults', 'brokers'],
  ['ip-defaults', 'ips'],
];
const withDefaults: readonly string[] = ['users', 'clients', 'brokers', 'ips'];

export interface ConfigsCommand {
  readonly action: 'describe' | 'alter';
  readonly types: readonly EntityType[];
  /** One name for each of `types`. '' stands for the default entity. */
  readonly names: readonly string[];
}

/** Returns the names of `--entity-name` and `--entity-default` as they were given, then those of options such as `--topic`. */
function namesOf(options: Options): string[] {
  const named = [...options.all('entity-name')];
  const names = options.order.flatMap((option) => {
    if (option === 'entity-name') return [named.shift() ?? ''];
    return option === 'entity-default' ? [''] : [];
  });
  for (const [option] of flags) if (options.has(option)) names.push(options.text(option) ?? '');
  for (const [option] of defaultFlags) if (options.has(option)) names.push('');
  return names;
}

function typesOf(options: Options): EntityType[] {
  const types = [...options.all('entity-type')];
  for (const [option, type] of [...flags, ...defaultFlags]) if (options.has(option)) types.push(type);
  const repeated = types.filter((type, at) => types.indexOf(type) !== at);
  if (repeated.length > 0) throw new ToolError(`Duplicate entity type(s) specified: ${repeated.join(',')}`);
  if (!options.has('bootstrap-server') && !options.has('bootstrap-controller')) {
    throw new ToolError('Either --bootstrap-server or --bootstrap-controller must be specified.');
  }
  for (const type of types) {
    if (!(entityTypes as readonly string[]).includes(type)) {
      throw new ToolError(
        `Invalid entity type ${type}, the entity type must be one of ${entityTypes.join(', ')} with a --bootstrap-server or --bootstrap-controller argument`,
      );
    }
  }
  if (types.length === 0) throw new ToolError('At least one entity type must be specified');
  if (types.length > 1 && !types.every((type) => type === 'users' || type === 'clients')) {
    throw new ToolError("Only 'users' and 'clients' entity types may be specified together");
  }
  return types as EntityType[];
}

/** Checks the command line, except for host names and for the configurations themselves. */
export function parseCommand(options: Options): ConfigsCommand {
  const action = options.has('alter') ? 'alter' : 'describe';
  const types = typesOf(options);
  const isGeneric = ['entity-name', 'entity-type', 'entity-default'].some((name) => options.has(name));
  if (isGeneric && [...flags, ...defaultFlags].some(([option]) => options.has(option))) {
    throw new ToolError(
      '--entity-{type,name,default} should not be used in conjunction with specific entity flags',
    );
  }
  if (options.has('bootstrap-server') && options.has('bootstrap-controller')) {
    throw new ToolError('Only one of --bootstrap-server or --bootstrap-controller can be specified');
  }
  const names = namesOf(options);
  if (types[0] === 'brokers' || types[0] === 'broker-loggers') {
    const wrong = names.find((name) => name !== '' && !/^[+-]?\d+$/.test(name));
    if (wrong !== undefined) {
      throw new ToolError(
        `The entity name for ${types[0]} must be a valid integer broker id, but it is: ${wrong}`,
      );
    }
  }
  checkNames(action, types, names);
  if (action === 'alter') checkChanges(options);
  return { action, types, names };
}

function checkNames(action: string, types: readonly EntityType[], names: readonly string[]): void {
  const hasName = names.some((name) => name !== '');
  const list = types.join(',');
  if (action === 'describe') {
    if (types[0] === 'broker-loggers' && !hasName) {
      throw new ToolError(`An entity name must be specified with --describe of ${list}`);
    }
  } else if (types.some((type) => withDefaults.includes(type))) {
    if (names.length === 0) {
      throw new ToolError(`An entity-name or default entity must be specified with --alter of ${list}`);
    }
  } else if (!hasName) throw new ToolError(`An entity name must be specified with --alter of ${list}`);
}

function checkChanges(options: Options): void {
  const given = ['add-config', 'add-config-file', 'delete-config'].filter((name) => options.has(name));
  if (options.has('add-config') && options.has('add-config-file')) {
    throw new ToolError('Only one of --add-config or --add-config-file must be specified');
  }
  if (given.length === 0) {
    throw new ToolError(
      'At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter',
    );
  }
}

function checkKey(key: string): string {
  if (!/^[a-zA-Z0-9._-]*$/.test(key)) throw new ToolError(`Invalid character found for config key: ${key}`);
  return key;
}

/** A comma and an equals sign that are not between square brackets. */
const comma = /,(?=[^\]]*(?:\[|$))/;
const equals = /\s*=\s*(?=[^\]]*(?:\[|$))/;

/** Returns the keys and values of `--add-config` (`k1=v1,k2=[v2,v3]`) or of the file of `--add-config-file`. */
export function configsToAdd(options: Options): Map<string, string> {
  const file = options.text('add-config-file');
  const configs = file === null ? new Map<string, string>() : readConfigs(file);
  for (const one of options.text('add-config')?.split(comma) ?? []) {
    const pair = one.split(equals);
    const [key = '', value = ''] = pair;
    if (pair.length !== 2) {
      throw new ToolError(
        'requirement failed: Invalid entity config: all configs to be added must be in the format "key=val" or  "key=[val1,val2]" to group values which contain commas.',
      );
    }
    configs.set(key.trim(), value.replace(/\[?\]?/g, '').trim());
  }
  return configs;
}

function readConfigs(file: string): Map<string, string> {
  try {
    return parseProperties(readFileSync(file, 'utf8'));
  } catch {
    throw new CommandFailure(file, `java.nio.file.NoSuchFileException: ${file}`);
  }
}

export function configsToDelete(options: Options): string[] {
  return (options.text('delete-config')?.split(',') ?? []).map((key) => checkKey(key.trim()));
}
