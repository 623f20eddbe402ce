import { expect, test } from 'vitest';
import { parseStart } from '../../src/cli/node/start-arguments.ts';
import { runMain } from '../../src/cli/entry.ts';
import { main as stop } from '../../src/cli/node/kafka-server-stop.ts';
import { main as zooKeeper } from '../../src/cli/node/zookeeper.ts';
import type { CliIo } from '../../src/cli/tool.ts';

function io(): CliIo & { out: string; err: string } {
  const world = {
    out: '',
    err: '',
    stdout: (text: string | Uint8Array) => {
      world.out += String(text);
    },
    stderr: (text: string) => {
      world.err += text;
    },
    stdinLines: async function* () {},
    isStdinTerminal: false,
    env: {},
    onSignal: () => () => {},
  };
  return world as CliIo & { out: string; err: string };
}

test('the file, -daemon and --override are parsed, and arguments for the JVM are ignored', () => {
  expect(
    parseStart(['-daemon', '-name', 'x', '-loggc', 's.properties', '--override', 'a=b=c', '--override=d=e']),
  ).toEqual({
    isDaemon: true,
    file: 's.properties',
    overrides: new Map([
      ['a', 'b=c'],
      ['d', 'e'],
    ]),
  });
});

test.each([[[]], [['-daemon']], [['--help']], [['f', 'x']], [['f', '--override', 'x']]])(
  '%j prints the usage',
  (args: string[]) => {
    expect(() => parseStart(args)).toThrow(
      /USAGE: kafka-server-start \[-daemon\] server.properties \[--override/,
    );
  },
);

test('kafka-server-stop refuses unknown options', async () => {
  const world = io();
  expect(await runMain(stop, ['--all'], world)).toBe(1);
  expect(world.err).toContain('USAGE: kafka-server-stop');
});

test('tools for ZooKeeper name their replacements', async () => {
  const world = io();
  expect(await runMain(zooKeeper, ['zookeeper.properties'], world)).toBe(1);
  expect(world.err).toContain('kafka-storage.sh format');
});
