/** How the active controller answers DescribeQuorum requests that other nodes hand on to it: it alone knows everybody's progress. */
import { describeQuorum } from '../broker/api/55-describe-quorum.ts';
import { controllerEndpoints } from '../broker/api/60-describe-cluster.ts';
import type { NodeServices } from '../broker/services.ts';
import { decode, encode } from '../protocol/codec/codec.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { DescribeQuorumRequest, DescribeQuorumResponse } from '../protocol/messages/55-describe-quorum.ts';
import type { ControllerDriver } from './controller/controller-driver.ts';

export function answerQuorumRequests(driver: ControllerDriver, services: NodeServices): void {
  driver.addHandler(DescribeQuorumRequest.key, async ({ apiVersion, body }) => {
    if (!driver.isActive) throw new KafkaError(Errors.NOT_CONTROLLER);
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
