/**
 * `config.providers`: values of a properties file from other sources, `${provider:path:key}` or `${provider:key}`. Kafka's three
 * providers are supported under the names of their classes. Only the file is resolved, never dynamic configurations.
 *
 * Kafka leaves a variable without a value unchanged. Here a variable that cannot be resolved ends the start, because a password
 * that is literally `${file:…}` is never intended.
 */
import { ConfigError, splitList } from './define.ts';
import { parseProperties } from './properties-file.ts';

export interface ProviderSources {
  /** The text of a file; throws when it cannot be read. */
  readFile(path: string): string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The path without symbolic links and `..`. */
  realPath(path: string): string;
}

/** A value, or undefined when there is none. */
type Provider = (path: string, key: string) => string | undefined;
type Parameters = (name: string) => string | undefined;

/** `${provider:key}` or `${provider:path:key}`. */
const variable = /\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}/g;
const classPrefix = 'org.apache.kafka.common.config.provider.';

function checkAllowed(path: string, parameters: Parameters, { realPath }: ProviderSources): void {
  const allowed = parameters('allowed.paths');
  if (allowed === undefined || allowed.trim() === '') return;
  const real = realPath(path);
  const isInside = splitList(allowed).some((one) => {
    const directory = realPath(one).replace(/[\\/]+$/, '');
    return real === directory || real.startsWith(`${directory}/`) || real.startsWith(`${directory}\\`);
  });
  if (!isInside) throw new ConfigError(`The path ${path} is not within allowed.paths (${allowed})`);
}

const classes: Readonly<Record<string, (sources: ProviderSources, parameters: Parameters) => Provider>> = {
  FileConfigProvider: (sources, parameters) => (path, key) => {
    checkAllowed(path, parameters, sources);
    return parseProperties(sources.readFile(path)).get(key);
  },
  DirectoryConfigProvider: (sources, parameters) => (path, key) => {
    if (/[\\/]|^\.\.?$/.test(key)) throw new ConfigError(`${key} is not the name of a file in a directory`);
    checkAllowed(path, parameters, sources);
    return sources.readFile(`${path.replace(/[\\/]+$/, '')}/${key}`);
  },
  EnvVarConfigProvider: ({ env }, parameters) => {
    const pattern = new RegExp(`^(?:${parameters('allowlist.pattern') ?? '.*'})$`);
    return (path, key) => {
      if (path !== '') throw new ConfigError(`EnvVarConfigProvider takes no path, but it is ${path}`);
      return pattern.test(key) ? env[key] : undefined;
    };
  },
};

function providersOf(
  properties: ReadonlyMap<string, string>,
  sources: ProviderSources,
): ReadonlyMap<string, Provider> {
  const providers = new Map<string, Provider>();
  for (const name of splitList(properties.get('config.providers') ?? '')) {
    const prefix = `config.providers.${name}`;
    const given = properties.get(`${prefix}.class`)?.trim() ?? '';
    const create = given.startsWith(classPrefix) ? classes[given.slice(classPrefix.length)] : undefined;
    if (create === undefined) {
      const known = Object.keys(classes).join(', ');
      throw new ConfigError(
        `${prefix}.class is ${given === '' ? 'not set' : given}: set it to ${classPrefix} with one of ${known}`,
      );
    }
    providers.set(
      name,
      create(sources, (parameter) => properties.get(`${prefix}.param.${parameter}`)),
    );
  }
  return providers;
}

export interface ResolvedProperties {
  readonly properties: ReadonlyMap<string, string>;
  /** Values from a provider; they are never shown. */
  readonly secrets: readonly string[];
}

/** Replaces the variables in the values of `properties`. Throws `ConfigError`. */
export function resolveProviders(
  properties: ReadonlyMap<string, string>,
  sources: ProviderSources,
): ResolvedProperties {
  const providers = providersOf(properties, sources);
  const secrets: string[] = [];
  if (providers.size === 0) return { properties, secrets };
  const resolved = new Map<string, string>();
  for (const [property, text] of properties) {
    if (property.startsWith('config.providers')) {
      resolved.set(property, text);
      continue;
    }
    const value = text.replaceAll(
      variable,
      (all: string, name: string, path: string | undefined, key: string) => {
        const provider = providers.get(name);
        if (provider === undefined) return all;
        const found = valueOf(provider, path ?? '', key, `${all} of ${property}`);
        if (found !== '') secrets.push(found);
        return found;
      },
    );
    resolved.set(property, value);
  }
  return { properties: resolved, secrets };
}

function valueOf(provider: Provider, path: string, key: string, where: string): string {
  let found: string | undefined;
  try {
    found = provider(path, key);
  } catch (error) {
    throw new ConfigError(`The value ${where} could not be had: ${(error as Error).message}`);
  }
  if (found === undefined)
    throw new ConfigError(`The value ${where} does not exist: correct the name, or take the line out`);
  return found;
}

/** `text` without values from providers. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[hidden]'), text);
}
