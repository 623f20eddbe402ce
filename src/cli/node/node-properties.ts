/**
 * The properties of a node for tools that read its file: the file, overrides from the command line, and the values that
 * `config.providers` supply.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../../config/define.ts';
import { parseProperties } from '../../config/properties-file.ts';
import {
  hideSecrets,
  type ProviderSources,
  type ResolvedProperties,
  resolveProviders,
} from '../../config/providers.ts';
import { readPropertiesFile } from './properties-path.ts';

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Replaces references to `config.providers` in `given`. Throws `ConfigError` when one has no value. */
export function resolveNodeProperties(
  given: ReadonlyMap<string, string>,
  env: ProviderSources['env'],
): ResolvedProperties {
  return resolveProviders(given, { env, realPath, readFile: (path) => readFileSync(path, 'utf8') });
}

/** Calls `use` with the properties. When `use` throws a `ConfigError`, values from providers are hidden in its message. */
export async function withNodeProperties<T>(
  file: string,
  overrides: ReadonlyMap<string, string>,
  env: ProviderSources['env'],
  use: (properties: ReadonlyMap<string, string>, hide: (text: string) => string) => Promise<T> | T,
): Promise<T> {
  const given = new Map([...parseProperties(readPropertiesFile(file)), ...overrides]);
  const { properties, secrets } = resolveNodeProperties(given, env);
  try {
    return await use(properties, (text) => hideSecrets(text, secrets));
  } catch (error) {
    if (error instanceof ConfigError && secrets.length > 0)
      throw new ConfigError(hideSecrets(error.message, secrets));
    throw error;
  }
}
