/**
 * What `/readyz` answers. It means: this node handles client requests, so a load balancer may send them here. A quorum without
 * a leader does not make a node unready. Its partitions are still served, and if all nodes of the cluster became unready at
 * once, clients would lose the data as well. The body has one line for each part, `[+]` or `[-]`, for operators and for scripts
 * that wait.
 */
import type { QuorumStatus } from '../../raft/api.ts';

export interface ReadinessSources {
  /** Null while client requests are handled; otherwise why they are not. */
  readonly unreadyReason: string | null;
  readonly quorum: QuorumStatus;
  /** Null on a node that is only a controller, and before the broker has registered. */
  readonly broker: BrokerReadiness | null;
}

export interface BrokerReadiness {
  readonly isFenced: boolean;
  /** Time since the active controller last responded to a heartbeat. */
  readonly controllerSilenceMs: number;
  /** broker.session.timeout.ms: after this silence the controller fences the broker, if there is an active controller. */
  readonly sessionTimeoutMs: number;
}

export interface Readiness {
  readonly isReady: boolean;
  /** One line for each part. */
  readonly body: string;
}

export function readiness({ unreadyReason, quorum, broker }: ReadinessSources): Readiness {
  const isReady = unreadyReason === null;
  const parts = [part('clients', isReady, unreadyReason ?? 'requests are handled'), quorumPart(quorum)];
  if (broker !== null) parts.push(...brokerParts(broker));
  return { isReady, body: [isReady ? 'ready' : 'not ready', ...parts].join('\n') };
}

function part(name: string, isGood: boolean, text: string): string {
  return `[${isGood ? '+' : '-'}] ${name}: ${text}`;
}

/**
 * The line about the quorum. A voter in role `prospective` has lost contact with the leader, although it still knows the
 * leader's id. An observer knows the leader only from the voter that sends it the log.
 */
function quorumPart({ role, leaderId, epoch }: QuorumStatus): string {
  const hasLeader = leaderId !== null && role !== 'prospective';
  const text = hasLeader
    ? `node ${leaderId} leads in epoch ${epoch}`
    : 'no leader: topics, configurations and leaders of partitions do not change until a majority of the voters runs';
  return part('quorum', hasLeader, text);
}

function brokerParts({ isFenced, controllerSilenceMs, sessionTimeoutMs }: BrokerReadiness): string[] {
  const silenceText = `${(controllerSilenceMs / 1000).toFixed(1)} s ago`;
  return [
    part(
      'controller',
      controllerSilenceMs <= sessionTimeoutMs,
      `responded to the last heartbeat ${silenceText}`,
    ),
    part('broker', !isFenced, isFenced ? 'fenced: the metadata for clients does not list it' : 'in service'),
  ];
}
