/**
 * Compares the metadata that stopped nodes have on disk.
 *
 * usage: node scripts/metadata-digest.mjs [--json] METADATA_LOG_DIR…
 *
 * For each directory it prints where the log begins and ends, up to where it is known to be committed, a digest of the
 * committed entries that all directories still have, and a digest of the state (topics, configurations and so on) that results
 * from them. It reads copies, so nothing is changed; even opening LevelDB would write. The exit status is 0 when all are the
 * same, and 1 when they differ or one cannot be read.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { scriptOptions } from './lib/options.mjs';
import { ready, root } from './lib/ready.mjs';

const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
/** What is copied from a metadata directory: the folder of the log, and the files beside it that the store needs. */
const kept = ['__cluster_metadata-0', 'raft.witness', 'meta.properties'];

const { values, positionals, refuse } = scriptOptions(
  import.meta.url,
  { json: { type: 'boolean', default: false } },
  null,
);
if (positionals.length === 0) refuse('METADATA_LOG_DIR is missing');
// Does not rebuild: as with the launchers, an existing build is the one that the nodes have used.
if (!existsSync(join(root, 'dist'))) ready();
const { systemFileSystem } = await load('adapters/file-system.js');
const { storeInMetadataDirectory } = await load('adapters/leveldb/raft-store.js');
const { readMetaProperties } = await load('log/directories/meta-properties.js');
const { MetadataDelta } = await load('metadata/delta.js');
const { emptyImage } = await load('metadata/image.js');
const { decodeRecords } = await load('metadata/records.js');
const { imageToRecords, snapshotPayloads } = await load('metadata/snapshot.js');

/** Reads all that a store contains, from a copy of its directory. */
async function read(directory) {
  const copy = mkdtempSync(join(tmpdir(), 'bendemann-digest-'));
  try {
    const meta = await readMetaProperties(systemFileSystem, directory);
    if (meta === null) throw new Error('it is not formatted');
    for (const name of kept) {
      if (existsSync(join(directory, name)))
        cpSync(join(directory, name), join(copy, name), { recursive: true });
    }
    const store = storeInMetadataDirectory(systemFileSystem, { path: copy, id: meta.directoryId });
    const recovered = await store.open();
    try {
      const entries = [];
      for await (const some of recovered.entries) entries.push(...some);
      const snapshot = await store.readSnapshot();
      const endOffset = recovered.startOffset + entries.length;
      const committed = Math.max(recovered.hardState.highWatermark, snapshot?.meta.endOffset ?? 0);
      return {
        directory,
        nodeId: meta.nodeId,
        epoch: recovered.hardState.epoch,
        startOffset: recovered.startOffset,
        committed,
        endOffset,
        entries,
        snapshot,
      };
    } finally {
      await store.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function logDigest({ startOffset, entries }, from, to) {
  if (from >= to) return null;
  const hash = createHash('sha256');
  for (const { offset, epoch, kind, payload, appendedMs } of entries.slice(
    from - startOffset,
    to - startOffset,
  )) {
    hash.update(`${offset} ${epoch} ${kind} ${appendedMs} ${payload.length}\n`).update(payload);
  }
  return hash.digest('hex');
}

function plain(_, value) {
  if (typeof value === 'bigint') return `${value}`;
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

/**
 * Returns a digest of the state that results from the log up to `to`, however it was stored. Null when the snapshot reaches
 * further than `to`.
 */
function stateDigest({ startOffset, entries, snapshot }, to) {
  const from = snapshot?.meta.endOffset ?? 0;
  if (from > to || from < startOffset) return null;
  const delta = new MetadataDelta(emptyImage());
  if (snapshot !== null) {
    for (const payload of snapshotPayloads(snapshot.bytes)) delta.replayAll(decodeRecords(payload));
  }
  for (const { kind, payload } of entries.slice(from - startOffset, to - startOffset)) {
    if (kind === 'data') delta.replayAll(decodeRecords(payload));
  }
  const records = [...imageToRecords(delta.apply(to - 1, 0))].map((record) => JSON.stringify(record, plain));
  return createHash('sha256').update(records.sort().join('\n')).digest('hex');
}

const logs = [];
for (const directory of positionals.map((path) => resolve(path))) {
  try {
    logs.push(await read(directory));
  } catch (error) {
    console.error(`${directory}: ${error.message}`);
    process.exit(1);
  }
}
const from = Math.max(...logs.map(({ startOffset }) => startOffset));
const to = Math.min(...logs.map(({ committed }) => committed));
const rows = logs.map((log) => ({
  directory: log.directory,
  nodeId: log.nodeId,
  epoch: log.epoch,
  startOffset: log.startOffset,
  committed: log.committed,
  endOffset: log.endOffset,
  log: logDigest(log, from, to),
  state: stateDigest(log, to),
}));
const isSame = ['log', 'state'].every(
  (what) => new Set(rows.map((row) => row[what]).filter((digest) => digest !== null)).size <= 1,
);
if (values.json) {
  console.log(JSON.stringify({ isSame, from, endOffset: to, rows }));
} else {
  for (const row of rows) {
    console.log(`${row.directory}: node ${row.nodeId}, epoch ${row.epoch}`);
    console.log(
      `  log from ${row.startOffset} to ${row.endOffset}, known to be committed up to ${row.committed}`,
    );
    console.log(`  entries ${from} to ${to}: ${row.log ?? 'not all are there'}`);
    console.log(
      `  state at ${to}:     ${row.state ?? 'its snapshot is newer, and the log before it is gone'}`,
    );
  }
  console.log(
    isSame ? `All the same up to offset ${to}.` : `They DIFFER somewhere between ${from} and ${to}.`,
  );
}
process.exit(isSame ? 0 : 1);
