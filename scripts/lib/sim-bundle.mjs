/**
 * Puts a simulated world, and what runs it, into one file that plain Node can load: from the TypeScript sources, so that
 * no build is needed and a patched copy of the sources can be simulated as well.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

/** Where the worlds are, by name. */
export const worlds = {
  raft: { module: 'simulation/raft/world.ts', name: 'raftWorld' },
  cluster: { module: 'testing/cluster/world.ts', name: 'clusterWorld' },
};

const entryId = 'simulation-entry';

/** Bundles `src` (a folder of sources) for the world `name` into the folder `out`; returns the path of the file. */
export async function bundleWorld(src, name, out) {
  const { module, name: exported } = worlds[name];
  const text = [
    `export { ${exported} as world } from ${JSON.stringify(join(src, module))};`,
    `export { hunt, shrink } from ${JSON.stringify(join(src, 'simulation/run.ts'))};`,
    `export { listenToMarks } from ${JSON.stringify(join(src, 'base/mark.ts'))};`,
  ].join('\n');
  const bundle = await rolldown({
    input: { [name]: entryId },
    platform: 'node',
    plugins: [
      {
        name: 'simulation-entry',
        resolveId: (id) => (id === entryId ? id : null),
        load: (id) => (id === entryId ? { code: text, moduleType: 'js' } : null),
      },
    ],
    // Packages stay where they are.
    external: (id) =>
      id !== entryId && !id.startsWith('.') && !id.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(id),
    logLevel: 'silent',
  });
  mkdirSync(out, { recursive: true });
  await bundle.write({ dir: out, format: 'esm', entryFileNames: '[name].mjs', codeSplitting: false });
  await bundle.close();
  return join(out, `${name}.mjs`);
}

export async function loadWorld(path) {
  return import(pathToFileURL(path).href);
}
