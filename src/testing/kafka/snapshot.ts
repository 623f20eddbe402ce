/** A copy of everything that a cluster in memory has stored; it can be written to a file. */
import { deserialize, serialize } from 'node:v8';
import { readFile, writeFile } from 'node:fs/promises';
import type { StoredNode } from './node-storage.ts';

const magic = 'bendemann snapshot 1';

/**
 * What all nodes of a cluster had stored at one moment.
 *
 * @example
 * ```ts
 * const before = await kafka.snapshot();
 * await before.save('kafka.snapshot');
 * await kafka.restore(before);
 * ```
 */
export class Snapshot {
  readonly clusterId: string;
  /** @internal What each node stored, by its id. */
  readonly nodes: ReadonlyMap<number, StoredNode>;

  /** @internal The time of the cluster's clock when the snapshot was taken; null: unknown. */
  readonly wallMs: number | null;

  /** @internal */
  constructor(clusterId: string, nodes: ReadonlyMap<number, StoredNode>, wallMs: number | null = null) {
    this.clusterId = clusterId;
    this.nodes = nodes;
    this.wallMs = wallMs;
  }

  /** Writes the snapshot to a file that `startKafka({ from: path })` reads. */
  async save(path: string): Promise<void> {
    const { clusterId, nodes, wallMs } = this;
    await writeFile(path, serialize({ magic, clusterId, nodes, wallMs }));
  }

  static async load(path: string): Promise<Snapshot> {
    let content: (Pick<Snapshot, 'clusterId' | 'nodes' | 'wallMs'> & { magic?: unknown }) | null;
    const bytes = await readFile(path);
    try {
      content = deserialize(bytes) as typeof content;
    } catch {
      content = null;
    }
    if (content?.magic !== magic)
      throw new Error(`${path} is not a snapshot of a test cluster of this version.`);
    return new Snapshot(content.clusterId, content.nodes, content.wallMs);
  }
}

/**
 * Throws TypeError when a snapshot cannot be restored into a cluster, because it is of another cluster or has another number of
 * nodes.
 */
export function checkSnapshot(snapshot: Snapshot, clusterId: string, nodeCount: number): void {
  if (!((snapshot as Partial<Snapshot> | null)?.nodes instanceof Map))
    throw new TypeError('A snapshot is expected: what snapshot() or Snapshot.load(path) gives.');
  if (snapshot.nodes.size !== nodeCount)
    throw new TypeError(`The snapshot has ${snapshot.nodes.size} nodes, and the cluster has ${nodeCount}.`);
  if (snapshot.clusterId !== clusterId)
    throw new TypeError(
      `The snapshot is of cluster ${snapshot.clusterId}, and this is ${clusterId}: begin with it, by startKafka({ from: snapshot }).`,
    );
}
