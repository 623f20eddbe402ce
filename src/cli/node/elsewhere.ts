/**
 * Tools of Apache Kafka that run Java programs: Connect, MirrorMaker, kafka-run-class, JMX. There is no Java here, so each
 * prints what to do instead.
 */
import { basename } from 'node:path';
import type { CliIo } from '../tool.ts';

const java = (
  what: string,
  command: string,
): string => `${what} is a Java program, and there is none of it here. Apache Kafka's \
own runs against this broker unchanged: download Apache Kafka (https://kafka.apache.org/downloads) on a machine with Java 17 or newer, \
set bootstrap.servers of its properties file to this cluster, and run there:

  ${command}
`;

const texts: Readonly<Record<string, string>> = {
  'connect-standalone': java(
    'Kafka Connect',
    'bin/connect-standalone.sh config/connect-standalone.properties CONNECTOR.properties',
  ),
  'connect-distributed': java(
    'Kafka Connect',
    'bin/connect-distributed.sh config/connect-distributed.properties',
  ),
  'connect-mirror-maker': java(
    'MirrorMaker 2',
    'bin/connect-mirror-maker.sh config/connect-mirror-maker.properties',
  ),
  'connect-plugin-path': java('Kafka Connect', 'bin/connect-plugin-path.sh list --plugin-path DIR'),
  'kafka-run-class': java('A class that kafka-run-class runs', 'bin/kafka-run-class.sh CLASS [ARGUMENT...]'),
  'kafka-jmx': `There is no Java machine here and so no JMX. The same numbers, under the names of the JMX exporter, are at \
http://HOST:PORT/metrics when metrics.port=PORT is set in the properties file; docs/metrics.md lists them.
`,
};

/** Returns the text for a tool. `tool` is the path of the launcher that was called. */
export function textFor(tool: string): string {
  return texts[basename(tool).replace(/\.sh$/, '')] ?? (texts['kafka-run-class'] as string);
}

export async function main(_args: readonly string[], io: CliIo): Promise<number> {
  io.stderr(textFor(process.argv[1] ?? ''));
  return 1;
}
