/** Finds the coverage marks in the sources: calls `mark('area.what')`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which world must reach the marks of a file: the world `raft` those of src/raft/, the world `cluster` all others. */
const owner = (file) => (file.startsWith('raft/') ? 'raft' : 'cluster');

/** Marks that no seed can reach: why, and the test that executes the code, in test/. */
export const outOfReach = {
  'broker.produce-in-slices': ['no virtual time passes within a turn', 'broker/api/00-produce.test.ts'],
  'config.stored-regex-refused': ['another release wrote it', 'group/consumer/stored-regex.test.ts'],
  'controller.old-copy-of-directories': ['no fault puts a copy back', 'controller/former-isr.test.ts'],
  'controller.leader-with-lost-records': ['only one disk loses records', 'controller/former-isr.test.ts'],
  'coordinator.load-failed': [
    'reads fail in moments without a load',
    'broker/coordinator/shard-host.test.ts',
  ],
  'group.transactional-offset-is-older': ['no group commits both ways', 'group/txn-offsets.test.ts'],
  'log.compaction-map-full': ['a pass takes a million keys', 'log/compaction.test.ts'],
  'log.directory-taken': ['the simulated disk tells upper case from lower', 'log/windows.test.ts'],
  'log.index-rebuilt': ['the few indexes of a run stay in memory', 'log/log-reader.test.ts'],
  'log.transaction-index-rebuilt': ['no fault damages a .txnindex alone', 'log/transaction-index.test.ts'],
  'txn.init-new-producer-id': ['no producer uses up 32,767 epochs', 'txn/shard.test.ts'],
  'txn.init-retried': ['clients of the simulation take new epochs', 'txn/shard.test.ts'],
  'txn.marker-for-deleted-topic': ['the topic of the transactions stays', 'broker/txn/marker-sender.test.ts'],
};

/**
 * The marks that seeds of `world` can reach, and those of them that are not among `reached`. Throws when a name is there twice,
 * or when `outOfReach` names a mark that does not exist.
 */
export function marksOf(src, world, reached) {
  const known = [];
  const places = new Map();
  for (const entry of readdirSync(src, { recursive: true })) {
    const file = String(entry).replaceAll('\\', '/');
    if (!file.endsWith('.ts')) continue;
    for (const [, name] of readFileSync(join(src, file), 'utf8').matchAll(/\bmark\('([^']+)'\)/g)) {
      if (places.has(name))
        throw new Error(`the coverage mark ${name} is in ${places.get(name)} and in ${file}`);
      places.set(name, file);
      if (owner(file) === world && outOfReach[name] === undefined) known.push(name);
    }
  }
  const gone = Object.keys(outOfReach).filter((name) => !places.has(name));
  if (gone.length > 0) throw new Error(`no coverage mark is called ${gone.join(' or ')}`);
  return { known, missing: known.filter((name) => !reached.has(name)) };
}
