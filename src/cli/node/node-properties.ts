/** The properties of a node, as its tools use them: the file, the overrides, and the values of `config.providers`. */
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

/** Calls `use` with the properties. A `ConfigError` that it throws never shows a value from a provider. */
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
