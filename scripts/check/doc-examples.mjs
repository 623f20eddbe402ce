/**
 * Compiles the TypeScript examples in the documentation: each `@example` of an export of the entry points for tests, and each
 * `ts` block of docs/testing.md. An example that imports nothing may use all exports and a cluster named `kafka`.
 *
 * usage: node scripts/check/doc-examples.mjs
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { entries } from './entry-points.mjs';

const documents = ['docs/testing.md'];
const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
const compilerOptions = {
  ...options,
  noEmit: true,
  noUnusedLocals: false,
  noUnusedParameters: false,
  // An example imports all exports in one statement, including types.
  verbatimModuleSyntax: false,
  isolatedModules: false,
  skipLibCheck: true,
  paths: Object.fromEntries(
    Object.entries(entries).map(([name, file]) => [`bendemann/${name}`, [`./${file}`]]),
  ),
};
const prelude = `import type { TestKafka } from 'bendemann/testing';\ndeclare const kafka: TestKafka;\n`;

/** Returns the code of the `ts` blocks of a text. */
function blocksOf(text) {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code);
}

const failures = [];

/** Returns the examples: where each stands, and its code. */
function examplesOf() {
  const program = ts.createProgram(Object.values(entries), compilerOptions);
  const checker = program.getTypeChecker();
  return Object.entries(entries).flatMap(([entry, file]) => {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));
    const names = symbols.map(({ name }) => name).join(', ');
    return symbols.flatMap((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const tags = target.getJsDocTags(checker).filter(({ name }) => name === 'example');
      const blocks = tags.flatMap(({ text }) => blocksOf(`${ts.displayPartsToString(text)}\n`));
      if (blocks.length === 0) failures.push(`bendemann/${entry}: ${symbol.name} has no example`);
      return blocks.map((code) => ({
        where: `bendemann/${entry}: the example of ${symbol.name}`,
        code: /^import /m.test(code)
          ? code
          : `${prelude}import { ${names.replaceAll('TestKafka, ', '')} } from 'bendemann/${entry}';\n${code}`,
      }));
    });
  });
}

const examples = [
  ...examplesOf(),
  ...documents.flatMap((file) => blocksOf(readFileSync(file, 'utf8')).map((code) => ({ where: file, code }))),
];
const sources = new Map(
  examples.map(({ where, code }, at) => [
    `${process.cwd()}/doc-example-${at}.ts`,
    { where, code: `${code}\nexport {};\n` },
  ]),
);
const host = ts.createCompilerHost(compilerOptions);
const { fileExists, readFile, getSourceFile } = host;
host.fileExists = (path) => sources.has(path) || fileExists(path);
host.readFile = (path) => sources.get(path)?.code ?? readFile(path);
host.getSourceFile = (path, ...rest) =>
  sources.has(path)
    ? ts.createSourceFile(path, sources.get(path).code, ts.ScriptTarget.Latest, true)
    : getSourceFile.call(host, path, ...rest);
const program = ts.createProgram([...sources.keys()], compilerOptions, host);
for (const [path, { where }] of sources)
  for (const { messageText } of ts.getPreEmitDiagnostics(program, program.getSourceFile(path)))
    failures.push(`${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
for (const failure of failures) console.error(failure);
if (failures.length === 0) console.log(`${examples.length} examples compile`);
process.exit(failures.length === 0 ? 0 : 1);
