/** The topics that only coordinators write to. */

/** Of the group coordinator: groups and their committed offsets. */
export const offsetsTopic = '__consumer_offsets';
/** Of the transaction coordinator. */
export const transactionStateTopic = '__transaction_state';

const internalTopics: readonly string[] = [offsetsTopic, transactionStateTopic, '__share_group_state'];

/** Whether only coordinators may write to the topic. */
export function isInternalTopic(name: string): boolean {
  return name.startsWith('__') && internalTopics.includes(name);
}
