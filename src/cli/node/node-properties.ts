/**
 * The properties of a node for tools that read its file: the file, overrides from the command line, and the values that
 * `config.providers` supply.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../../config/define.ts';
import { parseProperties } from '../../config/properties-file.ts';
import { hideSecrets, type ProviderSources, resolveProviders } from '../../config/providers.ts';
import { readPropertiesFile } from './properties-path.ts';

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Calls `use` with the properties. When `use` throws a `ConfigError`, values from providers are hidden in its message. */
export async function withNodeProperties<T>(
  file: string,
  overrides: ReadonlyMap<string, string>,
  env: ProviderSources['env'],
  use: (properties: ReadonlyMap<string, string>) => Promise<T> | T,
): Promise<T> {
  const given = new Map([...parseProperties(readPropertiesFile(file)), ...overrides]);
  const sources: ProviderSources = { env, realPath, readFile: (path) => readFileSync(path, 'utf8') };
  const { properties, secrets } = resolveProviders(given, sources);
  try {
    return await use(properties);
  } catch (error) {
    if (error instanceof ConfigError && secrets.length > 0)
      throw new ConfigError(hideSecrets(error.message, secrets));
    throw error;
  }
}
