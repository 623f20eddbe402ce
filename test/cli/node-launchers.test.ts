/** Which processes kafka-server-stop recognises as nodes of this package, and which properties file a command line names. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { matches, startArguments, windowsWords } from '../../src/cli/node/kafka-server-stop.ts';
import { readPropertiesFile } from '../../src/cli/node/properties-path.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bendemann-launchers-'));
  for (const folder of ['bin', 'other', 'kraft-config']) mkdirSync(join(root, folder));
  for (const file of [
    'bin/kafka-server-start',
    'bin/kafka-server-start.sh',
    'bin/launch.cjs',
    'other/kafka-server-start',
  ])
    writeFileSync(join(root, file), '');
  for (const name of ['server', 'reconfig-server', 'broker'])
    writeFileSync(join(root, 'kraft-config', `${name}.properties`), `file=${name}\n`);
});
afterAll(() => rmSync(root, { recursive: true }));

test('a command line of Windows is split into its words', () => {
  const line =
    '412 "C:\\Program Files\\nodejs\\node.exe"  "C:\\kafka\\bin\\windows\\..\\kafka-server-start" C:\\s.properties --override "a=b c"\r';
  const [id, ...words] = windowsWords(line);
  expect(id).toBe('412');
  expect(words).toEqual([
    'C:\\Program Files\\nodejs\\node.exe',
    'C:\\kafka\\bin\\windows\\..\\kafka-server-start',
    'C:\\s.properties',
    '--override',
    'a=b c',
  ]);
  expect(startArguments(['node.exe', 'bin\\kafka-server-start', 's'], null)).toEqual(['s']);
});

test('a node is found by its role and id when config.providers supply them', () => {
  const secrets = join(root, 'secrets.properties');
  writeFileSync(secrets, 'id=7\n');
  const file = join(root, 'provided.properties');
  const provider = 'org.apache.kafka.common.config.provider';
  writeFileSync(
    file,
    `config.providers=file,env
config.providers.file.class=${provider}.FileConfigProvider
config.providers.env.class=${provider}.EnvVarConfigProvider
node.id=\${file:${secrets}:id}
process.roles=\${env:ROLES}
`,
  );
  const server = { id: 1, args: [file], workingDirectory: root, env: { ROLES: 'broker' } };
  const found = (role: string | null, nodeId: string | null): boolean =>
    matches(server, { role, nodeId }, {});
  expect([found(null, '7'), found(null, '8')]).toEqual([true, false]);
  expect([found('broker', null), found('controller', null)]).toEqual([true, false]);
  // Its values are gone: nothing matches, and nothing fails.
  rmSync(secrets);
  expect(found(null, '7')).toBe(false);
});

describe('whether a process is a node of ours', () => {
  test.each([
    ['node bin/kafka-server-start s.properties', ['s.properties']],
    [
      '/usr/bin/node bin/kafka-server-start.sh s.properties --override a=b',
      ['s.properties', '--override', 'a=b'],
    ],
    ['node --max-old-space-size=512 --inspect bin/kafka-server-start s', ['s']],
    ['node -r ./hook.cjs --title kafka bin/kafka-server-start s', ['s']],
    ['node --import ./telemetry.mjs -- bin/kafka-server-start s', ['s']],
    ['nodejs bin/kafka-server-start s', ['s']],
    ['node ROOT/bin/kafka-server-start s', ['s']],
    ['node removed/kafka-server-start s', ['s']],
    // Somebody else's processes.
    ['vi bin/kafka-server-start', null],
    ['node build.js bin/kafka-server-start', null],
    ['node -e bin/kafka-server-start', null],
    ['node --check bin/kafka-server-start', null],
    ['node -r bin/kafka-server-start other.js', null],
    ['node other/kafka-server-start s', null],
    ['node bin/kafka-server-start-wrapper s', null],
    ['java -cp x kafka.Kafka bin/kafka-server-start', null],
    ['nodemon bin/kafka-server-start s', null],
    ['node', null],
  ] as const)('%s: arguments %j', (line, args) => {
    const words = line.split(' ').map((word) => word.replace('ROOT', root));
    expect(startArguments(words, root)).toEqual(args);
  });

  test('is decided by names when the working directory of the process is unknown', () => {
    expect(startArguments(['node', 'bin/kafka-server-start', 's'], null)).toEqual(['s']);
    expect(startArguments(['node', join(root, 'other', 'kafka-server-start'), 's'], null)).toBeNull();
  });
});

describe('the path of a properties file', () => {
  test.each([
    ['kraft-config/server.properties', 'server'],
    ['config/kraft/server.properties', 'server'],
    ['config/kraft/reconfig-server.properties', 'reconfig-server'],
    ['config/server.properties', 'reconfig-server'],
    ['config/broker.properties', 'broker'],
  ])('%s means the file of the installation', (path, name) => {
    expect(readPropertiesFile(join(root, path), root)).toBe(`file=${name}\n`);
  });

  test('means the file itself when it exists', () => {
    mkdirSync(join(root, 'config'));
    writeFileSync(join(root, 'config', 'server.properties'), 'mine=1\n');
    expect(readPropertiesFile(join(root, 'config', 'server.properties'), root)).toBe('mine=1\n');
  });

  test('of a missing file is refused with the files of the installation and the probable one', () => {
    const read = (path: string) => () => readPropertiesFile(path, root);
    expect(read('/nowhere/broker.properties')).toThrow(
      `The properties file /nowhere/broker.properties does not exist.\nThe files that come with Bendemann are in ${root}/kraft-config/: broker.properties, reconfig-server.properties, server.properties\nYou probably mean ${root}/kraft-config/broker.properties`,
    );
    expect(read('nope.properties')).toThrow(`does not exist in ${process.cwd()}.`);
    expect(read('nope.properties')).toThrow('kraft-config/server.properties');
  });

  test('of a folder is refused', () => {
    expect(() => readPropertiesFile(root, root)).toThrow("can't be read: EISDIR");
  });
});
