/**
 * The lag of a group, told by kafkatop (which uses the Admin API), by our own `/metrics` and by kafka-consumer-groups: all
 * say the same, also when a node was killed.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { freePorts, run, same, waitFor } from './lib.mjs';

export const about =
  'the lag of a group by kafkatop, /metrics and kafka-consumer-groups, also when a node was killed';
export const isShort = false;

const group = 'billing';

/** Three nodes with metrics, 30 records in a topic of three partitions; the group has read 10 of them. */
export async function startLagging(journey) {
  const ports = await freePorts(3);
  const cluster = await journey.cluster(3, (own) => ({ 'metrics.port': ports[own['node.id'] - 1] }));
  const tool = (name, args, input) =>
    run(join(cluster.bin, name), ['--bootstrap-server', cluster.bootstrap, ...args], { input });
  tool('kafka-topics', ['--create', '--topic', 'orders', '--partitions', '3']);
  const write = (from, to) => {
    // Keys spread the records over the partitions.
    const lines = Array.from({ length: to - from }, (_, at) => `k${from + at}:order ${from + at}\n`).join('');
    const parse = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
    tool('kafka-console-producer', ['--topic', 'orders', ...parse], lines);
  };
  const read = (count) => {
    const limits = ['--max-messages', String(count), '--timeout-ms', '30000'];
    tool('kafka-console-consumer', ['--topic', 'orders', '--group', group, '--from-beginning', ...limits]);
  };
  write(0, 30);
  read(10);
  const metricsUrls = cluster.nodes.map((node, at) => ({
    node,
    url: `http://localhost:${ports[at]}/metrics`,
  }));
  return { cluster, tool, write, read, metricsUrls };
}

/** The series of an exposition: `name{labels}`, the labels in the order of their names, to value. */
export function seriesOf(text) {
  const rows = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)];
  const labelsOf = (labels) => (labels.match(/\w+="[^"]*"/g) ?? []).sort().join(',');
  return new Map(rows.map(([, name, labels = '', value]) => [`${name}{${labelsOf(labels)}}`, Number(value)]));
}

/** The metrics of all nodes that run. A series that several nodes have, has their greatest value. */
export async function ourSeries({ metricsUrls }) {
  const all = new Map();
  for (const { node, url } of metricsUrls) {
    if (node.process === null) continue;
    for (const [name, value] of seriesOf(await (await fetch(url)).text()))
      all.set(name, Math.max(value, all.get(name) ?? Number.NEGATIVE_INFINITY));
  }
  return all;
}

function lagByTool({ tool }) {
  const rows = [
    ...tool('kafka-consumer-groups', ['--describe', '--group', group]).matchAll(/^billing .*$/gm),
  ];
  return rows.map(([row]) => Number(row.trim().split(/\s+/)[5])).sort((left, right) => left - right);
}

export async function travel(journey) {
  const kafkatop = journey.pythonProgram('kafkatop', ['kafkatop==1.16']);
  const lagging = await startLagging(journey);
  const { cluster, write, read } = lagging;
  const lagByKafkatop = () => {
    const args = ['--kafka-broker', cluster.bootstrap, '--summary-json', '--all'];
    const { stdout } = spawnSync(kafkatop.command, args, {
      encoding: 'utf8',
      env: kafkatop.env,
      timeout: 120_000,
    });
    return JSON.parse(stdout)[group].topics.orders;
  };
  const check = async (total) => {
    await waitFor(`a lag of ${total} in /metrics`, 60_000, async () => {
      const series = await ourSeries(lagging);
      return series.get(`kafka_consumergroup_lag_sum{consumergroup="${group}",topic="orders"}`) === total;
    });
    const lags = lagByTool(lagging);
    same(
      'the lag by kafka-consumer-groups',
      lags.reduce((sum, lag) => sum + lag, 0),
      total,
    );
    const top = lagByKafkatop();
    same(
      'partitions, least and greatest lag by kafkatop',
      [top.partitions, top.lag_min, top.lag_max],
      [3, lags[0], lags[2]],
    );
  };
  await check(20);
  read(20);
  await check(0);
  await cluster.kill(cluster.nodes[0]);
  write(30, 36);
  await check(6);
  read(6);
  await check(0);
}
