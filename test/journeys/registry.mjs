/**
 * A schema registry, Apicurio, that keeps its schemas in a topic of ours; records in Avro by the serializer of kafkajs.
 *
 * Two registries share the topic. One is killed and comes back without anything on its disk, so all that it knows then, it has
 * read from the topic.
 */
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { freePorts, json, run, same, waitFor } from './lib.mjs';

export const about =
  'a schema registry on a topic of ours: two registries, one killed, the topic loses its leader; Avro written and read';
export const isShort = false;

const version = '3.0.9';
const coordinate = `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`;
const subject = 'orders-value';
const field = (name, type, more = {}) => ({ name, type, ...more });
const schemaOf = (...fields) => JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields });
const first = schemaOf(field('id', 'int'));
const second = schemaOf(field('id', 'int'), field('note', 'string', { default: '' }));
/** A reader with this schema could not read the records of the second one: the field has no default. */
const unfit = schemaOf(field('id', 'int'), field('price', 'double'));

async function startRegistry(journey, folder, cluster, name) {
  const [port, management] = await freePorts(2);
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const start = () =>
    journey.start(
      name,
      'java',
      [
        '-Xmx512m',
        '-XX:+UseSerialGC',
        `-Dquarkus.http.port=${port}`,
        `-Dquarkus.management.port=${management}`,
        '-jar',
        join(folder, `apicurio-registry-app-${version}-runner.jar`),
      ],
      {
        env: {
          ...process.env,
          APICURIO_STORAGE_KIND: 'kafkasql',
          APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: cluster.bootstrap,
        },
      },
    );
  const registry = { url, program: start() };
  registry.restart = () => (registry.program = start());
  return registry;
}

const subjectsOf = (registry) => json(`${registry.url}/subjects`);
const inService = (registry) =>
  waitFor('the registry', 180_000, async () => Array.isArray(await subjectsOf(registry)));

/** Ids of all versions of the subject, as a registry knows them. */
async function idsOf(registry) {
  const versions = await json(`${registry.url}/subjects/${subject}/versions`);
  return Promise.all(
    versions.map(async (one) => (await json(`${registry.url}/subjects/${subject}/versions/${one}`)).id),
  );
}

/** Writes orders in Avro and reads them, by the serializer of kafkajs and the registry that is given. */
function avroClient(client, load) {
  const { SchemaRegistry, SchemaType } = load('@kafkajs/confluent-schema-registry');
  const serializer = (registry) => new SchemaRegistry({ host: registry.url });
  return {
    register: async (registry, schema) =>
      (await serializer(registry).register({ type: SchemaType.AVRO, schema }, { subject })).id,
    write: async (producer, registry, id, orders) => {
      const avro = serializer(registry);
      const messages = orders.map(async (order) => ({ value: await avro.encode(id, order) }));
      await producer.send({ topic: 'orders', messages: await Promise.all(messages) });
    },
    read: async (registry, count) => {
      const consumer = client.consumer({ groupId: 'readers' });
      const avro = serializer(registry);
      const orders = [];
      await consumer.connect();
      await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
      const eachMessage = async ({ message }) => void orders.push(await avro.decode(message.value));
      await consumer.run({ eachMessage });
      await waitFor(`${count} orders`, 60_000, () => orders.length >= count);
      await consumer.disconnect();
      return orders.map(({ ...order }) => order).sort((left, right) => left.id - right.id);
    },
  };
}

/** Kills the broker that leads the topic of the registries. */
async function killLeader(cluster, client) {
  const admin = client.admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: ['kafkasql-journal'] });
  await admin.disconnect();
  await cluster.kill(cluster.nodes.find(({ id }) => id === topics[0].partitions[0].leader));
}

async function requireRefused(attempt) {
  const said = await attempt.then(
    (id) => `it has the id ${id}`,
    (error) => error.message,
  );
  if (!/compatib/i.test(said)) throw new Error(`a schema that does not fit was not refused: ${said}`);
}

export async function travel(journey) {
  const folder = journey.archive('registry', coordinate);
  const load = journey.packages('registry-client', ['@kafkajs/confluent-schema-registry@4.1.0']);
  const cluster = await journey.cluster(3);
  const one = await startRegistry(journey, folder, cluster, 'registry-1');
  // The first one makes the topics.
  await inService(one);
  const two = await startRegistry(journey, folder, cluster, 'registry-2');
  await inService(two);
  const topic = ['--create', '--topic', 'orders', '--partitions', '3'];
  run(join(cluster.bin, 'kafka-topics'), ['--bootstrap-server', cluster.bootstrap, ...topic]);
  const client = new Kafka({ brokers: cluster.bootstrap.split(','), logLevel: logLevel.NOTHING });
  const { register, write, read } = avroClient(client, load);
  const producer = client.producer();
  await producer.connect();

  const firstId = await register(one, first);
  await write(producer, one, firstId, [{ id: 1 }, { id: 2 }]);
  const known = async (registry, id) => (await idsOf(registry)).includes(id);
  await waitFor('the schema in the other registry', 60_000, () => known(two, firstId));

  // One registry is killed, and the broker that leads its topic. The other one takes a schema all the same.
  await one.program.kill('SIGKILL');
  await killLeader(cluster, client);
  const secondId = await waitFor('a second schema', 120_000, () => register(two, second));
  await write(producer, two, secondId, [{ id: 3, note: 'late' }]);
  await json(`${two.url}/config/${subject}`, 'PUT', { compatibility: 'BACKWARD' });
  await requireRefused(register(two, unfit));

  // The killed one has nothing but the topic to read its schemas from.
  one.restart();
  await inService(one);
  same('schemas after kill -9', await idsOf(one), [firstId, secondId]);
  await two.program.kill('SIGKILL');
  await write(producer, one, secondId, [{ id: 4, note: 'last' }]);
  await producer.disconnect();
  const orders = [{ id: 1 }, { id: 2 }, { id: 3, note: 'late' }, { id: 4, note: 'last' }];
  same('orders read', await read(one, 4), orders);
}
