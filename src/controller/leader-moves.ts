/**
 * Changes of leaders and ISRs of many partitions, after brokers were fenced, unfenced or removed. Each function goes over all
 * partitions once, in bounded steps, and returns the number of partitions that it changed. It keeps no state between its steps
 * besides the image. So if a controller loses its leadership in the middle, the next active controller can run the function
 * again from the beginning.
 */
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import { isActive } from '../metadata/cluster-image.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { FormerMember, PartitionImage } from '../metadata/topics-image.ts';
import { noLeader } from '../metadata/topics-image.ts';
import type { BrokerSessions } from './broker-sessions.ts';
import { ChangeSteps } from './change-steps.ts';
import { changeContext } from './lookups.ts';
import type { ChangeContext, Election, Wanted } from './partition-change.ts';
import { partitionChange } from './partition-change.ts';
import type { ControllerState, Operation } from './state.ts';

/**
 * After about this many partitions (a topic's partitions are examined together) a step ends even if no partition needed a
 * change, so that the event loop is not blocked.
 */
const partitionsPerLookMax = 10_000;

/** Changes every partition for which `wanted` does not return null. No other operation changes topics while this one runs. */
function* changes(
  state: ControllerState,
  election: Election | undefined,
  wanted: (partition: PartitionImage) => Wanted | null,
  adjusted: (context: ChangeContext) => ChangeContext = (context) => context,
): Operation<number> {
  const steps = new ChangeSteps();
  let count = 0;
  let seen = 0;
  for (const topic of state.image.topics.all()) {
    seen += topic.partitions.length;
    if (seen >= partitionsPerLookMax) {
      seen = 0;
      yield [];
    }
    let context: ChangeContext | null = null;
    for (const partition of topic.partitions) {
      const want = wanted(partition);
      if (want === null) continue;
      context ??= adjusted(changeContext(state, topic, election));
      const change = partitionChange(partition, want, context);
      if (change === null) continue;
      count++;
      if (steps.add(change)) yield* steps.end();
    }
  }
  yield* steps.end();
  return count;
}

function activeBrokers(image: MetadataImage): ReadonlySet<NodeId> {
  const ids = new Set<NodeId>();
  for (const broker of image.cluster.brokers.values()) if (isActive(broker)) ids.add(broker.id);
  return ids;
}

/** `isConnected`: see `BrokerSessions`. */
type Connections = Pick<BrokerSessions, 'isConnected'>;

function withConnections(sessions: Connections): (context: ChangeContext) => ChangeContext {
  return (context) => ({ ...context, isConnected: (id) => sessions.isConnected(id) });
}

/** Removes brokers that are fenced or in controlled shutdown from leaderships and ISRs. */
export function* evacuate(state: ControllerState, sessions: Connections): Operation<number> {
  const active = activeBrokers(state.image);
  if (active.size === state.image.cluster.brokers.size) return 0;
  const gone = (id: NodeId): boolean => !active.has(id);
  const wanted = (partition: PartitionImage): Wanted | null => {
    if (!partition.isr.some(gone) && (partition.leader === noLeader || !gone(partition.leader))) return null;
    return { isr: partition.isr.filter((id) => !gone(id)) };
  };
  return yield* changes(state, undefined, wanted, withConnections(sessions));
}

/**
 * Removes a broker that stopped without a controlled shutdown from leaderships, ISRs and ELRs, and records which of its
 * replicas have lost records (`lostIn`). The broker must be fenced or unregistered already, so that no step elects it again.
 */
export function evacuateUnclean(
  state: ControllerState,
  id: NodeId,
  sessions: Connections,
  lostIn: (partition: PartitionImage) => FormerMember | undefined,
): Operation<number> {
  const wanted = (partition: PartitionImage): Wanted | null => {
    const lostRecords = lostIn(partition);
    const isMember = partition.leader === id || partition.isr.includes(id) || partition.elr.includes(id);
    return isMember || lostRecords !== undefined ? { uncleanlyStopped: id, lostRecords } : null;
  };
  return changes(state, undefined, wanted, withConnections(sessions));
}

/** Removes a broker's replicas in failed log directories from leaderships and ISRs. */
export function evacuateDirectories(
  state: ControllerState,
  id: NodeId,
  lost: readonly Uuid[],
): Operation<number> {
  const isLost = (directory: Uuid | undefined): boolean =>
    directory !== undefined && lost.includes(directory);
  return changes(
    state,
    undefined,
    (partition) => {
      const at = partition.replicas.indexOf(id);
      if (at < 0 || !isLost(partition.directories[at])) return null;
      return { isr: partition.isr.filter((member) => member !== id) };
    },
    (context) => ({
      ...context,
      hasDirectory: (member, directory) =>
        (member !== id || !isLost(directory)) && context.hasDirectory(member, directory),
    }),
  );
}

/** Elects a leader for each leaderless partition that has an eligible replica. */
export function electLeaderless(state: ControllerState): Operation<number> {
  return changes(state, undefined, (partition) => (partition.leader === noLeader ? {} : null));
}

/** Moves leaderships back to the preferred replicas. */
export function electPreferred(state: ControllerState): Operation<number> {
  const active = activeBrokers(state.image);
  return changes(state, 'preferred', (partition) => {
    const preferred = partition.replicas[0];
    if (preferred === undefined || partition.leader === preferred || partition.leader === noLeader)
      return null;
    return partition.isr.includes(preferred) && active.has(preferred) ? {} : null;
  });
}
