/** How the active controller answers DescribeQuorum requests that other nodes hand on to it: it alone knows everybody's progress. */
import { describeQuorum } from '../broker/api/quorum/55-describe-quorum.ts';
import { decode, encode } from '../protocol/codec/codec.ts';
import {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from '../protocol/messages/quorum/55-describe-quorum.ts';
import type { MetadataLog } from '../raft/api.ts';
import type { ControllerDriver } from './controller/controller-driver.ts';

export function answerQuorumRequests(driver: ControllerDriver, log: MetadataLog): void {
  driver.addHandler(DescribeQuorumRequest.key, async ({ apiVersion, body }) => {
    const request = decode(DescribeQuorumRequest, apiVersion, body);
    await driver.confirmLeadership();
    driver.progressTold();
    return encode(DescribeQuorumResponse, apiVersion, describeQuorum(request, apiVersion, log.status()));
  });
}
