/** Everything that a cluster in memory has stored, as a value and as a file. */
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

  /** @internal */
  constructor(clusterId: string, nodes: ReadonlyMap<number, StoredNode>) {
    this.clusterId = clusterId;
    this.nodes = nodes;
  }

  /** Writes the snapshot to a file that `startKafka({ from: path })` reads. */
  async save(path: string): Promise<void> {
    const { clusterId, nodes } = this;
    await writeFile(path, serialize({ magic, clusterId, nodes }));
  }

  static async load(path: string): Promise<Snapshot> {
    let content: { magic?: unknown; clusterId: string; nodes: Map<number, StoredNode> } | null;
    const bytes = await readFile(path);
    try {
      content = deserialize(bytes) as typeof content;
    } catch {
      content = null;
    }
    if (content?.magic !== magic)
      throw new Error(`${path} is not a snapshot of a test cluster of this version.`);
    return new Snapshot(content.clusterId, content.nodes);
  }
}
