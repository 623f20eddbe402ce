/**
 * Part `start`: the time from the start of the process to the first acknowledged record. Part `idle`: memory and CPU time of a
 * node that has nothing to do.
 */
import { sleep } from '../lib/cluster.mjs';
import { cpuSeconds, residentBytes, withCluster } from './systems.mjs';

const settleMs = 10_000;
const idleSeconds = 20;
const timeoutMs = 60_000;

async function startToRecord(cluster, probes) {
  const [node] = cluster.nodes;
  const addresses = cluster.addresses();
  const startedMs = performance.now();
  cluster.start(node);
  if (!(await probes.produceOne(addresses, 'first', timeoutMs))) throw new Error('the node did not come up');
  return (performance.now() - startedMs) / 1000;
}

export async function benchStart(system, { probes, results }) {
  await withCluster(system, 1, async (cluster) => {
    const [node] = cluster.nodes;
    results.add(
      'start to first acknowledged record, new node',
      's',
      system,
      await startToRecord(cluster, probes),
    );
    await cluster.kill(node);
    results.add('the same after kill -9', 's', system, await startToRecord(cluster, probes));
  });
}

export async function benchIdle(system, { probes, results }) {
  await withCluster(system, 1, async (cluster) => {
    const [node] = cluster.nodes;
    await startToRecord(cluster, probes);
    await sleep(settleMs);
    const { pid } = node.process;
    const before = cpuSeconds(pid);
    await sleep(idleSeconds * 1000);
    const share = (cpuSeconds(pid) - before) / idleSeconds;
    results.add('idle memory, one node', 'MiB', system, residentBytes(pid) / 2 ** 20);
    results.add('idle CPU, one node', '% of a core', system, share * 100);
  });
}
