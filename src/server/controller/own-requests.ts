/**
 * Requests that a node may send to the active controller only for itself, and the field that names the node in each of
 * them.
 */
import type { NodeId } from '../../base/ids.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';

const ownRequests: ReadonlyMap<number, string> = new Map([
  [56, 'brokerId'],
  [62, 'brokerId'],
  [63, 'brokerId'],
  [67, 'brokerId'],
  [70, 'controllerId'],
  [73, 'brokerId'],
]);

/** Throws CLUSTER_AUTHORIZATION_FAILED when a node sends such a request for another node. */
export function checkSender(apiKey: number, request: object, sender: NodeId): void {
  const field = ownRequests.get(apiKey);
  if (field === undefined || (request as Record<string, unknown>)[field] === sender) return;
  throw new KafkaError(Errors.CLUSTER_AUTHORIZATION_FAILED, `Node ${sender} speaks for another node.`);
}
