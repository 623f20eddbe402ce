/** Why the voters of the metadata quorum can't be changed while it runs. */
import { uuidZero } from '../../base/uuid.ts';
import { Errors } from '../../protocol/errors.ts';
import type { QuorumStatus } from '../../raft/api.ts';

/**
 * Voters that stand in the configuration of the nodes (controller.quorum.voters, kraft.version 0) can't be changed in Kafka
 * either, which says it in these words; those that the quorum was formatted with can't be changed here.
 */
export function refuseVoterChange(quorum: QuorumStatus, verb: 'adding' | 'removing') {
  const areStatic = quorum.voters.every(({ directoryId }) => directoryId === uuidZero);
  return {
    errorCode: Errors.UNSUPPORTED_VERSION.code,
    errorMessage: areStatic
      ? `Cluster doesn't support ${verb} voter because the kraft.version feature is 0`
      : `This version doesn't support ${verb} voters of a running cluster`,
  };
}
