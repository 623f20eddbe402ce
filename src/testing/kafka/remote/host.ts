/** The clusters' end of the link between a test and its clusters (`endpoint.ts`). */
import { TestKafka } from '../cluster.ts';
import { Fault } from '../faults.ts';
import { DiskFaults } from '../node-disk.ts';
import { Snapshot } from '../snapshot.ts';
import { startHere } from '../start-here.ts';
import { TestNode } from '../test-node.ts';
import { Endpoint, type Link } from './endpoint.ts';
import type { KindName } from './members.ts';

const classes: readonly (readonly [KindName, abstract new (...args: never[]) => object])[] = [
  ['kafka', TestKafka],
  ['node', TestNode],
  ['fault', Fault],
  ['disk', DiskFaults],
  ['snapshot', Snapshot],
];

export function hostEndpoint(link: Link): Endpoint {
  const kindOf = (value: object): KindName | null =>
    classes.find(([, type]) => value instanceof type)?.[0] ?? null;
  return new Endpoint(link, { startKafka: startHere }, { kindOf });
}
