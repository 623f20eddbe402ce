/** kafka-metadata-quorum without a cluster: which controller a properties file describes, and mistakes in a command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { main } from '../../src/cli/quorum/kafka-metadata-quorum.ts';
import { identityIn } from '../../src/cli/quorum/kafka-metadata-quorum-add.ts';
import type { CliIo } from '../../src/cli/tool.ts';
import { parseProperties } from '../../src/config/properties-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'bendemann-quorum-tool-'));
const directoryId = 'AAAAAAAAQACAAAAAAAAABA';
writeFileSync(
  join(folder, 'meta.properties'),
  `version=1\ncluster.id=c\nnode.id=2\ndirectory.id=${directoryId}\n`,
);
afterAll(() => rmSync(folder, { recursive: true }));

const controller = `node.id=2\nprocess.roles=broker, controller\nlog.dirs=${folder},/elsewhere\n`;
const names = `${controller}controller.listener.names=A,B\n`;

test('the controller in a properties file has its advertised listeners, and localhost where no host is given', () => {
  const text = `${names}listeners=PLAINTEXT://:1,A://:2,B://[::1]:3\nadvertised.listeners=A://h:4\n`;
  expect(identityIn(parseProperties(text))).toEqual({
    id: 2,
    directoryId,
    endpoints: [
      { name: 'A', host: 'h', port: 4 },
      { name: 'B', host: '::1', port: 3 },
    ],
  });
  const alone = `${controller}controller.listener.names=A\nlisteners=A://:2\n`;
  expect(identityIn(parseProperties(alone)).endpoints).toEqual([{ name: 'A', host: 'localhost', port: 2 }]);
});

const doubt = 'Is this a valid controller configuration file?';
test.each([
  ['', `node.id not found in configuration file. ${doubt}`],
  ['node.id=-2', `node.id was negative in configuration file. ${doubt}`],
  ['node.id=x', 'For input string: "x"'],
  ['node.id=2', `process.roles did not contain 'controller' in configuration file. ${doubt}`],
  ['node.id=2\nprocess.roles=controller', `Neither metadata.log.dir nor log.dirs were found. ${doubt}`],
  [
    'node.id=2\nprocess.roles=controller\nmetadata.log.dir=/no/such',
    'Unable to read meta.properties from /no/such',
  ],
  [controller, `controller.listener.names was not found. ${doubt}`],
  [names, 'Cannot find information about controller listener name: A'],
])('the properties %j name no controller: %s', (text, message) => {
  expect(() => identityIn(parseProperties(text))).toThrow(message);
});

const server = ['--bootstrap-server', 'localhost:1'];
const removal = [...server, 'remove-controller', '-i', '3', '-d'];
test.each([
  [
    [...server, '--command-config', '/no/such', 'describe', '--status'],
    'Properties file /no/such does not exists!',
  ],
  [
    [...removal, 'xx'],
    'Failed to parse --controller-directory-id: Input string `xx` decoded as 1 bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID',
  ],
  [
    [...removal, 'a'.repeat(30)],
    'Failed to parse --controller-directory-id: Input string with prefix `aaaaaaaaaaaaaaaaaaaaaaaa` is too long to be decoded as a base64 UUID',
  ],
  [[...server, 'remove-controller', '-i', '-3', '-d', directoryId], 'Invalid negative --controller-id: -3'],
  [[...server, 'remove-controller', '-i', 'x', '-d', directoryId], /to Integer \(For input string: "x"\)/],
  [[...server, 'describe', '--stat', '--repl'], 'Only one of --status or --replication'],
])('%j is refused', async (args, message) => {
  await expect(main(args, {} as CliIo)).rejects.toThrow(message);
});

test('add-controller reads values of config.providers, as a node does', async () => {
  const file = join(folder, 'provided.properties');
  writeFileSync(
    file,
    `${names.replace('node.id=2', 'node.id=${env:NODE_ID}')}listeners=A://:2,B://:3
config.providers=env
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
`,
  );
  let out = '';
  const io = { stdout: (text: string) => (out += text), env: { NODE_ID: '2' } } as unknown as CliIo;
  const words = [
    '--bootstrap-server',
    'localhost:1',
    '--command-config',
    file,
    'add-controller',
    '--dry-run',
  ];
  expect(await main(words, io)).toBe(0);
  expect(out).toContain(`DRY RUN of adding controller 2 with directory id ${directoryId}`);
});
