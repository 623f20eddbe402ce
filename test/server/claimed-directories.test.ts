/** What a start says of a log directory that it cannot use. */
import { expect, test } from 'vitest';
import { NodeConfig } from '../../src/config/node-config.ts';
import { metaPropertiesText, writeMetaProperties } from '../../src/log/directories/meta-properties.ts';
import { claimDirectories } from '../../src/server/claimed-directories.ts';
import { Bench, idA, idB } from '../log/harness.ts';

async function claim(paths: readonly string[], later: string): Promise<unknown> {
  const { fs, random, logger, clock } = new Bench();
  for (const [i, path] of paths.entries()) {
    const meta = { clusterId: 'c', nodeId: 1, directoryId: i === 0 ? idA : idB };
    await fs.makeDirectory(path);
    await writeMetaProperties(fs, path, meta, 'today');
    if (path !== later) continue;
    const file = await fs.open(`${path}/meta.properties`, 'write');
    const text = metaPropertiesText(meta, 'today').replace('version=1', 'version=2');
    await file.write([new TextEncoder().encode(text)], 0);
    await file.close();
  }
  const config = new NodeConfig(
    new Map([
      ['process.roles', 'broker,controller'],
      ['node.id', '1'],
      ['controller.quorum.voters', '1@n1:9093'],
      ['listeners', 'PLAINTEXT://n1:9092,CONTROLLER://n1:9093'],
      ['controller.listener.names', 'CONTROLLER'],
      ['log.dirs', paths.join(',')],
    ]),
  );
  return await claimDirectories({ config, fs, random, logger, clock });
}

test.each([
  [['/a'], '/a'],
  [['/a', '/b'], '/a'],
  [['/a', '/b'], '/b'],
])(
  'of %s, a directory %s of a later release ends the start, which advises neither to format nor to repair it',
  async (paths, later) => {
    const says = `${later}/meta.properties: Unknown meta.properties version number 2. A later release has written this.`;
    await expect(claim(paths, later)).rejects.toThrow(says);
  },
);

test('two directories of this release are claimed', async () => {
  await expect(claim(['/a', '/b'], '')).resolves.toMatchObject({ clusterId: 'c' });
});
