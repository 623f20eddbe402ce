import { expect, test } from 'vitest';
import { hideSecrets, resolveProviders } from '../../src/config/providers.ts';

const files: Record<string, string> = {
  '/secrets/broker.properties': 'password = top secret\r\nempty=\r\n',
  '/secrets/dir/ca': 'line\n',
};
const sources = {
  env: { HOME_PORT: '9', OTHER: 'x' },
  realPath: (path: string) => path.replace('/link', '/secrets'),
  readFile(path: string): string {
    const text = files[path.replace('/link', '/secrets')];
    if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
    return text;
  },
};
const prefix = 'org.apache.kafka.common.config.provider.';
const base: Record<string, string> = {
  'config.providers': 'file, dir,env',
  'config.providers.file.class': `${prefix}FileConfigProvider`,
  'config.providers.file.param.allowed.paths': '/secrets',
  'config.providers.dir.class': `${prefix}DirectoryConfigProvider`,
  'config.providers.env.class': `${prefix}EnvVarConfigProvider`,
  'config.providers.env.param.allowlist.pattern': 'HOME_.*',
};

function resolve(properties: Record<string, string>): {
  value: string | undefined;
  secrets: readonly string[];
} {
  const resolved = resolveProviders(new Map(Object.entries({ ...base, ...properties })), sources);
  return { value: resolved.properties.get('k'), secrets: resolved.secrets };
}

test.each([
  ['${file:/secrets/broker.properties:password}', 'top secret', ['top secret']],
  ['a${file:/link/broker.properties:password}b${env:HOME_PORT}', 'atop secretb9', ['top secret', '9']],
  ['${file:/secrets/broker.properties:empty}', '', []],
  ['${dir:/secrets/dir/:ca}', 'line\n', ['line\n']],
  ['${unknown:x} $' + '{HOME} $', '${unknown:x} $' + '{HOME} $', []],
])('%s', (text, value, secrets) => {
  expect(resolve({ k: text })).toEqual({ value, secrets });
});

test.each([
  [
    { k: '${file:/secrets/broker.properties:nope}' },
    /\$\{file:.*:nope\} of k does not exist: correct the name/,
  ],
  [{ k: '${file:/secrets/none:x}' }, /could not be read: ENOENT/],
  [{ k: '${file:/etc/passwd:x}' }, /not within allowed\.paths/],
  [{ k: '${file:/secretsX/a:x}' }, /not within allowed\.paths/],
  [{ k: '${dir:/secrets/dir:../broker.properties}' }, /not the name of a file/],
  [{ k: '${env:OTHER}' }, /does not exist/],
  [
    { 'config.providers.file.class': 'com.example.Vault' },
    /com\.example\.Vault: set it to .*FileConfigProvider/,
  ],
  [{ 'config.providers': 'x' }, /config\.providers\.x\.class is not set/],
])('%o', (properties, message) => {
  expect(() => resolve(properties as Record<string, string>)).toThrow(message);
});

test('values of a provider are hidden in messages', () => {
  expect(hideSecrets('Invalid value top secret for a', ['top secret'])).toBe('Invalid value [hidden] for a');
});
