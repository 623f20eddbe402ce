/**
 * Why a key has no effect: a reason for each key whose row has the effect `none` or `missing`. docs/configuration.md and the
 * warnings at the start of a node give it. "Never" says that we decided against the feature; "yet" says that it is not built so
 * far.
 */
import { securityProperties } from './tables/security.ts';
import { shareAndStreamsProperties } from './tables/share-and-streams.ts';
import { tieredStorageProperties } from './tables/tiered-storage.ts';

/** The reason for keys of security, also for those of a single listener (`listener.name.NAME.`). */
export const noSecurity = 'TLS, SASL and ACLs are not built yet.';

/** Security keys with a name that `javaEnding` matches although their value does not choose Java code. */
const notJava: ReadonlySet<string> = new Set([
  'sasl.oauthbearer.assertion.algorithm',
  'ssl.endpoint.identification.algorithm',
]);
const javaEnding = /\.(class|provider|algorithm|implementation)$/;

/** Reasons for whole groups of keys. A reason for a single key, further below, takes precedence. */
const areas: readonly [reason: string, has: (key: string) => boolean][] = [
  [
    'Tiered storage is not built yet.',
    (key) => key in tieredStorageProperties || /^(remote|local)\./.test(key),
  ],
  [
    'Share groups and streams groups are not built yet.',
    (key) => key in shareAndStreamsProperties || /^(share|streams)\./.test(key),
  ],
  [
    'Never: Kerberos needs a library of the system that Node.js does not have.',
    (key) => key.startsWith('sasl.kerberos.'),
  ],
  [
    'Never: Java classes cannot be loaded.',
    (key) => key in securityProperties && javaEnding.test(key) && !notJava.has(key),
  ],
  [noSecurity, (key) => key in securityProperties],
];

const reasons: readonly [reason: string, ...keys: string[]][] = [
  [
    'ACLs are not built yet. A node with this key starts only when its file lets everybody do everything until there is an ACL.',
    'authorizer.class.name',
  ],
  [
    'One event loop does the work; there is no thread pool.',
    'background.threads',
    'num.io.threads',
    'num.network.threads',
    'group.coordinator.background.threads',
    'group.coordinator.threads',
  ],
  [
    'Records that arrive while a write is in progress are written together by the next one.',
    'controller.quorum.append.linger.ms',
  ],
  [
    'Controllers exchange messages over streams; the loss of a stream ends the requests on it at once.',
    'controller.quorum.request.timeout.ms',
  ],
  [
    'Before a stream between controllers is opened again, there is a pause that grows with each failure.',
    'controller.quorum.retry.backoff.ms',
  ],
  ['There is no ZooKeeper.', 'controller.socket.timeout.ms'],
  [
    'The metadata log is kept in LevelDB, without segments.',
    'metadata.log.segment.bytes',
    'metadata.log.segment.ms',
    'internal.metadata.delete.delay.millis',
    'internal.metadata.log.segment.bytes',
  ],
  [
    'The metadata log is deleted as soon as a snapshot covers it.',
    'metadata.max.retention.bytes',
    'metadata.max.retention.ms',
  ],
  [
    'The pause between attempts to connect grows with each failure.',
    'socket.connection.setup.timeout.max.ms',
  ],
  ['The deadline of the request bounds the attempt to connect.', 'socket.connection.setup.timeout.ms'],
  [
    'Node.js has no such option; the system chooses.',
    'socket.receive.buffer.bytes',
    'socket.send.buffer.bytes',
    'replica.socket.receive.buffer.bytes',
  ],
  [
    'Finished requests leave the purgatory at once.',
    'delete.records.purgatory.purge.interval.requests',
    'fetch.purgatory.purge.interval.requests',
    'producer.purgatory.purge.interval.requests',
  ],
  [
    'One replication stream from each leader does the work; there are no fetcher threads.',
    'num.replica.fetchers',
  ],
  [
    'Before a replication stream is opened again, there is a pause that grows with each failure.',
    'replica.fetch.backoff.ms',
  ],
  [
    'Replication streams have credits for bytes in flight instead.',
    'replica.fetch.max.bytes',
    'replica.fetch.response.max.bytes',
  ],
  ['Leaders push records at once.', 'replica.fetch.min.bytes', 'replica.fetch.wait.max.ms'],
  ['The loss of a replication stream is noticed at once.', 'replica.socket.timeout.ms'],
  ['The library for lz4 has one level.', 'compression.lz4.level'],
  [
    'The table of keys grows as large as a run of the cleaner needs.',
    'log.cleaner.dedupe.buffer.size',
    'log.cleaner.io.buffer.load.factor',
  ],
  ['Compaction reads batch by batch.', 'log.cleaner.io.buffer.size'],
  ['One cleaner works on one log after the other; there is no thread pool.', 'log.cleaner.threads'],
  [
    'Segments grow as they are written. Recovery would have to cut off reserved space after a crash.',
    'log.preallocate',
    'preallocate',
  ],
  [
    'One event loop opens several logs at a time; there is no thread pool.',
    'num.recovery.threads.per.data.dir',
  ],
  [
    'Records that arrive while a write is in progress are written together by the next one.',
    'group.coordinator.append.linger.ms',
  ],
  ['Buffers are not kept for reuse.', 'group.coordinator.cached.buffer.max.bytes'],
  ['Metrics are read when a client requests /metrics.', 'kafka.metrics.polling.interval.secs'],
  [
    'Never: Java classes cannot be loaded. /metrics has the numbers.',
    'kafka.metrics.reporters',
    'metric.reporters',
  ],
  [
    'Metrics are counters and quantiles of the last minute, without samples.',
    'metrics.num.samples',
    'metrics.sample.window.ms',
  ],
  ['All metrics are always recorded.', 'metrics.recording.level'],
  ['Never: Java classes cannot be loaded.', 'principal.builder.class', 'security.providers'],
  ['There are no feature versions that are still being developed.', 'unstable.feature.versions.enable'],
  [noSecurity, 'connection.failed.authentication.delay.ms'],
  ['There is no authorizer yet that listeners would have to wait for.', 'early.start.listeners'],
  [
    'A random part is added to each election time-out instead of a pause.',
    'controller.quorum.election.backoff.max.ms',
  ],
  ['The leader pushes entries; credits bound the bytes in flight.', 'controller.quorum.fetch.max.bytes'],
  ['Snapshots are streamed in chunks of a fixed size.', 'controller.quorum.fetch.snapshot.max.bytes'],
  [
    'A request is handled as soon as it is read, so no queue forms. Instead, queued.max.request.bytes and 64 requests for each connection bound the requests in progress.',
    'queued.max.requests',
  ],
  [
    'Never: Java classes cannot be loaded. A node with this key does not start.',
    'alter.config.policy.class.name',
    'client.quota.callback.class',
    'create.topic.policy.class.name',
  ],
  [
    'The rate is limited by a token bucket, which has no samples.',
    'alter.log.dirs.replication.quota.window.num',
    'alter.log.dirs.replication.quota.window.size.seconds',
    'replication.quota.window.num',
    'replication.quota.window.size.seconds',
  ],
  [
    'The controller does not measure the time of single events.',
    'controller.performance.always.log.threshold.ms',
    'controller.performance.sample.period.ms',
  ],
  ['The metadata log is kept in LevelDB, without batches.', 'internal.metadata.max.batch.size.in.bytes'],
  [
    'The controller elects a leader as soon as a change makes it possible, not at intervals.',
    'unclean.leader.election.interval.ms',
  ],
];

const reasonByKey: ReadonlyMap<string, string> = new Map(
  reasons.flatMap(([reason, ...keys]) => keys.map((key): [string, string] => [key, reason])),
);

/** Returns why setting the key has no effect. Null when there is no reason, for example because the key has an effect. */
export function reasonWithoutEffect(key: string): string | null {
  return reasonByKey.get(key) ?? areas.find(([, has]) => has(key))?.[0] ?? null;
}

/** The keys that have a reason of their own, not only that of their group. */
export const explainedKeys: readonly string[] = [...reasonByKey.keys()];
