/**
 * Part `failover`: three combined nodes with default settings. Measures the time from `kill -9` of a partition's leader to the
 * next record that all in-sync replicas have, and from `kill -9` of the active controller to the next created topic. Part
 * `pauses`: processes are stopped for 200 ms again and again, which must cause no election.
 */
import { sleep, waitFor } from '../lib/cluster.mjs';
import { startAndWait, withCluster } from './systems.mjs';

const timeoutMs = 60_000;
const pauseMs = 200;
const betweenMs = 300;

function nodeOf(cluster, id) {
  return cluster.nodes.find((node) => node.id === id);
}

function survivors(cluster, victim) {
  const addresses = cluster.addresses();
  return cluster.nodes.flatMap((node, i) => (node === victim ? [] : [addresses[i]]));
}

/** Starts the killed node again and waits until it is in sync. */
export async function recover(cluster, victim, client, probes, topic) {
  cluster.start(victim);
  await waitFor('the node back in the ISR', timeoutMs, async () =>
    (await probes.partitionsOf(client, topic)).every(({ isr }) => isr.length === 3),
  );
  await sleep(2000);
}

async function leaderKilled(cluster, client, probes, topic) {
  const [{ leader }] = await probes.partitionsOf(client, topic);
  const victim = nodeOf(cluster, leader);
  const rest = survivors(cluster, victim);
  if (!(await probes.produceOne(cluster.addresses(), topic, timeoutMs)))
    throw new Error('no record before the kill');
  const killedMs = performance.now();
  await cluster.kill(victim);
  if (!(await probes.produceOne(rest, topic, timeoutMs))) throw new Error('no record after the kill');
  return { victim, seconds: (performance.now() - killedMs) / 1000 };
}

/** Measures until the first response of any other node that the topic was created. */
export async function controllerKilled(cluster, client, probes, clients, topic) {
  const { leaderId } = await waitFor('a controller', timeoutMs, () => probes.quorumLeader(client));
  const victim = nodeOf(cluster, leaderId);
  const rest = survivors(cluster, victim);
  const killedMs = performance.now();
  await cluster.kill(victim);
  let isDone = false;
  const tries = rest.map(async (address) => {
    while (!isDone && performance.now() < killedMs + timeoutMs) {
      const one = clients.client([address], { requestTimeoutMs: 1000 });
      try {
        await probes.createTopic(one, topic, 1, 1, 1000);
        isDone = true;
        return (performance.now() - killedMs) / 1000;
      } catch {
        await sleep(10);
      } finally {
        one.close();
      }
    }
    return Number.POSITIVE_INFINITY;
  });
  return { victim, seconds: Math.min(...(await Promise.all(tries))) };
}

export async function benchFailover(system, { clients, probes, results, runs }) {
  await withCluster(system, 3, async (cluster) => {
    await startAndWait(cluster, clients);
    const client = clients.client(cluster.addresses());
    try {
      await probes.readyTopic(client, 'failover', 1, 3);
      for (let i = 0; i < runs; i++) {
        const { victim, seconds } = await leaderKilled(cluster, client, probes, 'failover');
        results.add('kill -9 of a leader to the next acknowledged record', 's', system, seconds);
        await recover(cluster, victim, client, probes, 'failover');
      }
      for (let i = 0; i < runs; i++) {
        const { victim, seconds } = await controllerKilled(cluster, client, probes, clients, `created-${i}`);
        results.add('kill -9 of the active controller to the next topic', 's', system, seconds);
        await recover(cluster, victim, client, probes, 'failover');
      }
    } finally {
      client.close();
    }
  });
}

export async function benchPauses(system, { clients, probes, results, pauseSeconds }) {
  await withCluster(system, 3, async (cluster) => {
    await startAndWait(cluster, clients);
    const client = clients.client(cluster.addresses());
    const epochs = async () => {
      const { leaderEpoch } = await waitFor('a controller', timeoutMs, () => probes.quorumLeader(client));
      const partitions = await probes.partitionsOf(client, 'pauses');
      return {
        quorum: leaderEpoch,
        partitions: partitions.reduce((sum, { leaderEpoch }) => sum + leaderEpoch, 0),
      };
    };
    try {
      await probes.readyTopic(client, 'pauses', 3, 3);
      await sleep(5000);
      const before = await epochs();
      for (const node of cluster.nodes) {
        const untilMs = performance.now() + pauseSeconds * 1000;
        while (performance.now() < untilMs) {
          node.process.kill('SIGSTOP');
          await sleep(pauseMs);
          node.process.kill('SIGCONT');
          await sleep(betweenMs);
        }
      }
      const after = await epochs();
      const label = `pauses of ${pauseMs} ms, ${pauseSeconds} s on each node:`;
      results.add(`${label} elections of a controller`, 'count', system, after.quorum - before.quorum);
      results.add(
        `${label} new leaders of 3 partitions`,
        'count',
        system,
        after.partitions - before.partitions,
      );
    } finally {
      client.close();
    }
  });
}
