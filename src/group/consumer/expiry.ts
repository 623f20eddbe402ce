/** What happens when a deadline of a consumer group passes, and when this broker stops being its coordinator. */
import { mark } from '../../base/mark.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import type { Deadline } from '../deadlines.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { resignBatch } from './request-batch.ts';
import { expireMember } from './leave.ts';
import { continueResolving } from './regex-subscriptions.ts';
import { continueAssignment } from './target.ts';
import { memberStates } from './member.ts';

export function expireConsumerDeadline(turn: Turn, group: ConsumerGroup, deadline: Deadline): void {
  if (deadline === group.assignDeadline) return continueAssignment(turn, group);
  if (deadline === group.regexDeadline) return continueResolving(turn, group);
  const { memberId } = deadline;
  const timers = group.timers.get(memberId);
  // The deadline was set for the classic group from which this group was converted.
  if (timers === undefined) return;
  const { current } = group.members.get(memberId) ?? {};
  if (deadline === timers.session) expireMember(turn, group, memberId, 'session expired');
  else if (deadline === timers.join) expireMember(turn, group, memberId, 'did not join again in time');
  else if (deadline === timers.sync) expireMember(turn, group, memberId, 'did not send SyncGroup in time');
  else if (
    deadline === timers.rebalance &&
    current?.state === memberStates.unrevoked &&
    current.memberEpoch === timers.rebalanceEpoch
  ) {
    mark('group.revocation-deadline');
    expireMember(turn, group, memberId, 'did not give up its partitions in time');
  }
}

export function resignConsumerGroup(turn: Turn, group: ConsumerGroup, error: ErrorRow): void {
  for (const memberId of [...group.timers.keys()]) group.cancelTimers(memberId);
  group.assigning = null;
  group.resolving = null;
  resignBatch(turn, group, error);
}
