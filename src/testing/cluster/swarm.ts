/**
 * Makes the plan of a seed: the number and roles of the nodes, the settings, the topics, and the faults with their times. The
 * whole plan is drawn before the run begins. Each family of faults has its own stream of random numbers, so that leaving out a
 * family or a fault does not change the others.
 */
import type { SeededRandom } from '../../simulation/random.ts';
import type { SimulatedRole } from '../node-properties.ts';

/**
 * A new family goes to the end: the number of a fault is made of the position of its family. docs/simulation.md has the recipe.
 */
export const families = [
  'kill',
  'power',
  'restart',
  'pause',
  'cut',
  'one-way',
  'reset',
  'delay',
  'clock',
  'stall',
  'read-error',
  'write-error',
  'sync-error',
  'disk-full',
  'rot',
  'store-error',
  'store-rot',
  'crash-loop',
  'repair',
  'reassign',
  'member-pause',
  'member-cut',
  'directory',
  'move',
  'index-rot',
  'loss',
] as const;

export type Family = (typeof families)[number];

export interface PlannedFault {
  /** The number of the fault in the whole plan. It is the same when other faults are left out. */
  readonly number: number;
  readonly family: Family;
  /** When the fault happens, counted from the start of the phase with faults. */
  readonly atMs: number;
  /** A random number that selects the node, stream or machine on which the fault acts. */
  readonly victim: number;
  readonly durationMs: number;
  /** A random number in [0, 1) for other choices of the family. */
  readonly dice: number;
}

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** The protocol of a group's members; `mixed`: each member has one of the two at random. */
export type GroupProtocol = 'classic' | 'consumer' | 'mixed';

/** The plan of the group and its members. */
export interface GroupPlan {
  readonly protocol: GroupProtocol;
  /** The assignment interval of the consumer protocol (KIP-1263). */
  readonly assignmentIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Whether the members are static (KIP-345), all but the last one. */
  readonly hasStaticMembers: boolean;
  /** How long a member stays before it leaves and another one joins; null: members stay. */
  readonly staysMs: number | null;
}

export interface Plan {
  readonly shape: string;
  readonly roles: readonly SimulatedRole[];
  readonly properties: Readonly<Record<string, string>>;
  readonly topics: readonly TopicPlan[];
  readonly group: GroupPlan;
  /** The mean duration of a read from the disk. */
  readonly diskReadMeanMs: number;
  /** How many bytes of recent batches a broker keeps in memory; with a small number many reads go to the disk. */
  readonly tailCacheBytesMax: number;
  readonly faultsMs: number;
  readonly faults: readonly PlannedFault[];
  /** Settings of the compacted topics: how soon their records are compacted. */
  readonly compaction: Readonly<Record<string, string>>;
  /** Whether the topics of the coordinators have these settings too; otherwise they are not compacted within a run. */
  readonly compactsCoordinators: boolean;
  /** `fetch.min.bytes` of the consumers that read everything. */
  readonly fetchMinBytes: number;
  /** The time between two records of a partition. */
  readonly thinkMs: number;
  /** Whether, after the faults, the cluster must first work with the nodes that are up, before the others are started. */
  readonly healsInSteps: boolean;
  readonly hasEligibleLeaderReplicas: boolean;
}

interface Shape {
  readonly name: string;
  readonly weight: number;
  readonly roles: readonly SimulatedRole[];
}

const shapes: readonly Shape[] = [
  { name: 'three combined', weight: 5, roles: ['both', 'both', 'both'] },
  { name: 'one', weight: 1, roles: ['both'] },
  {
    name: 'three controllers, two brokers',
    weight: 2,
    roles: ['controller', 'controller', 'controller', 'broker', 'broker'],
  },
  { name: 'three combined, one broker', weight: 2, roles: ['both', 'both', 'both', 'broker'] },
];

/** For each family: how long a fault lasts (shortest and longest, in ms), and how many there are at most in a run. */
const strength: Record<Family, { readonly lastsMs: readonly [number, number]; readonly countMax: number }> = {
  kill: { lastsMs: [20, 4000], countMax: 5 },
  power: { lastsMs: [20, 4000], countMax: 3 },
  restart: { lastsMs: [20, 2000], countMax: 5 },
  pause: { lastsMs: [20, 3000], countMax: 5 },
  cut: { lastsMs: [50, 4000], countMax: 5 },
  'one-way': { lastsMs: [50, 4000], countMax: 5 },
  reset: { lastsMs: [0, 1], countMax: 8 },
  delay: { lastsMs: [100, 2000], countMax: 3 },
  clock: { lastsMs: [100, 8000], countMax: 4 },
  stall: { lastsMs: [50, 2500], countMax: 4 },
  'read-error': { lastsMs: [100, 1500], countMax: 4 },
  'write-error': { lastsMs: [100, 1500], countMax: 2 },
  'sync-error': { lastsMs: [100, 1500], countMax: 2 },
  'disk-full': { lastsMs: [100, 2000], countMax: 2 },
  rot: { lastsMs: [50, 1500], countMax: 2 },
  'store-error': { lastsMs: [100, 1500], countMax: 2 },
  'store-rot': { lastsMs: [100, 1500], countMax: 1 },
  'crash-loop': { lastsMs: [1500, 5000], countMax: 4 },
  repair: { lastsMs: [20, 1000], countMax: 2 },
  reassign: { lastsMs: [100, 3000], countMax: 6 },
  'member-pause': { lastsMs: [400, 6000], countMax: 10 },
  'member-cut': { lastsMs: [100, 5000], countMax: 5 },
  directory: { lastsMs: [300, 5000], countMax: 3 },
  move: { lastsMs: [0, 1], countMax: 8 },
  'index-rot': { lastsMs: [0, 1], countMax: 8 },
  loss: { lastsMs: [20, 4000], countMax: 2 },
};

/** Of the topic __transaction_state. */
export const transactionPartitions = 3;

/** The choices of log directories; the metadata log is in the first of them. */
const directoryChoices = [['/data'], ['/data'], ['/data', '/disk2'], ['/data', '/disk2', '/disk3']];

export function planOf(random: SeededRandom, without: ReadonlySet<string>, skip: ReadonlySet<number>): Plan {
  const swarm = random.fork('swarm');
  const shape = weighted(swarm, shapes);
  const brokers = shape.roles.filter((role) => role !== 'controller').length;
  const faultsMs = Math.round(swarm.between(3_000, 12_000));
  const isCalm = swarm.chance(0.25);
  const settings = swarm.fork('settings');
  const clients = random.fork('clients');
  const drawn = isCalm ? [] : faultsOf(random, faultsMs);
  const group = groupOf(clients, random.fork('group protocol'));
  const compaction = random.fork('compaction');
  return {
    shape: shape.name,
    roles: shape.roles,
    properties: {
      ...propertiesOf(settings, brokers),
      ...groupProperties(group),
      ...cleanerOf(random.fork('cleaner')),
      'offsets.load.buffer.size': String(pick(clients, [500, 500, 5_000_000])),
      'log.dirs': pick(random.fork('directories'), directoryChoices).join(','),
    },
    topics: topicsOf(settings, brokers),
    group,
    diskReadMeanMs: pick(clients, [0.05, 5, 30]),
    tailCacheBytesMax: pick(clients, [64_000_000, 16_000]),
    compaction: compactionOf(compaction),
    compactsCoordinators: compaction.chance(0.5),
    fetchMinBytes: pick(random.fork('fetch.min.bytes'), [1, 1, 2_000, 100_000]),
    faultsMs,
    faults: drawn.filter(({ family, number }) => !without.has(family) && !skip.has(number)),
    thinkMs: pick(settings, [5, 15, 40]),
    healsInSteps: settings.chance(0.4),
    hasEligibleLeaderReplicas: settings.chance(0.7),
  };
}

function faultsOf(random: SeededRandom, faultsMs: number): PlannedFault[] {
  const faults: PlannedFault[] = [];
  families.forEach((family, position) => {
    const stream = random.fork(`faults: ${family}`);
    const { lastsMs, countMax } = strength[family];
    const isOn = stream.chance(0.4);
    const count = isOn ? 1 + (stream.u32() % countMax) : 0;
    for (let at = 0; at < count; at++) {
      faults.push({
        number: position * 100 + at,
        family,
        atMs: stream.between(0, faultsMs),
        victim: stream.u32(),
        durationMs: lastsMs[0] + stream.fraction() ** 2 * (lastsMs[1] - lastsMs[0]),
        dice: stream.fraction(),
      });
    }
  });
  return faults.sort((a, b) => a.atMs - b.atMs || a.number - b.number);
}

/** The properties of all nodes. A single broker syncs every write, because acknowledged records are on its disk only. */
function propertiesOf(settings: SeededRandom, brokers: number): Record<string, string> {
  return {
    'replica.lag.time.max.ms': String(pick(settings, [500, 2_000, 10_000])),
    'broker.session.timeout.ms': String(pick(settings, [1_000, 3_000, 9_000])),
    'broker.heartbeat.interval.ms': String(pick(settings, [200, 500])),
    'controller.quorum.election.timeout.ms': String(pick(settings, [300, 1_000])),
    'controller.quorum.fetch.timeout.ms': String(pick(settings, [500, 2_000])),
    'metadata.log.max.record.bytes.between.snapshots': String(pick(settings, [2_000, 20_000, 20_000_000])),
    'group.min.session.timeout.ms': '500',
    'log.cleaner.backoff.ms': String(pick(settings, [500, 15_000])),
    'log.flush.offset.checkpoint.interval.ms': String(pick(settings, [500, 60_000])),
    'replica.high.watermark.checkpoint.interval.ms': String(pick(settings, [300, 5_000])),
    'log.initial.task.delay.ms': '500',
    'transaction.state.log.num.partitions': String(transactionPartitions),
    'transaction.state.log.replication.factor': String(Math.min(3, brokers)),
    'transaction.state.log.min.isr': brokers > 2 ? '2' : '1',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    ...(brokers === 1 ? { 'log.flush.interval.messages': '1' } : {}),
  };
}

/**
 * The brokers' properties for groups of the consumer protocol. Members of the classic protocol send such values in their
 * requests.
 */
function groupProperties({ sessionTimeoutMs, assignmentIntervalMs }: GroupPlan): Record<string, string> {
  return {
    'group.consumer.min.session.timeout.ms': '500',
    'group.consumer.session.timeout.ms': String(sessionTimeoutMs),
    'group.consumer.min.heartbeat.interval.ms': '100',
    'group.consumer.heartbeat.interval.ms': '300',
    'group.consumer.assignment.interval.ms': String(assignmentIntervalMs),
  };
}

function topicsOf(settings: SeededRandom, brokers: number): TopicPlan[] {
  const factor = Math.min(3, brokers);
  const minimum = factor === 3 ? pick(settings, [1, 2, 2, 2]) : 1;
  const configs = (): Record<string, string> => ({
    'min.insync.replicas': String(minimum),
    'retention.ms': '-1',
    'internal.segment.bytes': String(pick(settings, [1_000, 8_000, 1_000_000])),
    'index.interval.bytes': String(pick(settings, [100, 4_096])),
    'compression.type': pick(settings, ['producer', 'producer', 'gzip']),
  });
  return [
    { name: 'ledger', partitions: 2, replicationFactor: factor, configs: configs() },
    {
      name: 'journal',
      partitions: 1 + (settings.u32() % 3),
      replicationFactor: brokers > 1 && factor > 2 && settings.chance(0.3) ? 2 : factor,
      configs: { ...configs(), ...(factor > 2 ? { 'min.insync.replicas': '1' } : {}) },
    },
  ];
}

/** A slow cleaner needs seconds for a pass, so that truncations come between. */
function cleanerOf(random: SeededRandom): Record<string, string> {
  return random.chance(0.5) ? { 'log.cleaner.io.max.bytes.per.second': '20000' } : {};
}

/** Compaction leaves the active segment alone, so segments are small and many. */
function compactionOf(random: SeededRandom): Record<string, string> {
  return {
    'internal.segment.bytes': String(pick(random, [800, 800, 4_000])),
    'min.cleanable.dirty.ratio': pick(random, ['0.01', '0.01', '0.5']),
    'min.compaction.lag.ms': String(pick(random, [0, 0, 1_000])),
    // After this time compaction may remove a tombstone, and the marker of a transaction.
    'delete.retention.ms': String(pick(random, [0, 500, 86_400_000])),
  };
}

/** The plan of the group. Static members get long session time-outs; others may get one that is shorter than a rebalance. */
function groupOf(clients: SeededRandom, protocols: SeededRandom): GroupPlan {
  const hasStaticMembers = clients.chance(0.6);
  const isLong = clients.chance(0.4) || hasStaticMembers;
  return {
    protocol: pick(protocols, ['classic', 'consumer', 'mixed'] as const),
    assignmentIntervalMs: pick(protocols, [0, 0, 1_000]),
    sessionTimeoutMs: isLong ? 6_000 : 1_500,
    rebalanceTimeoutMs: isLong ? 800 : 2_000,
    hasStaticMembers,
    staysMs: pick(clients, [null, 700, 700, 2_500]),
  };
}

/** The nodes from which a cut separates the node or machine on which it acts: all, or some of them. */
export function struckBy<N extends { readonly id: number }>(
  { dice }: Pick<PlannedFault, 'dice'>,
  nodes: readonly N[],
): N[] {
  const mask = dice < 0.5 ? -1 : 1 + Math.floor(dice * 1000);
  return nodes.filter(({ id }) => ((mask >> id) & 1) === 1);
}

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.u32() % from.length] as T;
}

function weighted(random: SeededRandom, from: readonly Shape[]): Shape {
  let dice = random.u32() % from.reduce((sum, { weight }) => sum + weight, 0);
  for (const shape of from) {
    if (dice < shape.weight) return shape;
    dice -= shape.weight;
  }
  return from[0] as Shape;
}
