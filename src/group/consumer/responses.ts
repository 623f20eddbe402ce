/** Responses to ConsumerGroupHeartbeat. */
import type { ErrorRow } from '../../protocol/errors.ts';
import type { CurrentAssignment } from './member.ts';
import type { ConsumerHeartbeatResponse } from './requests.ts';

export function heartbeatRefused(error: ErrorRow, message: string | null): ConsumerHeartbeatResponse {
  return {
    errorCode: error.code,
    errorMessage: message,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  };
}

export function assignmentOf({ assigned }: CurrentAssignment): ConsumerHeartbeatResponse['assignment'] {
  return {
    topicPartitions: [...assigned].map(([topicId, partitions]) => ({
      topicId,
      partitions: [...partitions.keys()],
    })),
  };
}
