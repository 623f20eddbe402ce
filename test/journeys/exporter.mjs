/**
 * kafka_exporter, the exporter of topics and groups for Prometheus. It is not downloaded: the variable KAFKA_EXPORTER names the
 * program. `/metrics` of our nodes must have its series, with its names, labels and values.
 */
import { freePorts, NotHere, same, waitFor } from './lib.mjs';
import { ourSeries, seriesOf, startLagging } from './lag.mjs';

export const about =
  'kafka_exporter says of topics and groups what /metrics says, also when a node was killed';
export const isShort = false;

/** Its other series are about its own process. It may list a killed broker for a while. */
const isCompared = (name) => /^kafka_(broker|topic|consumergroup)/.test(name);
const isOfGroup = (name) => /^kafka_consumergroup/.test(name);

export async function travel(journey) {
  const program = process.env.KAFKA_EXPORTER;
  if (program === undefined) throw new NotHere('KAFKA_EXPORTER=PATH names no kafka_exporter');
  const lagging = await startLagging(journey);
  const { cluster, write } = lagging;
  const [port] = await freePorts(1);
  journey.start('exporter', program, [
    ...cluster.bootstrap.split(',').map((server) => `--kafka.server=${server}`),
    '--kafka.version=2.8.0',
    '--refresh.metadata=1s',
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  const theirSeries = async () => seriesOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  const compare = async (total, isMeant) => {
    const sum = 'kafka_consumergroup_lag_sum{consumergroup="billing",topic="orders"}';
    await waitFor(
      `a lag of ${total} by kafka_exporter`,
      60_000,
      async () => (await theirSeries()).get(sum) === total,
    );
    let differences = [];
    await waitFor('the same in /metrics', 60_000, async () => {
      const [theirs, ours] = [await theirSeries(), await ourSeries(lagging)];
      differences = [...theirs]
        .filter(([name, value]) => isMeant(name) && ours.get(name) !== value)
        .map(([name, value]) => `${name} ${value}, ours ${ours.get(name)}`);
      return differences.length === 0;
    }).catch(() => same('differences', differences, []));
    return [...(await theirSeries()).keys()].filter(isMeant).length;
  };
  const count = await compare(20, isCompared);
  await cluster.kill(cluster.nodes[0]);
  write(30, 36);
  await compare(26, isOfGroup);
  return `${count} series compared`;
}
