/** The topics of the questions about records (`records.mjs`). */
const hour = 3_600_000;

/** The topics for questions about records, each with its settings. */
export const recordTopics = {
  plain: [],
  compacted: [{ name: 'cleanup.policy', value: 'compact' }],
  bounded: [
    { name: 'message.timestamp.before.max.ms', value: String(hour) },
    { name: 'message.timestamp.after.max.ms', value: '60000' },
  ],
  'dated.by.broker': [
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
    { name: 'message.timestamp.before.max.ms', value: String(hour) },
  ],
  'compacted.bounded': [
    { name: 'cleanup.policy', value: 'compact,delete' },
    { name: 'message.timestamp.before.max.ms', value: String(hour) },
  ],
  tight: [{ name: 'max.message.bytes', value: '100' }],
};
