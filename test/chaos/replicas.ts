/** Compares the files of a stopped cluster: all replicas of a partition must have the same bytes. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BatchHeader, batches } from '../../src/protocol/records/batch.ts';
import type { Key } from './history.ts';
import type { ChaosNode } from './node.ts';

/** The `.log` files of a partition on one node, in the order of their offsets; null: there is no replica. */
function segmentsOf(node: ChaosNode, key: Key): string[] | null {
  const directory = node.directories.map((path) => join(path, key)).find((path) => existsSync(path));
  if (directory === undefined) return null;
  const names = readdirSync(directory).filter((name) => /^\d{20}\.log$/.test(name));
  return names.sort().map((name) => join(directory, name));
}

/** The bytes of the segments, one behind the other; null: there is no replica. */
function logBytes(node: ChaosNode, key: Key): Buffer | null {
  const segments = segmentsOf(node, key);
  return segments === null ? null : Buffer.concat(segments.map((path) => readFileSync(path)));
}

/** How many bytes the replicas lack of the longest one of their partition, all together; the nodes may run. */
export function missingBytes(nodes: readonly ChaosNode[], keys: readonly Key[]): number {
  const size = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  let missing = 0;
  for (const key of keys) {
    const sizes = nodes.map((node) =>
      (segmentsOf(node, key) ?? []).reduce((sum, path) => sum + size(path), 0),
    );
    const longest = Math.max(...sizes);
    missing += sizes.reduce((sum, one) => sum + longest - one, 0);
  }
  return missing;
}

/** Producer id and epoch of the batch at an offset, as the first replica has it; null: there is no such batch. */
export function writers(
  nodes: readonly ChaosNode[],
  replicas: ReadonlyMap<Key, readonly number[]>,
): (key: Key, offset: number) => string | null {
  const byKey = new Map<Key, readonly BatchHeader[]>();
  for (const [key, ids] of replicas) {
    const bytes = nodes.filter(({ id }) => ids.includes(id)).map((node) => logBytes(node, key));
    byKey.set(key, batches(bytes.find((one) => one !== null) ?? new Uint8Array(0)).headers);
  }
  return (key, offset) => {
    const found = (byKey.get(key) ?? []).find((batch) => batch.lastOffset >= offset);
    return found === undefined ? null : `${found.producerId} epoch ${found.producerEpoch}`;
  };
}

/** What is different, in words. */
export function differences(
  nodes: readonly ChaosNode[],
  replicas: ReadonlyMap<Key, readonly number[]>,
): string[] {
  const found: string[] = [];
  for (const [key, ids] of replicas) {
    const logs = nodes
      .filter(({ id }) => ids.includes(id))
      .map((node) => ({ id: node.id, bytes: logBytes(node, key) }));
    const [first, ...others] = logs;
    if (first === undefined) continue;
    for (const other of others) {
      if (first.bytes !== null && other.bytes !== null && first.bytes.equals(other.bytes)) continue;
      found.push(
        `${key}: node ${first.id} has ${first.bytes?.length ?? 'no'} bytes, node ${other.id} ${other.bytes?.length ?? 'no'}, and they differ`,
      );
    }
  }
  return found;
}
