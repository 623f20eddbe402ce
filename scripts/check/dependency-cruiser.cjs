/**
 * The rules of layering for dependency-cruiser, derived from floors.json: a folder of src/ imports only from lower floors,
 * some folders never import another one, there are no cycles, and npm packages and Node's own modules are imported only where
 * floors.json allows it.
 */
const { floors, onlyImportedBy, neverImports, packages, nodeModules } = require('./floors.json');

const folders = floors.flat();
const folderPath = (names) => `^src/(${names.join('|')})/`;
const rules = [
  {
    name: 'no-cycles',
    severity: 'error',
    from: { path: '^src/' },
    to: { circular: true },
  },
];

floors.forEach((floor, level) => {
  for (const folder of floor) {
    const forbidden = floors
      .slice(level)
      .flat()
      .filter((name) => name !== folder);
    rules.push({
      name: `floor-${folder}`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: folderPath(forbidden) },
    });
  }
});
for (const [folder, importers] of Object.entries(onlyImportedBy)) {
  rules.push({
    name: `only-some-import-${folder}`,
    severity: 'error',
    from: { path: '^src/', pathNot: folderPath([...importers, folder]) },
    to: { path: `^src/${folder}/` },
  });
}
for (const [from, to] of Object.entries(neverImports)) {
  rules.push({
    name: `${from} never imports ${to}`,
    severity: 'error',
    from: { path: `^src/${from}` },
    to: { path: `^src/${to}` },
  });
}
for (const folder of folders) {
  const allowed = packages[folder] ?? [];
  const pathNot = allowed.map((name) => `node_modules/${name}/`);
  rules.push({
    name: `packages-${folder}`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { path: 'node_modules/', ...(pathNot.length > 0 ? { pathNot } : {}) },
  });
  const modules = nodeModules[folder] ?? [];
  if (modules[0] === '*') continue;
  const names = modules.map((name) => `^${name.replace('node:', '(node:)?')}$`);
  rules.push({
    name: `node-modules-${folder}`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { dependencyTypes: ['core'], ...(names.length > 0 ? { pathNot: names } : {}) },
  });
}

module.exports = {
  forbidden: rules,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
};
