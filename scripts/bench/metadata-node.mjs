/**
 * Child process of `metadata-scale.mjs`: one real node with the real store. It carries out the commands of its parent, and
 * reports the cost of each: CPU time, the longest turn of the event loop, and memory.
 *
 *  node --expose-gc scripts/bench/metadata-node.mjs DIST PROPERTIES-FILE
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TurnMonitor } from './turn-monitor.mjs';

const [dist, propertiesFile] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(dist, path)).href);
const [
  { Node },
  { realPorts },
  { NodeConfig },
  { systemScheduler },
  { makeRoomForGarbage },
  { createTransport },
  { SnapshotWriter },
] = await Promise.all(
  [
    'server/node.js',
    'server/main.js',
    'config/node-config.js',
    'adapters/clock.js',
    'adapters/heap.js',
    'adapters/one-port.js',
    'server/controller/snapshot-writer.js',
  ].map(load),
);

/** Replaces an error by its stack. Without this, `JSON.stringify` would write an error as `{}`. */
const readable = (_key, value) => (value instanceof Error ? value.stack : value);
const write = (level) => (message, fields) => {
  if (level !== 'debug')
    process.stderr.write(
      `${(performance.now() / 1000).toFixed(2)} ${level} ${message} ${fields ? JSON.stringify(fields, readable) : ''}\n`,
    );
};
const logger = {
  debug: write('debug'),
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
  child: () => logger,
};

const properties = new Map(
  readFileSync(propertiesFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);
const config = new NodeConfig(properties);
makeRoomForGarbage(systemScheduler);
const transport = createTransport({ logger, backlog: config.get('socket.listen.backlog.size') });
const fatal = (error) => {
  process.stderr.write(`fatal ${error?.stack ?? error}\n`);
  process.exit(1);
};
const node = new Node(config, realPorts(transport, logger, fatal));

const turns = new TurnMonitor();
let began = process.cpuUsage();

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const commands = {
  start: () => node.start(),
  /** Resolves when the image of this node has `count` topics. */
  topics: ({ count }) => until(() => (node.image?.topics.size ?? 0) >= count),
  /** Resolves when this node is the active controller. */
  active: () => until(() => node.controller?.driver?.isActive === true),
  /** Passes a request to the active controller in this process. The empty principal means that a node itself sends it. */
  async submit({ apiKey, apiVersion, body }) {
    const sender = { requestId: 0, lowestPendingId: 0, principal: '', clientId: '' };
    const call = { type: 'call', ...sender, apiKey, apiVersion, body: Buffer.from(body, 'base64') };
    return Buffer.from(await node.controller.driver.decide(call)).toString('base64');
  },
  /** Writes a snapshot as the node does by itself. Resolves when it is written. */
  snapshot: () =>
    new Promise((resolve, reject) => {
      const { log, loader } = node.controller;
      const own = { ...logger, info: resolve, error: (message, fields) => reject(new Error(fields.error)) };
      const writer = new SnapshotWriter({
        log,
        loader,
        bytesMax: 1,
        intervalMs: 0,
        scheduler: systemScheduler,
        logger: own,
      });
      writer.onCommit([{ payload: new Uint8Array(1) }]);
    }),
  /** Resolves when, in the image of this node, no partition has the leader `from` and all partitions have one. */
  moved: ({ from }) =>
    until(() => {
      for (const topic of node.image.topics.all())
        for (const partition of topic.partitions)
          if (partition.leader === from || partition.leader < 0) return false;
      return true;
    }),
  /** Returns the partitions of a leader that `joiner` replicates without being in their ISR, in the form of AlterPartition. */
  outOfSync({ leader, joiner }) {
    const topics = [];
    for (const { id, partitions } of node.image.topics.all()) {
      const missing = partitions.filter(
        (one) => one.leader === leader && one.replicas.includes(joiner) && !one.isr.includes(joiner),
      );
      if (missing.length === 0) continue;
      topics.push({
        topicId: id,
        partitions: missing.map(({ index, leaderEpoch, partitionEpoch, isr }) => ({
          partitionIndex: index,
          leaderEpoch,
          partitionEpoch,
          isr: [...isr, joiner],
        })),
      });
    }
    return topics;
  },
  /** Resolves when each ISR has `count` members. */
  inSync: ({ count }) =>
    until(() => {
      for (const topic of node.image.topics.all())
        for (const { isr } of topic.partitions) if (isr.length < count) return false;
      return true;
    }),
  /** Resolves when each replica on this node has the role that the metadata says. */
  settled: () =>
    until(() => {
      const { image } = node;
      const { nodeId } = config;
      for (const topic of image.topics.all())
        for (const wanted of topic.partitions) {
          if (!wanted.replicas.includes(nodeId)) continue;
          if (node.broker.replicas.partition(topic.id, wanted.index)?.applied !== wanted) return false;
        }
      return true;
    }),
  begin() {
    turns.reset();
    began = process.cpuUsage();
  },
  end() {
    const { user, system } = process.cpuUsage(began);
    return { cpuMs: (user + system) / 1000, turnMs: turns.longestMs };
  },
  async memory() {
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { rss, heapUsed } = process.memoryUsage();
    return {
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      residentBytesMax: process.resourceUsage().maxRSS * 1024,
    };
  },
  async stop() {
    await node.stop();
    await transport.close();
  },
};

process.on('message', async ({ id, name, options }) => {
  try {
    process.send({ id, value: await commands[name](options) });
  } catch (error) {
    process.send({ id, error: error?.stack ?? String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ id: 0 });
