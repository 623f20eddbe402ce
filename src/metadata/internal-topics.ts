/** The internal topics, to which only coordinators write. */

/** The topic of the group coordinator: groups and their committed offsets. */
export const offsetsTopic = '__consumer_offsets';
/** The topic of the transaction coordinator. */
export const transactionStateTopic = '__transaction_state';

const internalTopics: readonly string[] = [offsetsTopic, transactionStateTopic, '__share_group_state'];

/** Whether only coordinators may write to the topic. */
export function isInternalTopic(name: string): boolean {
  return name.startsWith('__') && internalTopics.includes(name);
}
