import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript, as scripts are
import { configurationPage, loadConfig } from '../../scripts/docs/config.mjs';
// @ts-expect-error plain JavaScript, as scripts are
import { launcherFiles } from '../../scripts/make-launchers.mjs';
import { NodeConfig } from '../../src/config/node-config.ts';
import { tools } from '../../src/cli/tools.ts';

const root = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'launchers-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('bin/ is up to date (else: node scripts/make-launchers.mjs)', () => {
  const files = launcherFiles(tools) as Map<string, { content: string; isExecutable: boolean }>;
  for (const [path, { content, isExecutable }] of files) {
    expect(readFileSync(join(root, path), 'utf8'), path).toBe(content);
    expect((statSync(join(root, path)).mode & 0o111) !== 0, path).toBe(isExecutable);
  }
  const own = ['launch.cjs', 'package.json', 'windows'];
  const listed = readdirSync(join(root, 'bin')).filter((name) => !own.includes(name));
  expect(listed.map((name) => `bin/${name}`).sort()).toEqual(
    [...files.keys()].filter((path) => !path.includes('windows')).sort(),
  );
});

test('a launcher without a build says how to build, from any directory and through a symbolic link', () => {
  cpSync(join(root, 'bin'), join(directory, 'package/bin'), { recursive: true });
  symlinkSync(join(directory, 'package/bin/kafka-storage.sh'), join(directory, 'ks'));
  const result = spawnSync(join(directory, 'ks'), ['random-uuid'], { cwd: '/', encoding: 'utf8' });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain('npm run build');
});

test('docs/configuration.md is up to date (else: npm run build && node scripts/docs/config.mjs)', async () => {
  const config = await loadConfig(
    (name: string) => import(/* @vite-ignore */ join(root, `src/config/${name}.ts`)),
  );
  const page = configurationPage(config) as string;
  const committed = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
  if (page !== committed) writeFileSync(join(directory, 'configuration.md'), page);
  expect(page === committed).toBe(true);
});

test.each(['server', 'node-1', 'node-2', 'node-3', 'controller', 'broker'])(
  'kraft-config/%s.properties is a valid configuration without warnings',
  (name) => {
    const config = NodeConfig.parse(readFileSync(join(root, `kraft-config/${name}.properties`), 'utf8'));
    expect(config.warnings).toEqual([]);
  },
);
