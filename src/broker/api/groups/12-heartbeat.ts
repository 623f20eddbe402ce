/** Heartbeat (12), v0–v4. The rules are in `group/classic/heartbeat.ts`. Versions: v3 static members. */
import { HeartbeatRequest, HeartbeatResponse } from '../../../protocol/messages/groups/12-heartbeat.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createHeartbeatHandler(groups: GroupService): Handler {
  return defineHandler(HeartbeatRequest, HeartbeatResponse, {
    versions: '0-4',
    listeners: ['broker'],
    handle: (request) => groups.heartbeat(request),
  });
}
