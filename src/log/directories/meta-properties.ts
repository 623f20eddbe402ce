/**
 * Reads and writes `meta.properties`, which says to which cluster and node a log directory belongs. `kafka-storage format`
 * writes it; every start reads it. The bytes are as Kafka writes them, so that Kafka and this broker can use each other's
 * directories.
 */
import { type FileSystem, replaceFile } from '../../base/file-system.ts';
import { LaterReleaseError } from '../../base/later-release.ts';
import type { Uuid } from '../../base/uuid.ts';
import { parseProperties } from '../../config/properties-file.ts';

export const metaPropertiesName = 'meta.properties';

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Null in directories that were formatted before directory ids existed. */
  readonly directoryId: Uuid | null;
}

export function metaPropertiesPath(directory: string): string {
  return `${directory}/${metaPropertiesName}`;
}

/**
 * Throws with Kafka's messages when a key is missing, the version is unknown (`LaterReleaseError` for a later one), or the node
 * id is not a number.
 */
export function parseMetaProperties(text: string): MetaProperties {
  const values = parseProperties(text);
  const required = (key: string): string => {
    const value = values.get(key);
    if (value === undefined) throw new Error(`${key} was not found.`);
    return value;
  };
  const version = required('version');
  if (version === '0') throw new Error('Unsupported version 0: this directory was used with ZooKeeper.');
  if (!/^\d+$/.test(version)) throw new Error(`Invalid meta.properties version string '${version}'`);
  if (version !== '1') throw new LaterReleaseError(`Unknown meta.properties version number ${version}`);
  const clusterId = required('cluster.id');
  const nodeId = Number(required('node.id'));
  if (!Number.isInteger(nodeId))
    throw new Error(`Unable to read node.id as a base-10 number: ${values.get('node.id')}`);
  return { clusterId, nodeId, directoryId: values.get('directory.id') ?? null };
}

/** The date in the form of `java.util.Date`, which `java.util.Properties` writes as a comment. */
export function dateComment(wallMs: number): string {
  const [day, date, month, year, time] = new Date(wallMs).toUTCString().split(/,? /);
  return `${day} ${month} ${date} ${time} UTC ${year}`;
}

/**
 * The text of the file. `comment` is the date; `java.util.Properties` writes it into the second line, after an empty comment.
 */
export function metaPropertiesText(meta: MetaProperties, comment: string): string {
  const lines = ['#', `#${comment}`, `cluster.id=${meta.clusterId}`];
  if (meta.directoryId !== null) lines.push(`directory.id=${meta.directoryId}`);
  lines.push(`node.id=${meta.nodeId}`, 'version=1', '');
  return lines.join('\n');
}

/** The content of a directory's file; null when there is none. Throws when it is invalid. */
export async function readMetaProperties(fs: FileSystem, directory: string): Promise<MetaProperties | null> {
  const path = metaPropertiesPath(directory);
  if ((await fs.stat(path)) === null) return null;
  return parseMetaProperties(new TextDecoder().decode(await fs.readFile(path)));
}

export async function writeMetaProperties(
  fs: FileSystem,
  directory: string,
  meta: MetaProperties,
  comment: string,
): Promise<void> {
  await replaceFile(
    fs,
    metaPropertiesPath(directory),
    new TextEncoder().encode(metaPropertiesText(meta, comment)),
  );
}
