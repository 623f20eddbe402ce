import { describe, expect, test } from 'vitest';
import { inspectProperties } from '../../src/config/inspect.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { parseProperties, propertyLines } from '../../src/config/properties-file.ts';

const good = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
controller.listener.names=CONTROLLER
`;

const problemsOf = (text: string) => inspectProperties(parseProperties(text)).problems;

describe('all mistakes of a properties file', () => {
  test('a file without a mistake has none', () => {
    expect(problemsOf(good)).toEqual([]);
  });

  test('of a file for ZooKeeper are found together with what to add, and without each missing key', () => {
    const { problems, warnings } = inspectProperties(
      parseProperties(
        'broker.id=1\nzookeeper.connect=localhost:2181\nnum.network.threads=three\nlog.retention.hourz=3\n',
      ),
    );
    expect(problems.map(({ keys }) => keys[0])).toEqual(['zookeeper.connect', 'num.network.threads']);
    expect(warnings.join()).toMatch(/log\.retention\.hourz.*did you mean log\.retention\.hours/);
  });

  test('invalid values, missing keys and values that do not fit together are all found in one pass', () => {
    const text = `${good.replace('node.id=1', 'nodeid=1').replace('@localhost:9093', '')}
num.io.threads=none
listeners=PLAINTEXT://:9092,CONTROLLER://:9092
http.listeners=web
metrics.port=9092
queued.max.request.bytes=10
`;
    const found = problemsOf(text);
    expect(found.map(({ keys }) => keys[0]).sort()).toEqual([
      'controller.quorum.voters',
      'http.listeners',
      'listeners',
      'metrics.port',
      'node.id',
      'num.io.threads',
      'queued.max.request.bytes',
    ]);
    expect(found.find(({ keys }) => keys[0] === 'node.id')?.remedy).toBe('node.id=… instead of nodeid=…');
    for (const { remedy } of found) expect(remedy).not.toBe('');
  });

  test('an invalid value is not reported again by checks of several keys', () => {
    // The default of the invalid key would be too small for the other one.
    const text = `${good}group.consumer.max.session.timeout.ms=-5\ngroup.consumer.session.timeout.ms=70000\n`;
    expect(problemsOf(text).map(({ message }) => message)).toEqual([
      'Invalid value -5 for configuration group.consumer.max.session.timeout.ms: Value must be at least 1',
    ]);
  });

  test.each([
    good.replace('node.id=1', 'node.id=2'),
    good.replace('CONTROLLER://:9093', 'OTHER://:9093'),
    `${good}advertised.listeners=PLAINTEXT://0.0.0.0:9092\n`,
    `${good}http.listeners=WEB\n`,
    `${good}metrics.port=9093\n`,
    `${good}log.retention.ms=0\n`,
    'broker.id=1\nzookeeper.connect=localhost\n',
    '',
  ])('they include what a start refuses, with the same message: %#', (text) => {
    let refusal = '';
    try {
      NodeConfig.parse(text);
    } catch (error) {
      refusal = (error as Error).message;
    }
    expect(refusal).not.toBe('');
    expect(problemsOf(text).map(({ message }) => message)).toContain(refusal);
  });
});

test('lines of a properties file keep their numbers after comments and continued lines', () => {
  const text = '\uFEFFa=1\n# b=2\n\nc = \\\n  3\r\na:4\n';
  expect(propertyLines(text)).toEqual([
    { key: 'a', value: '1', line: 1 },
    { key: 'c', value: '3', line: 4 },
    { key: 'a', value: '4', line: 6 },
  ]);
});
