/**
 * The second half of the build, from the modules that tsc wrote to dist/.
 *
 * dist/tools/ has them in a few files: loading four hundred small modules takes a starting node more time than running it (390
 * against 165 ms of CPU). The launchers use it only when it is as new as the rest of dist/, so during development a plain `tsc`
 * is enough.
 *
 * dist/testing/kafka/required/ is `bendemann/testing` as CommonJS, for jest: its `require` cannot load ES modules. It has what
 * runs in the test's thread. The nodes run in another one, from the ES modules.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const dist = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const { tools } = await import(pathToFileURL(join(dist, 'cli/tools.js')).href);

const modules = new Set(tools.map(({ module }) => module));
const input = { entry: join(dist, 'cli/entry.js') };
for (const module of modules) {
  const path = join(dist, 'cli', `${module}.js`);
  if (existsSync(path)) input[module] = path;
}
rmSync(join(dist, 'tools'), { recursive: true, force: true });
const isPackage = (id) => !id.startsWith('.') && !id.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(id);
const isWire = (id) =>
  /(^|node_modules[\\/])(@grpc|@protobufjs|protobufjs|long|lodash\.camelcase|@js-sdsl)([\\/]|$)/.test(id);
const bundle = await rolldown({
  input,
  platform: 'node',
  // Packages are not bundled, because some contain native code. gRPC and @grpc/proto-loader are the exception: they have some
  // two hundred files, and load a third faster as one part of the bundle.
  external: (id) => isPackage(id) && !isWire(id),
});
// dist/tools/ lies at the same depth as dist/cli/, so paths that start from import.meta.url stay right.
await bundle.write({
  dir: join(dist, 'tools'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'part-[name]-[hash].js',
});
await bundle.close();

const testing = join(dist, 'testing/kafka');
const required = join(testing, 'required');
rmSync(required, { recursive: true, force: true });
/** The path of a module of dist/testing/kafka/ as seen from required/. */
const above = (name) => ['..', name].join('/');
const here = 'start-here.js';
const commonJs = await rolldown({
  input: { index: join(testing, 'index.js') },
  platform: 'node',
  external: isPackage,
  plugins: [
    {
      name: 'nodes stay ES modules',
      resolveId: (id) => (id.endsWith(here) ? { id: above(here), external: true } : null),
    },
  ],
});
await commonJs.write({
  dir: required,
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: 'part-[name].cjs',
});
await commonJs.close();

/** The types of the CommonJS form: those of the ES module, with its functions and classes as values. */
const names = Object.keys(await import(pathToFileURL(join(testing, 'index.js')).href));
const from = `'${above('index.js')}' with { 'resolution-mode': 'import' }`;
writeFileSync(
  join(required, 'index.d.cts'),
  [
    `import type * as testing from ${from};`,
    `export type * from ${from};`,
    ...names.map((name) => `export declare const ${name}: typeof testing.${name};`),
    ...names.filter((name) => /^[A-Z]/.test(name)).map((name) => `export type ${name} = testing.${name};`),
    '',
  ].join('\n'),
);
