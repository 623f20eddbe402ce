/**
 * Measures how the quorum of three combined nodes with default settings reacts. Part `controller-kill`: the time from `kill -9`
 * of the active controller to the next created topic. Part `quiet`: the number of elections while nothing happens. Part
 * `stalls`: the number of elections while every node is stopped for 200 ms at random moments. Part `handover`: the longest time
 * without a created topic, while topics are created without pause and the active controller is stopped by SIGTERM.
 */
import { sleep, waitFor } from '../lib/cluster.mjs';
import { controllerKilled, recover } from './failover.mjs';
import { startAndWait, withCluster } from './systems.mjs';

const timeoutMs = 60_000;
const pauseMs = 200;
/** The longest time from the end of one stop of a node to its next stop. */
const betweenMsMax = 2000;
const creatorCount = 4;
const aroundStopMs = 2000;

function percentile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/** Runs `body` with a cluster that is in service and has a topic on all nodes. */
async function withQuorum(system, { clients, probes }, body, extra = {}) {
  await withCluster(
    system,
    3,
    async (cluster) => {
      await startAndWait(cluster, clients);
      const client = clients.client(cluster.addresses());
      try {
        await probes.readyTopic(client, 'quorum', 1, 3);
        await body(cluster, client);
      } finally {
        client.close();
      }
    },
    extra,
  );
}

export async function benchControllerKill(system, context) {
  const { clients, probes, results, runs } = context;
  await withQuorum(system, context, async (cluster, client) => {
    const what = 'kill -9 of the active controller to the next topic';
    const all = [];
    for (let i = 0; i < runs; i++) {
      const { victim, seconds } = await controllerKilled(cluster, client, probes, clients, `created-${i}`);
      all.push(seconds);
      results.add(what, 's', system, seconds);
      await recover(cluster, victim, client, probes, 'quorum');
    }
    results.add(`${what}, 95 of 100 runs`, 's', system, percentile(all, 0.95));
  });
}

/** Returns by how much the epoch of the quorum grows while `during` runs. */
async function elections(client, probes, during) {
  const epoch = async () =>
    (await waitFor('a controller', timeoutMs, () => probes.quorumLeader(client))).leaderEpoch;
  await sleep(5000);
  const before = await epoch();
  await during();
  await sleep(5000);
  return (await epoch()) - before;
}

export async function benchQuiet(system, context) {
  const { probes, results, minutes } = context;
  await withQuorum(system, context, async (_, client) => {
    const count = await elections(client, probes, () => sleep(minutes * 60_000));
    results.add(`elections in ${minutes} min of rest`, 'count', system, count);
  });
}

/** Stops one node again and again for a short time, at random moments. */
async function stall(node, untilMs) {
  let count = 0;
  while (performance.now() < untilMs) {
    await sleep(Math.random() * betweenMsMax);
    node.process.kill('SIGSTOP');
    await sleep(pauseMs);
    node.process.kill('SIGCONT');
    count += 1;
  }
  return count;
}

export async function benchStalls(system, context) {
  const { probes, results, minutes } = context;
  await withQuorum(system, context, async (cluster, client) => {
    let pauses = 0;
    const count = await elections(client, probes, async () => {
      const untilMs = performance.now() + minutes * 60_000;
      for (const one of await Promise.all(cluster.nodes.map((node) => stall(node, untilMs)))) pauses += one;
    });
    const label = `${minutes} min, every node stands still for ${pauseMs} ms at random moments`;
    results.add(`${label}: pauses`, 'count', system, pauses);
    results.add(`${label}: elections`, 'count', system, count);
  });
}

/** Creates topics without pause, through brokers that keep running. `doneMs` has the times of the responses. */
class Creators {
  doneMs = [];
  topics = [];
  #isStopped = false;
  #loops;

  constructor(addresses, clients, probes, name) {
    this.#loops = Array.from({ length: creatorCount }, async (_, index) => {
      const client = clients.client(addresses, { requestTimeoutMs: 5000 });
      for (let i = 0; !this.#isStopped; i++) {
        try {
          const topic = `${name}-${index}-${i}`;
          this.topics.push(topic);
          await probes.createTopic(client, topic, 1, 1, 5000);
          this.doneMs.push(performance.now());
        } catch {
          await sleep(1);
        }
      }
      client.close();
    });
  }

  async stop() {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  longestGapMs(fromMs, toMs) {
    const moments = [fromMs, ...this.doneMs.filter((at) => at > fromMs && at < toMs), toMs];
    return Math.max(...moments.slice(1).map((at, i) => at - moments[i]));
  }
}

export async function benchHandover(system, context) {
  const { clients, probes, results, runs } = context;
  await withQuorum(system, context, async (cluster, client) => {
    for (let i = 0; i < runs; i++) {
      const { leaderId } = await waitFor('a controller', timeoutMs, () => probes.quorumLeader(client));
      const victim = cluster.nodes.find(({ id }) => id === leaderId);
      const rest = cluster.addresses().filter((_, at) => cluster.nodes[at] !== victim);
      const creators = new Creators(rest, clients, probes, `handover-${i}`);
      await sleep(aroundStopMs);
      const askedMs = performance.now();
      await cluster.kill(victim, 'SIGTERM');
      const stoppedMs = performance.now();
      await sleep(aroundStopMs);
      await creators.stop();
      const label = `${creatorCount} clients create topics, longest pause between two answers`;
      const before = creators.longestGapMs(askedMs - aroundStopMs / 2, askedMs);
      const during = creators.longestGapMs(askedMs, stoppedMs + aroundStopMs);
      results.add(`${label}: before`, 'ms', system, before);
      results.add(`${label}: while the active controller stops`, 'ms', system, during);
      await recover(cluster, victim, client, probes, 'quorum');
      // Deletes the topics, so that the next run has a cluster of the same size.
      await probes.deleteTopics(client, creators.topics);
    }
  });
}
