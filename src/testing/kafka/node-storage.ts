/**
 * The storage of a test node: record logs and the metadata log, in memory or in a directory. It stays when the node is
 * restarted.
 */
import { systemFileSystem } from '../../adapters/file-system.ts';
import { storeInMetadataDirectory } from '../../adapters/leveldb/raft-store.ts';
import type { FileSystem } from '../../base/file-system.ts';
import type { Uuid } from '../../base/uuid.ts';
import {
  dateComment,
  readMetaProperties,
  writeMetaProperties,
} from '../../log/directories/meta-properties.ts';
import {
  defaultFeatureLevel,
  features,
  kraftVersionFeature,
  latestMetadataVersion,
  metadataVersionFeature,
} from '../../metadata/feature-versions.ts';
import { type MetadataRecord, record } from '../../metadata/records.ts';
import { type DiskImage, emptyDisk, MemoryStore } from '../../raft/memory-store.ts';
import type { RaftStore } from '../../raft/store.ts';
import { writeBootstrapFiles } from '../../server/bootstrap-checkpoint.ts';
import type { FormattedDirectory } from '../../server/claimed-directories.ts';
import { SimulatedDisk } from '../../simulation/disk.ts';
import type { Life } from './life.ts';

export interface Identity {
  readonly clusterId: Uuid;
  readonly nodeId: number;
  readonly directoryId: Uuid;
}

/** A copy of everything that a node has stored: its files and its metadata log. */
export interface StoredNode {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly metadata: DiskImage;
}

export interface NodeStorage {
  /** The log directory. */
  readonly path: string;
  readonly disk: FileSystem;
  /** Formats an empty directory for a node; a formatted one is left as it is. Returns the cluster id. */
  format(identity: Identity, wallMs: number): Promise<Uuid>;
  openRaftStore(directory: FormattedDirectory, life: Life): RaftStore;
  /** Called when the node was killed. */
  killed(): void;
  /** A copy of everything stored; null: this kind of storage cannot be copied. */
  save(): StoredNode | null;
}

/** The first metadata records of a new cluster of the latest version. */
function firstRecords(): MetadataRecord[] {
  const { level } = latestMetadataVersion;
  const levels = features
    .filter(({ name }) => name !== kraftVersionFeature)
    .map((feature): [string, number] => [feature.name, defaultFeatureLevel(feature, level)]);
  return [[metadataVersionFeature, level] as const, ...levels.filter(([, at]) => at > 0)].map(
    ([name, featureLevel]) => record('FeatureLevelRecord', { name, featureLevel }),
  );
}

async function formatDirectory(
  fs: FileSystem,
  path: string,
  identity: Identity,
  wallMs: number,
): Promise<Uuid> {
  await fs.makeDirectory(path);
  const known = await readMetaProperties(fs, path);
  if (known !== null) return known.clusterId;
  await writeBootstrapFiles(fs, path, firstRecords(), null, wallMs);
  await writeMetaProperties(fs, path, identity, dateComment(wallMs));
  return identity.clusterId;
}

export class MemoryStorage implements NodeStorage {
  readonly path = '/data';
  disk: SimulatedDisk;
  private store: MemoryStore;
  private readonly wallMs: () => number;

  constructor(wallMs: () => number) {
    this.wallMs = wallMs;
    this.disk = this.emptyDisk();
    this.store = new MemoryStore();
  }

  format(identity: Identity, wallMs: number): Promise<Uuid> {
    return formatDirectory(this.disk, this.path, identity, wallMs);
  }

  openRaftStore(_directory: FormattedDirectory, life: Life): RaftStore {
    this.store = new MemoryStore(this.store.durable, () => life.outcome(Promise.resolve()));
    return this.store;
  }

  killed(): void {
    this.disk.processKilled();
  }

  save(): StoredNode {
    return { files: this.disk.contents(), metadata: this.store.durable };
  }

  restore({ files, metadata }: StoredNode): void {
    this.disk = this.emptyDisk();
    this.disk.fill(files);
    this.store = new MemoryStore(metadata);
  }

  erase(): void {
    this.restore({ files: new Map(), metadata: emptyDisk });
  }

  private emptyDisk(): SimulatedDisk {
    return new SimulatedDisk({ clock: { monotonicMs: () => 0, wallMs: this.wallMs } });
  }
}

export class DirectoryStorage implements NodeStorage {
  readonly path: string;
  readonly disk = systemFileSystem;

  constructor(path: string) {
    this.path = path;
  }

  format(identity: Identity, wallMs: number): Promise<Uuid> {
    return formatDirectory(this.disk, this.path, identity, wallMs);
  }

  openRaftStore(directory: FormattedDirectory, life: Life): RaftStore {
    const store = storeInMetadataDirectory(systemFileSystem, directory);
    life.onEnd(() => void store.close().catch(() => {}));
    return store;
  }

  killed(): void {}

  save(): null {
    return null;
  }
}
