/**
 * The tools zookeeper-server-start, zookeeper-server-stop and zookeeper-shell, which older tutorials use. There is no ZooKeeper
 * here, so each prints what to do instead.
 */
import type { CliIo } from '../tool.ts';

const text = `There is no ZooKeeper here, and none is needed: since version 4 a Kafka cluster keeps its metadata itself (KRaft), and this \
server does so too. Leave the zookeeper-* steps of the tutorial out. Instead, format the data directory once and start the server:

  bin/kafka-storage.sh format -t "$(bin/kafka-storage.sh random-uuid)" -c kraft-config/server.properties
  bin/kafka-server-start.sh kraft-config/server.properties

and give the other tools --bootstrap-server localhost:9092 in place of --zookeeper localhost:2181.
`;

export async function main(_args: readonly string[], io: CliIo): Promise<number> {
  io.stderr(text);
  return 1;
}
