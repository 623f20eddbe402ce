/** The handlers of the group coordinator, as one list that the server passes to `createHandlerTable`. */
import { CoordinatorFinder } from '../../coordinator/coordinator-finder.ts';
import type { GroupService } from '../../groups/group-service.ts';
import type { Handler } from '../../handler.ts';
import type { TopicCreator } from '../../topic-creator.ts';
import { createOffsetCommitHandler } from './08-offset-commit.ts';
import { createOffsetFetchHandler } from './09-offset-fetch.ts';
import { createFindCoordinatorHandler, keyType } from './10-find-coordinator.ts';
import { createJoinGroupHandler } from './11-join-group.ts';
import { createHeartbeatHandler } from './12-heartbeat.ts';
import { createLeaveGroupHandler } from './13-leave-group.ts';
import { createSyncGroupHandler } from './14-sync-group.ts';
import { createTxnOffsetCommitHandler } from '../transactions/28-txn-offset-commit.ts';
import { createDescribeGroupsHandler } from './15-describe-groups.ts';
import { createListGroupsHandler } from './16-list-groups.ts';
import { createConsumerGroupHeartbeatHandler } from './68-consumer-group-heartbeat.ts';
import { createConsumerGroupDescribeHandler } from './69-consumer-group-describe.ts';
import { createDeleteGroupsHandler } from './42-delete-groups.ts';
import { createOffsetDeleteHandler } from './47-offset-delete.ts';
import type { Endpoints } from '../endpoints.ts';

/** `finders`: the finders for keys that are not group ids, by `keyType`. */
export function createGroupHandlers(
  groups: GroupService,
  endpoints: Endpoints,
  creator: TopicCreator,
  finders: ReadonlyMap<number, CoordinatorFinder> = new Map(),
): Handler[] {
  const groupFinder = new CoordinatorFinder(groups, endpoints, creator);
  return [
    createOffsetCommitHandler(groups),
    createOffsetFetchHandler(groups),
    createFindCoordinatorHandler(new Map([...finders, [keyType.group, groupFinder]])),
    createTxnOffsetCommitHandler(groups),
    createJoinGroupHandler(groups),
    createHeartbeatHandler(groups),
    createLeaveGroupHandler(groups),
    createSyncGroupHandler(groups),
    createDescribeGroupsHandler(groups),
    createListGroupsHandler(groups),
    createDeleteGroupsHandler(groups),
    createOffsetDeleteHandler(groups),
    createConsumerGroupHeartbeatHandler(groups),
    createConsumerGroupDescribeHandler(groups),
  ];
}
