/**
 * Implements `config.providers`: a value in the properties file can refer to another source, with `${provider:path:key}` or
 * `${provider:key}`. Kafka's three providers are supported, under the names of their Java classes. References are replaced only
 * in the properties file, never in dynamic configurations. As in Kafka, a reference to a provider that `config.providers` does
 * not name is kept as text.
 *
 * When a provider has no value for a reference, Kafka keeps the text of the reference as the value. Here the node does not
 * start: otherwise the text `${file:…}` could be used as a password.
 */
import { ConfigError, splitList } from './define.ts';
import { compileJavaPattern, type JavaPattern } from './java-pattern.ts';
import { parseProperties } from './properties-file.ts';

export interface ProviderSources {
  /** Returns the text of a file. Throws when it cannot be read. */
  readFile(path: string): string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns the path with symbolic links and `..` resolved. */
  realPath(path: string): string;
}

/** Returns a value, or undefined when there is none. */
type Provider = (path: string, key: string) => string | undefined;
type Parameters = (name: string) => string | undefined;

/** Matches `${provider:key}` and `${provider:path:key}`. */
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

function allowlist(text: string): JavaPattern {
  try {
    return compileJavaPattern(text);
  } catch (error) {
    throw new ConfigError(
      `Invalid value ${text} for configuration allowlist.pattern: ${(error as Error).message}`,
    );
  }
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
    const pattern = allowlist(parameters('allowlist.pattern') ?? '.*');
    return (path, key) => {
      if (path !== '') throw new ConfigError(`EnvVarConfigProvider takes no path, but it is ${path}`);
      return pattern.matches(key) ? env[key] : undefined;
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
  /** The values that came from providers. They must not appear in logs or messages. */
  readonly secrets: readonly string[];
}

/**
 * Replaces the references in the values of `properties`. Throws `ConfigError` when one has no value, or a provider is invalid.
 */
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
    throw new ConfigError(`The value ${where} could not be read: ${(error as Error).message}`);
  }
  if (found === undefined)
    throw new ConfigError(`The value ${where} does not exist: correct the name, or remove the line`);
  return found;
}

/** Returns `text` with each value that came from a provider replaced by `[hidden]`. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[hidden]'), text);
}
