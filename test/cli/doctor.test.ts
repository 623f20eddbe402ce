/** `bendemann doctor` with files whose mistakes hide one another. The rest is in `bendemann.test.ts`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { doctor } from '../../src/cli/bendemann/doctor.ts';
import type { CliIo } from '../../src/cli/tool.ts';

const folder = mkdtempSync(join(tmpdir(), 'bendemann-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function propertiesOf(id: number, voters: string): string {
  const path = join(folder, `node-${id}.properties`);
  const lines = [
    'process.roles=broker,controller',
    `node.id=${id}`,
    `controller.quorum.voters=${voters}`,
    'controller.listener.names=CONTROLLER',
    `listeners=PLAINTEXT://localhost:${29190 + 10 * id},CONTROLLER://localhost:${29191 + 10 * id}`,
    `log.dirs=${join(folder, `data-${id}`)}`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

async function findings(files: readonly string[]): Promise<string> {
  let out = '';
  const stdout = (text: string): void => {
    out += text;
  };
  await doctor(files, { stdout, stderr: stdout, env: {} } as unknown as CliIo);
  return out;
}

const voters = '1@localhost:29201,2@localhost:29211';

test.each(['1@localhost', '5@localhost:29193'])(
  'doctor compares voters with those of the first file whose own are valid, not with %s',
  async (invalid) => {
    const [one, two] = [propertiesOf(1, invalid), propertiesOf(2, voters)];
    const out = await findings([one, two]);
    expect(out).toContain(
      `${one}:3: its voters are not those of ${two}: the quorum may split\n    change: controller.quorum.voters=${voters}\n`,
    );
    expect(out).not.toContain(`${two}:3:`);
  },
);

test('doctor does not compare voters when no file has valid ones', async () => {
  const out = await findings([propertiesOf(1, '1@localhost'), propertiesOf(2, '2@localhost')]);
  expect(out).toContain('Invalid configuration value for controller.quorum.voters');
  expect(out).not.toContain('its voters are not those of');
});
