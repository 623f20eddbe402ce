/** Kafka Connect between databases: rows of MariaDB to a topic and back into another table, workers and nodes killed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { converters, workerProperties } from './connect.mjs';
import { freePorts, json, kafkaVersion, NotHere, run, same, waitFor } from './lib.mjs';

export const about =
  'Connect with JDBC: MariaDB to a topic to MariaDB, a worker and a node killed, no row lost';
export const isShort = false;

const source = fileURLToPath(new URL('./jdbc', import.meta.url));
const coordinates = [
  `org.apache.kafka:connect-runtime:${kafkaVersion}`,
  'org.mariadb.jdbc:mariadb-java-client:3.5.3',
  'org.slf4j:slf4j-simple:1.7.36',
];

/** A server of its own, on a socket and a port in the journey's folder. */
async function startDatabase(journey) {
  const [port] = await freePorts(1);
  const data = journey.path('mariadb');
  const socket = journey.path('mariadb.sock');
  try {
    run('mariadb-install-db', [
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
    ]);
  } catch (error) {
    if (error instanceof NotHere) throw new NotHere('MariaDB is not installed (Debian: mariadb-server)');
    throw error;
  }
  const own = [
    `--datadir=${data}`,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--user=root',
  ];
  journey.start('mariadb', 'mariadbd', ['--no-defaults', ...own]);
  const sql = (text) =>
    run('mariadb', ['--no-defaults', '-N', '-u', 'root', `--socket=${socket}`, '-e', text]);
  await waitFor('MariaDB', 60_000, () => sql('SELECT 1'));
  sql(`CREATE DATABASE shop; CREATE USER app@'127.0.0.1'; GRANT ALL ON shop.* TO app@'127.0.0.1';
    CREATE TABLE shop.orders (id BIGINT PRIMARY KEY AUTO_INCREMENT, name TEXT);
    CREATE TABLE shop.copies (id BIGINT PRIMARY KEY, name TEXT);`);
  return { sql, url: `jdbc:mariadb://127.0.0.1:${port}/shop?user=app` };
}

/** Two workers of a distributed Connect that know the connectors of `jdbc/`. */
async function startWorkers(journey, cluster) {
  const classPath = journey.jars('jdbc', coordinates);
  const classes = journey.path('classes');
  mkdirSync(classes);
  run('javac', [
    '-cp',
    classPath,
    '-d',
    classes,
    join(source, 'JdbcSource.java'),
    join(source, 'JdbcSink.java'),
  ]);
  const ports = await freePorts(2);
  const workers = ports.map((port, at) => {
    const properties = journey.write(`worker-${at}.properties`, {
      ...workerProperties(cluster, port),
      ...converters,
      // Our connectors have no manifest of services.
      'plugin.discovery': 'only_scan',
      'plugin.path': classes,
    });
    const main = 'org.apache.kafka.connect.cli.ConnectDistributed';
    return journey.java(`worker-${at}`, [classes, classPath], main, [properties]);
  });
  return { workers, url: `http://127.0.0.1:${ports[0]}` };
}

export async function travel(journey) {
  const database = await startDatabase(journey);
  const cluster = await journey.cluster(3);
  const { workers, url } = await startWorkers(journey, cluster);
  const create = (name, config) =>
    waitFor(`connector ${name}`, 120_000, () => json(`${url}/connectors`, 'POST', { name, config }));
  const insert = (from, to) => {
    const rows = Array.from({ length: to - from }, (_, at) => `('name ${from + at}')`).join(',');
    database.sql(`INSERT INTO shop.orders (name) VALUES ${rows}`);
  };
  insert(0, 50);
  await create('source', {
    'connector.class': 'JdbcSource',
    url: database.url,
    table: 'orders',
    topic: 'orders',
  });
  await create('sink', {
    'connector.class': 'JdbcSink',
    url: database.url,
    table: 'copies',
    topics: 'orders',
  });
  const copied = (count) =>
    waitFor(
      `${count} copied rows`,
      180_000,
      () => Number(database.sql('SELECT COUNT(*) FROM shop.copies')) >= count,
    );
  await copied(50);
  await workers[1].kill('SIGKILL');
  insert(50, 100);
  await cluster.kill(cluster.nodes[0]);
  insert(100, 150);
  await copied(150);
  const rows = (table) => database.sql(`SELECT * FROM shop.${table} ORDER BY id`).trim().split('\n');
  same('rows', rows('copies'), rows('orders'));
}
