/**
 * What every launcher of this folder does: find the built tools, say clearly when they are not there, and run one.
 * Plain CommonJS, because Node takes a script without an ending (or with .sh) only so; JVM settings such as
 * KAFKA_HEAP_OPTS are left alone, there is no JVM.
 */
const { existsSync, statSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

/** The bundled tools, unless the modules were built again after them. */
function entryOf(dist) {
  const bundled = statSync(join(dist, 'tools', 'entry.js'), { throwIfNoEntry: false });
  const built = statSync(join(dist, '.tsbuildinfo'), { throwIfNoEntry: false });
  const isCurrent = bundled !== undefined && bundled.mtimeMs >= (built?.mtimeMs ?? 0);
  return join(dist, isCurrent ? 'tools' : 'cli', 'entry.js');
}

module.exports = function launch(name) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(`${name} needs Node.js 20.19 or newer; this is ${process.version}.\n`);
    process.exit(1);
  }
  const entry = entryOf(join(__dirname, '..', 'dist'));
  if (!existsSync(entry)) {
    const root = join(__dirname, '..');
    process.stderr.write(`${name} is not built yet. Run in ${root}:\n\n  npm install && npm run build\n\n`);
    process.exit(1);
  }
  // Newer versions of Node keep compiled code between runs.
  require('node:module').enableCompileCache?.();
  import(pathToFileURL(entry).href).then(
    ({ runTool }) => runTool(name, process.argv.slice(2)),
    (error) => {
      process.stderr.write(`${error?.stack ?? error}\n`);
      process.exit(1);
    },
  );
};
