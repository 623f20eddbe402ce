/**
 * Requests that a node may send to the active controller only for itself: AlterPartition, BrokerRegistration, BrokerHeartbeat,
 * AllocateProducerIds, ControllerRegistration and AssignReplicasToDirs, by API key.
 */
import type { NodeId } from '../../base/ids.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';

/** By API key: the field of the request that names the node. */
const ownRequests: ReadonlyMap<number, string> = new Map([
  [56, 'brokerId'],
  [62, 'brokerId'],
  [63, 'brokerId'],
  [67, 'brokerId'],
  [70, 'controllerId'],
  [73, 'brokerId'],
]);

/** Throws CLUSTER_AUTHORIZATION_FAILED when node `sender` sends such a request for another node. */
export function checkSender(apiKey: number, request: object, sender: NodeId): void {
  const field = ownRequests.get(apiKey);
  if (field === undefined || (request as Record<string, unknown>)[field] === sender) return;
  throw new KafkaError(
    Errors.CLUSTER_AUTHORIZATION_FAILED,
    `Node ${sender} sent this request for another node.`,
  );
}
