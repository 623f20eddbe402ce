/** Checks the files for containers as far as possible without a container engine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planContainer } from '../../src/cli/container/plan.ts';
import { NodeConfig } from '../../src/config/node-config.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'docs/ops/container');

/** The `environment:` maps of a Compose file, which are written one key a line here. */
function environments(text: string): Record<string, string>[] {
  return [...text.matchAll(/^ {4}environment:\n((?: {6}.*\n)+)/gm)].map((found) =>
    Object.fromEntries(
      [...(found[1] as string).matchAll(/^ {6}([A-Z_]+): (.*)$/gm)].map((line) => [line[1], line[2]]),
    ),
  );
}

const files = readdirSync(folder).filter((name) => name.endsWith('.yml'));

test.each(files)('the nodes of %s can start and belong together', (name) => {
  const all = environments(readFileSync(join(folder, name), 'utf8'));
  expect(all.length).toBe(name.includes('three') ? 3 : 1);
  const plans = all.map((env) => planContainer({ env, dialect: null, root: '', readFile: () => null }));
  const configs = plans.map(
    ({ properties }) => new NodeConfig(new Map([...properties].map(([key, { value }]) => [key, value]))),
  );
  expect(plans.map(({ dialect }) => dialect)).toEqual(plans.map(() => 'apache'));
  expect(new Set(plans.map(({ clusterId }) => clusterId)).size).toBe(1);
  expect(configs.flatMap(({ warnings }) => warnings)).toEqual([]);
  expect(configs.map(({ nodeId }) => nodeId)).toEqual(configs[0]?.voters.map(({ id }) => id));
});

test('the Dockerfile copies existing files and starts the entry point', () => {
  const text = readFileSync(join(folder, 'Dockerfile'), 'utf8');
  const copied = [...text.matchAll(/COPY --from=build \/src\/(\S+)/g)].map((found) => found[1] as string);
  for (const name of copied) expect(existsSync(join(root, name)), name).toBe(true);
  expect(copied).toEqual(expect.arrayContaining(['package.json', 'node_modules', 'bin', 'dist', 'proto']));
  const entry = /ENTRYPOINT \["\/opt\/kafka\/([^"]+)"\]/.exec(text)?.[1] as string;
  expect(existsSync(join(root, entry))).toBe(true);
  const [major] = (/node:(\d+)/.exec(text) as RegExpExecArray).slice(1);
  expect(Number(major)).toBeGreaterThanOrEqual(20);
});

test('the systemd unit starts a launcher and counts the exit status after SIGTERM as success', () => {
  const text = readFileSync(join(root, 'docs/ops/bendemann.service'), 'utf8');
  const start = /^ExecStart=\/opt\/kafka\/(\S+) /m.exec(text)?.[1] as string;
  expect(existsSync(join(root, start))).toBe(true);
  expect(text).toMatch(/^SuccessExitStatus=143$/m);
});
