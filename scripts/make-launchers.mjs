/**
 * Makes bin/ from the table of tools (src/cli/tools.ts): a launcher for each tool under its Kafka name, with and without .sh,
 * and one in bin/windows/*.bat. The launchers are committed; a test checks that they are up to date. Run: node
 * scripts/make-launchers.mjs
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Returns the content of the files in bin/ by their path. Files that users run have `isExecutable`. */
export function launcherFiles(tools) {
  const files = new Map();
  for (const { name } of tools) {
    const script = `#!/usr/bin/env node\n// Made by scripts/make-launchers.mjs.\nrequire('./launch.cjs')('${name}');\n`;
    files.set(`bin/${name}`, { content: script, isExecutable: true });
    files.set(`bin/${name}.sh`, { content: script, isExecutable: true });
    const batch = `@echo off\r\nrem Made by scripts/make-launchers.mjs.\r\nnode "%~dp0..\\${name}" %*\r\n`;
    files.set(`bin/windows/${name}.bat`, { content: batch, isExecutable: false });
  }
  return files;
}

async function readTools() {
  const { default: typescript } = await import('typescript');
  const source = readFileSync(join(root, 'src/cli/tools.ts'), 'utf8');
  const options = { target: typescript.ScriptTarget.ES2022, module: typescript.ModuleKind.ESNext };
  const { outputText } = typescript.transpileModule(source, { compilerOptions: options });
  const { tools } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);
  return tools;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(join(root, 'bin/windows'), { recursive: true });
  for (const [path, { content, isExecutable }] of launcherFiles(await readTools())) {
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), isExecutable ? 0o755 : 0o644);
  }
}
