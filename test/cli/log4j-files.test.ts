/** The files have the essential lines of those in Apache Kafka's downloads: 4.x (YAML) and 3.x (log4j.properties). */
import { expect, test } from 'vitest';
import { log4jPath, loggingOf } from '../../src/cli/node/logging.ts';
import { parseLog4jFile } from '../../src/cli/node/log4j-files.ts';

const yaml = `
Configuration:
  Properties:
    Property:
      - name: "kafka.logs.dir"
        value: "."
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDOUT
    Logger:
      - name: kafka
        level: INFO
      - name: org.apache.kafka.raft
        level: DEBUG
`;

const log4j2 = `
rootLogger.level = \${env:ROOT_LEVEL:-WARN}
rootLogger.appenderRef.stdout.ref = STDOUT
logger.kafka.name = kafka
logger.kafka.level = info
logger.raft = DEBUG, STDOUT
logger.raft.name = org.apache.kafka.raft
`;

const log4j1 = `
log4j.rootLogger=WARN, stdout, kafkaAppender
log4j.logger.kafka=INFO
log4j.logger.org.apache.kafka.raft=DEBUG, stdout
log4j.additivity.kafka=false
`;

const xml = `<?xml version="1.0"?><Configuration><Loggers>
<!-- <Logger name="kafka" level="OFF"/> -->
<Logger name="kafka" level="INFO" additivity="false"/><Logger level='debug' name='org.apache.kafka.raft'/>
<Root level="WARN"><AppenderRef ref="STDOUT"/></Root></Loggers></Configuration>`;

const json = JSON.stringify({
  configuration: {
    loggers: {
      root: { level: 'WARN' },
      logger: [
        { name: 'kafka', level: 'INFO' },
        { name: 'org.apache.kafka.raft', level: 'DEBUG' },
      ],
    },
  },
});

test.each([
  ['log4j2.yaml', yaml],
  ['log4j2.properties', log4j2],
  ['log4j.properties', log4j1.replaceAll('\n', '\r\n')],
  ['log4j2.xml', xml],
  ['log4j2.json', json],
])('levels are read from a file in the format of %s', async (name, text) => {
  const { levels, isJson, problems } = await parseLog4jFile(name, text, {});
  expect([...levels].sort()).toEqual([
    ['kafka', 'INFO'],
    ['org.apache.kafka.raft', 'DEBUG'],
    ['root', 'WARN'],
  ]);
  expect([isJson, problems]).toEqual([false, []]);
});

test('lookups and JSON layouts are read, and an unknown level is reported', async () => {
  const text = `${log4j2}logger.raft.level=LOUD\nappender.a.layout.type=JsonTemplateLayout\n`;
  const found = await parseLog4jFile('x.properties', text, { ROOT_LEVEL: 'error' });
  expect(found.levels.get('root')).toBe('ERROR');
  expect(found.isJson).toBe(true);
  expect(found.problems).toEqual(['LOUD is not a level of log4j (logger org.apache.kafka.raft)']);
});

test.each([
  ['-Dlog4j.configuration=file:/opt/kafka/config/log4j.properties', '/opt/kafka/config/log4j.properties'],
  ['-Xmx1g -Dlog4j2.configurationFile=/etc/kafka/log4j2.yaml -Dx=1', '/etc/kafka/log4j2.yaml'],
  ['-Dlog4j2.configurationFile="/a b/log4j2.yaml"', '/a b/log4j2.yaml'],
  ['-Dlog4j2.configurationFile=file:///a/b.yaml', '/a/b.yaml'],
  ['-Dkafka.logs.dir=/x', null],
])('with the options %s the file is %s', (options, path) => {
  expect(log4jPath({ KAFKA_LOG4J_OPTS: options })).toBe(path);
  expect(log4jPath({ KAFKA_OPTS: options })).toBe(path);
});

test('variables of the images override the file; invalid ones cause warnings with a remedy', async () => {
  const env = {
    KAFKA_LOG4J_OPTS: '-Dlog4j2.configurationFile=/x/log4j2.yaml',
    KAFKA_LOG4J_ROOT_LOGLEVEL: 'ERROR',
    KAFKA_LOG4J_LOGGERS: 'kafka=DEBUG, org.apache.kafka.raft=TRACE,nonsense,kafka.log=LOUD',
  };
  const { levels, warnings } = await loggingOf(env, () => yaml);
  expect([
    levels.levelOf('x.y'),
    levels.levelOf('kafka.server'),
    levels.levelOf('org.apache.kafka.raft.X'),
  ]).toEqual(['ERROR', 'DEBUG', 'TRACE']);
  expect(warnings).toHaveLength(2);
  for (const warning of warnings) expect(warning).toContain('write LOGGER=LEVEL');
  const lost = await loggingOf(env, () => {
    throw new Error('ENOENT: no such file');
  });
  expect(lost.warnings[0]).toMatch(/ENOENT.*Correct it or its path/);
});
