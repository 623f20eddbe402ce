/**
 * SyncGroup (14), v0–v5. While a rebalance is in progress, the response waits until the leader's assignment is replicated. The
 * rules are in `group/classic/sync.ts`; for classic members of a consumer group in `group/consumer/migration/`.
 * Versions:  v3 static members · v5 the client must send protocol type and protocol name.
 */
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import { SyncGroupRequest, SyncGroupResponse } from '../../../protocol/messages/groups/14-sync-group.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

const protocolSince = 5;

export function createSyncGroupHandler(groups: GroupService): Handler {
  return defineHandler(SyncGroupRequest, SyncGroupResponse, {
    versions: '0-5',
    listeners: ['broker'],
    handle(request, { apiVersion }) {
      const isNamed = request.protocolType !== null && request.protocolName !== null;
      if (apiVersion >= protocolSince && !isNamed) throw new KafkaError(Errors.INCONSISTENT_GROUP_PROTOCOL);
      return groups.sync(request);
    },
    failed: (_request, error) => ({ errorCode: error.code, assignment: new Uint8Array(0) }),
  });
}
