/**
 * The active controller's response to DescribeQuorum. All other nodes forward this request to it, because only the quorum
 * leader knows the log end offsets of all voters and observers.
 */
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
    driver.logEndReported();
    return encode(DescribeQuorumResponse, apiVersion, describeQuorum(request, apiVersion, log.status()));
  });
}
