/**
 * The stream between a broker and the active controller is reset at every moment of a request. The broker sends the request
 * again on a new stream, to the same controller, which has to carry it out once: the oracle of the simulation judges the
 * answers.
 */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src/simulation/random.ts';
import { ImageChecker } from '../../src/testing/cluster/image-checker.ts';
import { MetadataOperations } from '../../src/testing/cluster/metadata-operations.ts';
import { TimeLine } from '../../src/testing/cluster/time-line.ts';
import { Verdict } from '../../src/testing/cluster/verdict.ts';
import { type Scenario, simulate } from '../../src/testing/index.ts';
import type { SimulatedNode } from '../../src/testing/simulated-cluster.ts';

/** The delays after sending a request, in ms of virtual time, at which the streams are reset. */
const resetAfterMs = Array.from({ length: 40 }, (_, at) => at * 0.25);

function run(cluster: Scenario): { violation: string | null; codes: number[]; epochs: number } {
  const verdict = new Verdict();
  const timeLine = new TimeLine();
  const images = new ImageChecker(cluster, timeLine, verdict);
  const operations = new MetadataOperations(timeLine, images);
  cluster.world.afterEvent = () => void images.check();
  cluster.start();
  cluster.run(2_000);
  const firstEpoch = images.newestEpoch;
  const controller = cluster.activeController() as SimulatedNode;
  const broker = cluster.nodes.find((node) => node !== controller) as SimulatedNode;
  const client = cluster.client({}, cluster.nodes.indexOf(broker));
  const random = new SeededRandom(1);
  const interrupted = (delayMs: number, operation: Promise<void>): void => {
    cluster.run(delayMs);
    cluster.network.resetBetween(controller.host, broker.host);
    cluster.await(operation);
  };
  for (const [at, delayMs] of resetAfterMs.entries()) {
    const name = `t0-${at}`;
    interrupted(delayMs, operations.create(client, name, random));
    interrupted(delayMs, operations.remove(client, name));
  }
  cluster.run(1_000);
  operations.check(verdict);
  const codes = operations.operations.map(({ code }) => code ?? -1);
  return { violation: verdict.violation?.message ?? null, codes, epochs: images.newestEpoch - firstEpoch };
}

describe('a request that its broker sends again to the same controller', () => {
  test('is carried out once, so it creates or deletes the topic without an error', async () => {
    const { violation, codes, epochs } = await simulate({ seed: 7, nodeCount: 3 }, run);
    expect(epochs).toBe(0);
    expect(violation).toBe(null);
    expect(new Set(codes)).toEqual(new Set([0]));
  });
});
