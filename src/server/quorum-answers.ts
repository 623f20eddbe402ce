/** How the active controller answers DescribeQuorum requests that other nodes hand on to it: it alone knows everybody's progress. */
import { describeQuorum } from '../broker/api/55-describe-quorum.ts';
import { controllerEndpoints } from '../broker/api/60-describe-cluster.ts';
import type { NodeServices } from '../broker/services.ts';
import { decode, encode } from '../protocol/codec/codec.ts';
import { DescribeQuorumRequest, DescribeQuorumResponse } from '../protocol/messages/55-describe-quorum.ts';
import type { ControllerDriver } from './controller/controller-driver.ts';

export function answerQuorumRequests(driver: ControllerDriver, services: NodeServices): void {
  driver.addHandler(DescribeQuorumRequest.key, async ({ apiVersion, body }) => {
    await driver.confirmLeadership();
    const request = decode(DescribeQuorumRequest, apiVersion, body);
    const nodes = controllerEndpoints(services, services.metadata()).map(({ id, endpoints }) => ({
      nodeId: id,
      listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })),
    }));
    return encode(
      DescribeQuorumResponse,
      apiVersion,
      describeQuorum(request, apiVersion, services.quorum(), nodes),
    );
  });
}
