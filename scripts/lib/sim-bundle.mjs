/**
 * Bundles a simulated world and the code that runs it into one file that Node.js can load. It starts from the TypeScript
 * sources, so no build is needed, and a changed copy of the sources can be simulated too.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

/** The module of each world, and its name in the module. */
export const worlds = {
  raft: { module: 'simulation/raft/world.ts', name: 'raftWorld' },
  cluster: { module: 'testing/cluster/world.ts', name: 'clusterWorld' },
};

const entryId = 'simulation-entry';

/** Bundles the world `name` from the folder of sources `src` into the folder `out`. Returns the path of the file. */
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
    // Packages are not bundled.
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
