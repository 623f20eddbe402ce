/**
 * Checks the public surface of the package. docs/api/*.d.txt list every export of the entry points for tests with its public
 * members. When the exports differ from the lists, this check fails. After an intended change, --write updates the lists, and
 * the diff of the commit shows the change. Every export must have a doc comment.
 *
 * usage: node scripts/check/api.mjs [--write]
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { scriptOptions } from '../lib/options.mjs';
import { entries } from './entry-points.mjs';

const { values } = scriptOptions(import.meta.url, { write: { type: 'boolean' } });
const folder = 'docs/api';

const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
const emitted = new Map();
const program = ts.createProgram(Object.values(entries), {
  ...options,
  noEmit: false,
  declaration: true,
  stripInternal: true,
  emitDeclarationOnly: true,
  rootDir: '.',
  outDir: '/out',
});
program.emit(undefined, (path, text) => emitted.set(path.replace(/^.*\/out\//, ''), text), undefined, true);

const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

/** Returns the text of a declaration without private members. */
function publicText(statement, source) {
  const hidden = (node) =>
    ts.isPrivateIdentifier(node.name ?? node) ||
    (ts.canHaveModifiers(node) &&
      ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword));
  const strip = (context) => (node) =>
    ts.isClassDeclaration(node)
      ? ts.factory.updateClassDeclaration(
          node,
          node.modifiers,
          node.name,
          node.typeParameters,
          node.heritageClauses,
          node.members.filter((member) => !hidden(member)),
        )
      : node;
  const { transformed } = ts.transform(statement, [strip]);
  return printer.printNode(ts.EmitHint.Unspecified, transformed[0], source);
}

const undocumented = [];

function declarationOf(symbol) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const [declaration] = target.declarations ?? [];
  if (ts.displayPartsToString(target.getDocumentationComment(checker)) === '') undocumented.push(symbol.name);
  const file = declaration.getSourceFile().fileName.replace(`${process.cwd()}/`, '');
  const text = emitted.get(file.replace(/\.ts$/, '.d.ts'));
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const statements = source.statements.filter(
    (/** @type {any} */ statement) =>
      statement.name?.text === target.name ||
      (ts.isVariableStatement(statement) &&
        statement.declarationList.declarations.some(({ name }) => name.getText(source) === target.name)),
  );
  return statements.map((statement) => publicText(statement, source)).join('\n');
}

function reportOf(entry) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  return `${symbols.map(declarationOf).join('\n\n')}\n`;
}

let failed = false;
mkdirSync(folder, { recursive: true });
for (const [name, entry] of Object.entries(entries)) {
  const path = `${folder}/${name}.d.txt`;
  const report = reportOf(entry);
  if (values.write) writeFileSync(path, report);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== report) {
    console.error(
      `${path} is not what bendemann/${name} exports. If the change is meant: node scripts/check/api.mjs --write`,
    );
    failed = true;
  }
}
if (undocumented.length > 0) {
  console.error(`exports without a doc comment: ${[...new Set(undocumented)].join(', ')}`);
  failed = true;
}
process.exit(failed ? 1 : 0);
