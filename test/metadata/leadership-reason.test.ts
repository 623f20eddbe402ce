/** The reason in a log line must be true: a reader looks for its cause. */
import { expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { emptyClusterImage } from '../../src/metadata/cluster-image.ts';
import { leadershipReason } from '../../src/metadata/leadership-reason.ts';
import type { PartitionImage } from '../../src/metadata/topics-image.ts';

const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];
const before: PartitionImage = {
  topicId: 'AAAAAAAAAAAAAAAAAAAAew',
  index: 0,
  replicas: [one, two],
  directories: [],
  isr: [one, two],
  removingReplicas: [],
  addingReplicas: [],
  elr: [],
  lastKnownElr: [],
  formerIsr: [],
  leader: one,
  leaderRecoveryState: 0,
  leaderEpoch: 4,
  partitionEpoch: 7,
};

test.each([
  ['its replicas changed', { replicas: [one, three], isr: [one] }],
  ['replicas left the ISR', { isr: [one] }],
  ['it was elected again', {}],
])('%s: a new epoch of the same leader', (reason, change) => {
  const now = { ...before, ...change, leaderEpoch: 5, partitionEpoch: 8 };
  expect(leadershipReason(before, now, emptyClusterImage)).toBe(reason);
});
